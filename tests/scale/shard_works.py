"""What shards of tests do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.failures import Unfinished
from impasto.scale.task import Task
from impasto.schema import InputError


def write(arguments: Mapping[str, Any], task: Task) -> None:
    task.output.write_text(arguments["text"])


def join(_: Mapping[str, Any], task: Task) -> dict[str, Any]:
    task.output.write_text("\n".join(path.read_text() for _, path in task.after))
    return {"joined": len(task.after), "left_out": sorted(task.left_out)}


def _count(arguments: Mapping[str, Any]) -> None:
    with Path(arguments["count"]).open("a") as handle:
        handle.write("x")


def bad_input(arguments: Mapping[str, Any], _: Task) -> None:
    _count(arguments)
    raise InputError("this plate has no controls")


def fault(arguments: Mapping[str, Any], _: Task) -> None:
    _count(arguments)
    raise ZeroDivisionError("a slip")


def too_large(_: Mapping[str, Any], __: Task) -> None:
    raise Unfinished("this needs about 9 GB of memory")


def full(_: Mapping[str, Any], __: Task) -> None:
    raise OSError(28, "No space left on device")


def once(arguments: Mapping[str, Any], task: Task) -> None:
    """Killed the first time, as by a machine that is out of memory."""
    path = Path(arguments["count"])
    if not path.exists():
        path.write_text("x")
        os.kill(os.getpid(), signal.SIGKILL)
    task.output.write_text("done")


def always(_: Mapping[str, Any], __: Task) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def slow(arguments: Mapping[str, Any], task: Task) -> None:
    Path(arguments["folder"], f"pid-{os.getpid()}").write_text("")
    time.sleep(60)
    task.output.write_text("late")


def nap(_: Mapping[str, Any], task: Task) -> None:
    time.sleep(5)
    task.output.write_text("rested")


def in_pieces(arguments: Mapping[str, Any], task: Task) -> None:
    """Does one piece of three a call, and leaves it in its scratch folder."""
    task.scratch.mkdir(parents=True, exist_ok=True)
    done = len(list(task.scratch.iterdir()))
    (task.scratch / f"{done}").write_text(arguments["text"])
    if done < 2:
        raise OSError("killed")
    task.output.write_text("".join(path.read_text() for path in sorted(task.scratch.iterdir())))
