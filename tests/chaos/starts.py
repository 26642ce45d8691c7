"""Commands that are started, watched and stopped. Most are forks of a process that has imported the libraries; some are fresh ones.

A fork begins where a fresh process has done its imports, so that a stop comes while the verb works. A fresh process is stopped while it
imports, too.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import corpus

IMPORTED, ERRORS = "imported", "errors"
"""Files beside a command: the names of the modules that it had imported at its end, and its standard error."""
OUTSIDE = 98
"""Exit code of a fork that was stopped before the command began, or after it had ended."""
_NAP = 0.002
_FRESH = "import sys; sys.modules['umap'] = None; from impasto.__main__ import main; main()"
"""As `python -m impasto`, with maps by principal components as in the forks (`corpus.without_umap`)."""


@dataclass(frozen=True)
class Started:
    """A command that runs.

    Attributes
    ----------
    process
        Its number.
    fresh
        Whether it is a new interpreter.
    folder
        Where its standard error is kept.

    """

    process: int
    fresh: bool
    folder: Path

    def errors(self) -> str:
        """What it said on standard error so far."""
        return (self.folder / ERRORS).read_text(encoding="utf-8", errors="replace")

    def cpu(self) -> float:
        """Seconds of processor time so far; unlike the clock they do not depend on what else runs."""
        try:
            return time.clock_gettime(((~self.process) << 3) | 2)  # the clock of another process, as clock_getcpuclockid(3) names it
        except OSError:
            return float("inf")

    def wait(self, seconds: float, *, until: Callable[[], bool] | None = None) -> int | None:
        """The exit code; None where it still runs after so many seconds, or when `until` says so."""
        deadline = time.monotonic() + seconds
        with _descriptor(self.process) as descriptor:
            while True:
                left = deadline - time.monotonic()
                if descriptor.poll(1000 * max(0.0, left if until is None else min(left, _NAP))):
                    return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
                if left <= 0 or (until is not None and until()):
                    return None

    def stop(self, number: signal.Signals) -> int | None:
        """Send it a signal; its exit code, or None where it does not end within a minute, and is killed."""
        os.kill(self.process, number)
        code = self.wait(60)
        if code is None:
            os.kill(self.process, signal.SIGKILL)
            self.wait(60)
        return code


@contextlib.contextmanager
def _descriptor(process: int) -> object:
    descriptor, poll = os.pidfd_open(process), select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        yield poll
    finally:
        os.close(descriptor)


def start(words: Sequence[str], folder: Path, *, fresh: bool = False, environment: Mapping[str, str] | None = None) -> Started:
    """Begin a command in a session of its own.

    Parameters
    ----------
    words
        Of the command line, without the program.
    folder
        Where it runs, and where its standard error goes.
    fresh
        Whether in a new interpreter instead of a fork.
    environment
        Variables beside those of this process.

    """
    child = os.fork()
    if child:
        return Started(child, fresh, folder)
    code = OUTSIDE
    try:
        # What a shell starts in the background ignores Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL if fresh else signal.default_int_handler)
        os.setsid()
        os.chdir(folder)
        os.environ.update(environment or {})
        with open(ERRORS, "wb") as errors, open(os.devnull, "r+b") as nothing:
            for stream, number in ((nothing, 0), (nothing, 1), (errors, 2)):
                os.dup2(stream.fileno(), number)
        if fresh:
            os.execv(sys.executable, [sys.executable, "-c", _FRESH, *words])
        code = corpus.command(words)
        _tell_imports()
    except BaseException:  # noqa: BLE001 - a stop that came before or after the command
        code = OUTSIDE
    finally:
        os._exit(code)


def _tell_imports() -> None:
    Path(IMPORTED).write_text("\n".join(sorted(sys.modules)), encoding="utf-8")


def succeed(words: Sequence[str], folder: Path, *, environment: Mapping[str, str] | None = None) -> float:
    """Run a command that must succeed, and import here what it had to, so that the next one starts at once.

    Returns
    -------
    float
        Its seconds of processor time.

    """
    before = os.times()
    started = start(words, folder, environment=environment)
    if (code := started.wait(600)) != 0:
        raise SystemExit(f"impasto {' '.join(words)} ended with {code}: {started.errors()[-500:]}")
    after = os.times()
    _import((folder / IMPORTED).read_text(encoding="utf-8").split())
    return after.children_user + after.children_system - before.children_user - before.children_system


def _import(names: Sequence[str]) -> None:
    new = [name for name in names if name not in sys.modules and name != "__main__"]
    for name in new:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if new:
        gc.collect()
        gc.freeze()  # a fork that collects does not copy all of this
