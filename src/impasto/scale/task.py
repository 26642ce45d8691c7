"""One shard: called, written whole, and its receipt left beside."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto import families, machine, records, texts, threads, whole
from impasto.failures import Unfinished, is_full, is_memory
from impasto.object_stores import NoConnection
from impasto.scale.plan import QUARANTINE, RECEIPTS, Plan, Shard, size_of
from impasto.schema import InputError

SCRATCH = "scratch"
Facts = Mapping[str, Any]
"""What a shard says of its output; JSON-safe."""
Work = Callable[[Mapping[str, Any], "Task"], Facts | None]


@dataclass(frozen=True)
class Task:
    """What a shard is given beside its arguments.

    Attributes
    ----------
    output
        Where to write: a temporary path that takes the name of the output when the function returns.
    folder
        The folder of the plan.
    after
        Name and output of each shard that it comes after and that was not given up, in order.
    left_out
        Its plates that earlier shards have left out.
    scratch
        A folder for what takes up too much memory, or too much time to be done again: the shard that was killed finds it as it left it.
        It is removed when the shard is done.

    """

    output: Path
    folder: Path
    after: tuple[tuple[str, Path], ...] = ()
    left_out: frozenset[str] = frozenset()
    scratch: Path = Path()


def run(plan: Plan, shard: Shard, /) -> None:
    """Run a shard, unless it is done.

    Parameters
    ----------
    plan
        All earlier phases of it are done.
    shard
        One of its shards.

    """
    if plan.is_done(shard):
        return
    started, clock = time.time(), time.perf_counter()
    work: Work = families.load(shard.work)
    output = plan.folder / shard.output
    # By its key: what a shard of other settings has left there is not taken up.
    scratch = plan.folder / SCRATCH / plan.key(shard)[:16]
    with whole.replacing(output) as temporary, threads.limited(plan.threads):
        task = Task(temporary, plan.folder, tuple(plan.survivors(shard.after)), frozenset(plan.left_out(shard)), scratch)
        facts = work(shard.arguments, task) or {}
    whole.remove(scratch)
    record = {
        "key": plan.key(shard),
        "bytes": size_of(output),
        "sha256": records.content(output),
        "facts": dict(facts),
        "started": started,
        "seconds": round(time.perf_counter() - clock, 3),
        "peak_mb": None if (peak := machine.peak_memory()) is None else round(peak / 2**20, 1),
    }
    (plan.folder / QUARANTINE / f"{shard.name}.json").unlink(missing_ok=True)
    with whole.replacing(plan.folder / RECEIPTS / f"{shard.name}.json") as temporary:
        texts.write(temporary, whole.as_json(record))


@dataclass(frozen=True)
class Failure:
    """Why a shard failed, in a form that crosses from one process to another.

    Attributes
    ----------
    sentence
        One line.
    trace
        The traceback.
    kind
        `input`, `machine` or `fault`: who can mend it.

    """

    sentence: str
    trace: str = ""
    kind: str = "fault"

    @classmethod
    def of(cls, error: BaseException, /) -> Failure:
        """What an error says.

        Parameters
        ----------
        error
            Whatever a shard raised.

        Returns
        -------
        Failure
            Its sentence, its traceback and its kind.

        """
        first = (str(error).strip().splitlines() or [""])[0]
        trace = "".join(traceback.format_exception(error))
        if isinstance(error, InputError):
            return cls(first, trace, "input")
        sentence = f"{type(error).__name__}: {first}" if first else type(error).__name__
        return cls(sentence, trace, "machine" if isinstance(error, OSError) or is_memory(error) else "fault")

    @property
    def tries(self) -> int:
        """How often a shard that fails so is tried: bad input stays bad, a machine may recover."""
        return {"input": 1, "machine": 3}.get(self.kind, 2)


KILLED = Failure("its process was killed (the machine may have run out of memory)", kind="machine")
WAITS = (1.0, 10.0, 60.0)
"""Seconds before a shard is tried again."""


def attempt(plan: Plan, shard: Shard, /) -> Failure | None:
    """Run a shard; what it raises comes back as a value.

    Parameters
    ----------
    plan
        All earlier phases of it are done.
    shard
        One of its shards.

    Returns
    -------
    Failure | None
        None where it is done.

    Raises
    ------
    OSError
        The disk is full.
    NoConnection
        Nothing remote can be had: no other shard would fare better, and none is to blame.
    Unfinished
        The machine has too little memory for what the shard holds; it is tried again when the command is run again.

    """
    try:
        run(plan, shard)
    except (NoConnection, Unfinished):
        raise
    except Exception as error:
        if is_full(error):
            raise
        return Failure.of(error)
    return None


def give_up(plan: Plan, shard: Shard, failure: Failure, /, *, tries: int) -> None:
    """Put a shard into quarantine, with its reason.

    Parameters
    ----------
    plan
        Of the shard.
    shard
        What failed.
    failure
        Why.
    tries
        How often it was tried.

    """
    record = {"key": plan.key(shard), "reason": failure.sentence, "kind": failure.kind, "trace": failure.trace, "tries": tries}
    with whole.replacing(plan.folder / QUARANTINE / f"{shard.name}.json") as temporary:
        texts.write(temporary, whole.as_json(record))
