"""What this machine has left: cores, memory, disk; what this process took at most.

The limits of a container, or of a job of Slurm, count too: those of the process's control group and of all groups above it. Both versions
of that interface are read.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
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
    for folder in _groups(""):
        share = _words(folder / "cpu.max")
        if share and share[0] != "max":
            bound = min(bound, -(-int(share[0]) // int(share[1])))
    for folder in _groups("cpu"):
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota and period:
            bound = min(bound, -(-quota // period))
    return max(1, bound)


def memory() -> int | None:
    """The bytes of memory that are there in all.

    Returns
    -------
    int or None
        The machine's, or the container's limit where that is less; None where neither can be read.

    """
    return _least(_of_machine("MemTotal"), *(limit for limit, _ in _limits()))


def free_memory() -> int | None:
    """The bytes of memory that a process can still take.

    Returns
    -------
    int or None
        What the machine has available, or what is left of the container's limit where that is less. None where neither can be read.

    """
    return _least(_of_machine("MemAvailable"), *(left for _, left in _limits()))


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


def held_memory() -> int | None:
    """The memory that this process holds now.

    Returns
    -------
    int or None
        Bytes; None where the system does not say.

    """
    return _field(_STATUS, "VmRSS")


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


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process's control group and of those above it; `""` is the second version, which has one for all controllers."""
    root = _CGROUP / controller
    try:
        lines = _OWN_CGROUP.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    own = next((path.lstrip("/") for _, names, path in parts if controller in names.split(",")), "")
    # In a container, the path is the machine's, and what is above is not shown; then only the root is there.
    yield from (folder for folder in (root / own, *(root / own).parents) if folder == root or folder.is_relative_to(root))


def _limits() -> Iterator[tuple[int, int | None]]:
    """Each limit of memory, and the bytes that are left of it."""
    names = {
        "": ("memory.max", "memory.current", "inactive_file"),
        "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    }
    for controller, (most, used, reclaimable) in names.items():
        for folder in _groups(controller):
            limit, now = _number(folder / most), _number(folder / used)
            if limit is None:
                continue
            words = _words(folder / "memory.stat")
            # Files that the system keeps in the group's memory and gives back when asked.
            back = int(dict(zip(words[::2], words[1::2], strict=False)).get(reclaimable, 0))
            yield limit, None if now is None else max(0, limit - now + back)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _number(path: Path) -> int | None:
    words = _words(path)
    return int(words[0]) if words and words[0].isdecimal() else None
