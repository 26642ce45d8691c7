"""`impasto WORDS...` in this process: one of its own spends seconds on imports. tests/test_cli.py starts real ones."""

from __future__ import annotations

import contextlib
import contextvars
import io
import signal
import sys
from dataclasses import dataclass

from impasto import cli


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    code
        Its exit code.
    out, err
        What it printed.

    """

    code: int
    out: str
    err: str


def impasto(*words: object, code: int = 0) -> Ended:
    """Run a command whose exit code has to be `code`."""
    done = contextvars.copy_context().run(_run, [str(word) for word in words])
    assert done.code == code, done.out + done.err
    return done


def _run(words: list[str]) -> Ended:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    argv, on_terminate, code = sys.argv, signal.getsignal(signal.SIGTERM), 0
    sys.argv = ["impasto", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = argv
        signal.signal(signal.SIGTERM, on_terminate)
    return Ended(code, *(stream.buffer.getvalue().decode("utf-8") for stream in (out, err)))
