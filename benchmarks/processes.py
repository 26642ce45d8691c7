"""Commands of impasto as processes: run, killed, and measured with all that they start."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Done:
    """A command that ran to its end or was killed."""

    code: int | None
    seconds: float
    peak_mb: float
    output: str
    cpu: float = 0.0
    resident_mb: float = 0.0
    """The same with the pages of files that are mapped, which can be given back."""


class Peak(threading.Thread):
    """The largest memory of a process and all that it started, as long as it runs."""

    def __init__(self, group: int) -> None:
        super().__init__(daemon=True)
        self._group, self._ends = group, threading.Event()
        self.mb = self.resident_mb = 0.0

    def run(self) -> None:
        while not self._ends.wait(0.05):
            members = members_of(self._group)
            self.mb = max(self.mb, sum(memory_mb(pid, "RssAnon") for pid in members))
            self.resident_mb = max(self.resident_mb, sum(memory_mb(pid, "VmRSS") for pid in members))

    def end(self) -> float:
        self._ends.set()
        self.join()
        return self.mb


def members_of(group: int) -> list[int]:
    """The processes of a group, by /proc."""
    members = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[2]) == group:
                members.append(int(entry.name))
    return members


def memory_mb(pid: int, word: str) -> float:
    """Memory of a process: `RssAnon` is not a file's, `VmRSS` is all; what is mapped from a file can be given back at any time."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(word):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0
    return 0.0


def command(words: Sequence[object], *, kill_after: float | None = None) -> Done:
    """Run `impasto WORDS`; kill the process that was started, and nothing else, after some seconds."""
    clock, before = time.perf_counter(), _cpu_of_children()
    process = subprocess.Popen(
        [sys.executable, "-m", "impasto", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    peak = Peak(process.pid)
    peak.start()
    try:
        output, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return Done(None, time.perf_counter() - clock, peak.end(), output)
    return Done(process.returncode, time.perf_counter() - clock, peak.end(), output, _cpu_of_children() - before, peak.resident_mb)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def finished(run: Done) -> None:
    """End where a command failed, with what it said."""
    if run.code != 0:
        raise SystemExit(f"exit code {run.code}: {run.output[-2000:]}")
