"""What this machine has left: cores, memory, disk; what this process took at most. Limits of a container count, not only the machine's."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
_STATUS = Path("/proc/self/status")


def cores() -> int:
    """How many cores this process may use.

    Returns
    -------
    int
        At least 1. Those that the process is bound to, and no more than the container's share.

    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = _of_cgroup("cpu.max")
    if share and share[0] != "max":
        bound = min(bound, -(-int(share[0]) // int(share[1])))
    return max(1, bound)


def memory() -> int | None:
    """The bytes of memory that are there in all.

    Returns
    -------
    int or None
        The machine's, or the container's limit where that is less; None where neither can be read.

    """
    return _least(_of_machine("MemTotal"), _number("memory.max"))


def free_memory() -> int | None:
    """The bytes of memory that a process can still take.

    Returns
    -------
    int or None
        What the machine has available, or what is left of the container's limit where that is less. None where neither can be read.

    """
    limit, used = _number("memory.max"), _number("memory.current")
    left = None if limit is None or used is None else max(0, limit - used + _reclaimable())
    return _least(_of_machine("MemAvailable"), left)


def free_disk(folder: Path, /) -> int:
    """The free bytes of the disk that a folder lies on, or will lie on.

    Parameters
    ----------
    folder
        A folder; it need not be there yet.

    Returns
    -------
    int
        Bytes that a user without special rights can write.

    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def peak_memory() -> int | None:
    """The most memory that this process has held at one time.

    Returns
    -------
    int or None
        Bytes. On Linux since `reset_peak`, elsewhere since it began; None on Windows.

    """
    kept = _field(_STATUS, "VmHWM")
    if kept is not None:
        return kept
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> None:
    """Let `peak_memory` start again. Only Linux can; elsewhere nothing happens."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _of_machine(word: str) -> int | None:
    bytes_read = _field(_MEMORY, word)
    if bytes_read is None and word == "MemTotal" and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return bytes_read


def _field(path: Path, word: str) -> int | None:
    """A line `Word:   123 kB` of the system's, in bytes."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{word}:")), None)


def _of_cgroup(name: str) -> list[str]:
    try:
        return (_CGROUP / name).read_text(encoding="ascii").split()
    except OSError:
        return []


def _number(name: str) -> int | None:
    words = _of_cgroup(name)
    return int(words[0]) if words and words[0].isdecimal() else None


def _reclaimable() -> int:
    """Files that the system keeps in the container's memory and gives back when asked."""
    words = _of_cgroup("memory.stat")
    kept = dict(zip(words[::2], words[1::2], strict=False))
    return int(kept.get("inactive_file", 0))
