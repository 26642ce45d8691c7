"""The estimate of each stage beside what it takes: `python -m benchmarks.needs FOLDER [PART...]`; PART is one of `needs_cases.PARTS`.

FOLDER keeps the inputs and what was measured (`measured.csv`): a second run measures what is missing, and estimates all anew. Each command
runs in a process of its own. Memory is the most that it held, as its record says, libraries included; disk is what it left; time is that
of its processor. `--csv FILE` writes the table.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import needs_cases
from benchmarks.needs_cases import Case
from impasto import pace, records
from impasto.need import Need
from impasto.stages import STAGES
from impasto.stages.held import Sizes

_MB = 2**20
_MOST = 400
"""Seconds of processor time after which a command is given up."""
_slowness = pace.slowness.__wrapped__
_FIELDS = ("what", "size", "peak_mb", "disk_mb", "seconds", "slowness", "day")
_WORDS, _PARTS = ("MB of memory", "MB of disk", "s of one core"), ("estimated", "taken", "ratio")
HEAD = ("command", "run on", "stage", "size", *(f"{word}, {part}" for word in _WORDS for part in _PARTS))


def rows(base: Path, parts: list[str]) -> Iterator[list[str]]:
    """A row a command: what was estimated and taken of memory, disk and time."""
    base.mkdir(parents=True, exist_ok=True)
    done = {(row["what"], row["size"]): row for row in _kept(base)}
    for part in parts:
        for case in needs_cases.PARTS[part](base):
            row = done.get((case.what, case.size))
            if row is None or (case.keep is not None and not case.keep.exists()):
                row = _measured(case, base)
            if case.what:
                yield [f"python -m benchmarks.needs FOLDER {part}", row["day"], *_compared(case, row)]


def _kept(base: Path) -> list[dict[str, str]]:
    path = base / "measured.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _measured(case: Case, base: Path) -> dict[str, str]:
    """Run it; the result is removed, or kept for a later command. One that fails or takes too long has no numbers."""
    out = base / "result" / case.name
    shutil.rmtree(out.parent, ignore_errors=True)
    slowness = _slowness()
    seconds, is_done = _run(case.verb, *case.words, "--out", out)
    record = records.read(STAGES[case.verb].record(out)) if is_done else None
    disk = sum(path.stat().st_size for path in out.parent.rglob("*") if path.is_file()) if is_done else 0
    if is_done and case.keep is not None:
        shutil.rmtree(case.keep, ignore_errors=True)
        shutil.move(out, case.keep)
    shutil.rmtree(out.parent, ignore_errors=True)
    numbers = [record["peak_memory_mb"], disk / _MB, seconds] if record is not None else ["", "", ""]
    row = dict(zip(_FIELDS, map(str, (case.what, case.size, *numbers, slowness, dt.date.today())), strict=True))
    path = base / "measured.csv"
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, _FIELDS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    return row


def _run(*words: object) -> tuple[float, bool]:
    """The seconds of processor time of a command in a process of its own, and whether it ended well."""
    before = os.times()
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=_limited)
    after = os.times()
    if ended.returncode:
        print(f"impasto {words[0]} {words[1]} ended with {ended.returncode}: {ended.stderr[-300:]}", file=sys.stderr, flush=True)
    return after.children_user + after.children_system - before.children_user - before.children_system, not ended.returncode


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST, _MOST))


def _compared(case: Case, row: dict[str, str]) -> list[str]:
    """What was estimated on a machine as fast as this one was then, beside what was taken."""
    pace.slowness = lambda: float(row["slowness"])  # type: ignore[assignment]
    stage = STAGES[case.verb]
    need: Need | None = stage.need(stage.settings.read(case.values, where="benchmarks"), Path("result") / case.name, Sizes())
    estimates = (None, None, None) if need is None else (need.memory / _MB, need.disk / _MB or None, need.seconds)
    cells = [case.what, case.size]
    for estimate, word, digits in zip(estimates, ("peak_mb", "disk_mb", "seconds"), (0, 1, 1), strict=True):
        taken = float(row[word]) if row[word] else None
        ratio = "" if estimate is None or not taken else f"{estimate / taken:.2f}"
        cells += ["" if estimate is None else f"{estimate:.{digits}f}", "" if taken is None else f"{taken:.{digits}f}", ratio]
    return cells


def main() -> None:
    """Print the table, and write it where that is asked for."""
    folder, *words = sys.argv[1:]
    path = words.pop(words.index("--csv") + 1) if "--csv" in words else None
    parts = [word for word in words if word != "--csv"] or list(needs_cases.PARTS)
    table = []
    for row in rows(Path(folder), parts):
        print(" | ".join(row[2:]), flush=True)
        table.append(row)
    if path is not None:
        with Path(path).open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle, lineterminator="\n").writerows([HEAD, *table])


if __name__ == "__main__":
    main()
