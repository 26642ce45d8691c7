"""Which process wrote a name, and does it still live?

A number alone does not say: numbers are given again, and each machine counts for itself.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

_STILL_ACTIVE = 259
_MAY_ASK = 0x1000
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process of some machine.

    Attributes
    ----------
    host
        The name of the machine, in letters that a file's name may hold.
    pid
        Its number there.
    started
        When it started, in the system's own count; 0 where the system does not say.

    """

    host: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.host}-{self.pid}-{self.started}"

    @classmethod
    def read(cls, text: str, /) -> Process | None:
        """What `str` wrote.

        Parameters
        ----------
        text
            A text.

        Returns
        -------
        Process or None
            None where it is something else.

        """
        parts = re.fullmatch(PATTERN, text)
        return None if parts is None else cls(parts[1], int(parts[2]), int(parts[3]))

    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine.

        Returns
        -------
        bool
            By the name of the machine.

        """
        return self.host == _host()

    def is_dead(self) -> bool:
        """Whether it is known to have ended. Of another machine's process nothing is known.

        Returns
        -------
        bool
            False where it lives, and where nobody here can tell.

        """
        if not self.is_here():
            return False
        now = _started(self.pid)
        return not _lives(self.pid) or bool(self.started and now and now != self.started)


PATTERN = r"([^\s/]+)-(\d{1,10})-(\d{1,20})"
"""A process as `str` writes it."""


def own() -> Process:
    """The process that asks.

    Returns
    -------
    Process
        Always the one that asks: a fork is another process.

    """
    return Process(_host(), os.getpid(), _started(os.getpid()))


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())[:40] or "_"


def _started(pid: int) -> int:
    said = _stat(pid)
    return int(said[19]) if said else 0


def _stat(pid: int) -> list[bytes]:
    """What Linux says of a process, from its state on; empty elsewhere, and where there is no such process."""
    try:
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return _lives_on_windows(pid)
    if _stat(pid)[:1] in ([b"Z"], [b"X"]):  # it has ended, and nobody has asked how: in a container nobody may ever
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return True


def _lives_on_windows(pid: int) -> bool:
    """There, `os.kill` with 0 sends Ctrl-C instead of asking."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(_MAY_ASK, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    try:
        return bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == _STILL_ACTIVE
    finally:
        kernel.CloseHandle(handle)
