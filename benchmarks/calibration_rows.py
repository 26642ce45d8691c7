"""The rows of a calibration: figures of single runs, kept on disk, and what they come to.

A job is one design. Each of its runs gives figures: an interval that should hold a truth, or a share of p-values at .05. All runs of a
job stand in one CSV file with the source they were made by, so that a calibration which was stopped goes on where it was. Runs of another
state of the source count where the first and the last of them, made again, give the same figures.

    coverage: share of runs whose interval holds the truth. Red where it is three errors of a .93 interval below .93.
    share:    mean share of p-values at .05 or below. Red where it is three errors above 1.2 x .05.
    inert:    the same, of inert positions of real plates. Red above .10.
    inside:   mean share of intervals that hold their truth, where a run has several. Red where it is three errors below .93.
    always:   a share that must be 1. Red below it.

What lies beyond .93 or 1.2 x .05 by less than three errors is open: more runs decide.
"""

from __future__ import annotations

import ast
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

import impasto
from impasto import runs

LEVEL = 0.05
"""Every p-value is counted at this level."""
LOWEST_COVERAGE, WIDE = 0.93, 0.97
MOST_SHARE = 1.2 * LEVEL
MOST_INERT = 0.10
ERRORS = 3
_SECONDS_BETWEEN_WRITES = 20.0
_SAME = 1e-6
"""Relative: figures that differ by less are the same."""
_COLUMNS = ("source", "run", "seconds")
_BENCHMARKS = Path(__file__).parent
_IMPORTED = re.compile(r"^from benchmarks(?:\.(\w+))? import (.+)$", re.MULTILINE)
_NOT_MEASURED = {"calibration_rows", "timing"}

Judged = Literal["coverage", "share", "inert", "inside", "always", "shown"]
Verdict = Literal["holds", "wide", "open", "red", "shown"]


class Seen(NamedTuple):
    """One figure of one run.

    Attributes
    ----------
    what
        The score or test.
    case
        The column of the table it stands in: `no effect`, `an effect`, `inert p <= .05`.
    judged
        By which rule its mean over runs is judged; `shown` by none.
    value
        The score, or the share.
    low, high
        The interval of a score.
    truth
        What the interval should hold; NaN for the mean of the value over runs.
    of
        How many p-values a share is of.

    """

    what: str
    case: str
    judged: Judged
    value: float
    low: float = float("nan")
    high: float = float("nan")
    truth: float = float("nan")
    of: int = 1


class Row(NamedTuple):
    """What the runs of one figure come to: its value, the Monte-Carlo error of the value, how many runs there were, and the verdict.

    The rows of the first score of a job lead: the page shows these, the table beside it all.
    """

    section: str
    what: str
    case: str
    value: float
    error: float
    runs: int
    verdict: Verdict
    leads: bool = True


@dataclass(frozen=True)
class Job:
    """One design, run again and again.

    Attributes
    ----------
    section, name
        Where it stands.
    of_run
        Takes the number of a run, which is its seed, and gives the run's figures.
    ci, full
        How many runs each size makes.
    needs
        Files and folders without which the job is skipped.
    get
        The command that brings what it needs.

    """

    section: str
    name: str
    of_run: Callable[[int], list[Seen]]
    ci: int
    full: int
    needs: tuple[Path, ...] = ()
    get: str = ""

    @property
    def file(self) -> str:
        """The name of the file of its runs."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.section} {self.name}".lower()).strip("-") + ".csv"

    @property
    def missing(self) -> str:
        """Why it cannot be run, as a sentence; empty where it can."""
        absent = [path for path in self.needs if not path.exists()]
        if not absent:
            return ""
        return f"{self.section}, {self.name}: skipped, {absent[0]} is missing{f' ({self.get})' if self.get else ''}"


def digest_of_source(module: str, /) -> str:
    """What tells one state of the measured code from another.

    Parameters
    ----------
    module
        Of `benchmarks`, whose runs are kept; those that it imports count too.

    Returns
    -------
    Twelve letters and digits, of the code of that and of all of impasto. Comments, docstrings and line breaks do not count.

    """
    package = Path(impasto.__file__).parent
    total = hashlib.sha256()
    for file in [*sorted(package.rglob("*.py")), *(_BENCHMARKS / f"{name}.py" for name in sorted(_with_imports(module)))]:
        total.update(f"{file.name} {_code(file)}".encode())
    return total.hexdigest()[:12]


@cache
def _code(file: Path) -> str:
    """What a file does, without what it says."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _with_imports(module: str) -> set[str]:
    """The name of a module of `benchmarks`, and of all those that it takes designs or tests from."""
    names, left = set(), [module.removeprefix("benchmarks.")]
    while left:
        name = left.pop()
        names.add(name)
        for of, words in _IMPORTED.findall((_BENCHMARKS / f"{name}.py").read_text()):
            imported = [of] if of else [word.split(" as ")[0].strip() for word in words.split(",")]
            left += [word for word in imported if word not in names | _NOT_MEASURED]
    return names


def kept(folder: Path, job: Job, source: str, /) -> pd.DataFrame:
    """The figures of a job's runs that this source has made: the columns of `Seen`, with `run` and the CPU seconds of the run.

    Empty where there are none.
    """
    table = _read(folder / job.file)
    return table[table["source"] == source].reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    """All runs of a file, whatever source made them."""
    if not path.exists():
        return pd.DataFrame(columns=[*_COLUMNS, *Seen._fields])
    numbers = ("low", "high", "truth", "value", "seconds")
    table = pd.read_csv(path, dtype={"source": str}, keep_default_na=False, na_values={c: ["", "nan"] for c in numbers})
    return table.reindex(columns=[*_COLUMNS, *Seen._fields])


def take_over(folder: Path, job: Job, source: str, /) -> bool:
    """Count the runs of another source, where the first and the last of them come out the same with this one.

    Parameters
    ----------
    folder
        Of the kept runs.
    job
        Whose runs they are.
    source
        The digest of the source.

    Returns
    -------
    bool
        Whether runs were taken over. Where they differ, the next run drops them.

    """
    table = _read(folder / job.file)
    if table.empty or job.missing or (table["source"] == source).any():
        return False
    again = sorted({int(table["run"].min()), int(table["run"].max())})
    began = time.process_time()
    for run in again:
        before = table[table["run"] == run].reset_index(drop=True)
        if not _equal(before, pd.DataFrame(job.of_run(run), columns=list(Seen._fields))):
            return False
    seconds = round((time.process_time() - began) / len(again), 3)
    _write(folder / job.file, [table.assign(source=source, seconds=table["seconds"].fillna(seconds))])
    return True


def _equal(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    words, numbers = ["what", "case", "judged"], ["value", "low", "high", "truth", "of"]
    if len(before) != len(after) or (before[words].astype(str).to_numpy() != after[words].astype(str).to_numpy()).any():
        return False
    old, new = (table[numbers].to_numpy(dtype=float) for table in (before, after))
    return bool(np.allclose(old, new, rtol=_SAME, atol=_SAME, equal_nan=True))


def carry_on(folder: Path, job: Job, source: str, /, *, many: int, until: float = float("inf")) -> Iterator[int]:
    """Make the runs of a job that are not there yet, and keep them.

    Parameters
    ----------
    folder
        Of the kept runs.
    job
        What is run.
    source
        The digest of the source; runs of another are dropped.
    many
        How many runs there should be in the end.
    until
        The clock (`time.monotonic`) after which no further run begins.

    Yields
    ------
    The number of every run that was made.

    """
    table = kept(folder, job, source)
    done = set(table["run"].astype(int))
    parts, written = [table] if len(table) else [], time.monotonic()
    for run in (number for number in range(many) if number not in done):
        if time.monotonic() > until:
            break
        began = time.process_time()
        figures = pd.DataFrame(job.of_run(run), columns=list(Seen._fields))
        parts.append(figures.assign(source=source, run=run, seconds=round(time.process_time() - began, 3)))
        if time.monotonic() - written > _SECONDS_BETWEEN_WRITES:
            _write(folder / job.file, parts)
            written = time.monotonic()
        yield run
    if parts:
        _write(folder / job.file, parts)


def _write(path: Path, parts: Sequence[pd.DataFrame]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with runs.atomic(path) as temporary:
        pd.concat(parts, ignore_index=True)[[*_COLUMNS, *Seen._fields]].to_csv(temporary, index=False)


def summed(section: str, table: pd.DataFrame, /) -> list[Row]:
    """What the runs of a job come to: one row a figure, in the order of the first run."""
    groups = table.groupby(["what", "case"], sort=False)
    return [_row(section, str(what), str(case), own)._replace(leads=what == table["what"].iloc[0]) for (what, case), own in groups]


def _row(section: str, what: str, case: str, own: pd.DataFrame) -> Row:
    judged = str(own["judged"].iloc[0])
    if judged == "coverage":
        own = own[own["low"].notna() & own["high"].notna()]
        if own.empty:
            return Row(section, what, case, float("nan"), float("nan"), 0, "shown")
        truth = own["truth"].fillna(own["value"].mean())
        return coverage(section, what, case, int(((own["low"] <= truth) & (truth <= own["high"])).sum()), len(own))
    own = own[own["value"].notna()]
    return share(section, what, case, own["value"].to_numpy(dtype=float), own["of"].to_numpy(dtype=int), judged)


def coverage(section: str, what: str, case: str, covered: int, of: int, /) -> Row:
    """The row of an interval that held its truth in some of the runs."""
    value = covered / of
    # Nobody knows a share of 1.00 without error: Laplace's estimate keeps one.
    smooth = (covered + 1) / (of + 2)
    limit = LOWEST_COVERAGE - ERRORS * np.sqrt(LOWEST_COVERAGE * (1 - LOWEST_COVERAGE) / of)
    verdict: Verdict = "red" if value < limit else _side(value)
    return Row(section, what, case, value, float(np.sqrt(smooth * (1 - smooth) / of)), of, verdict)


def share(section: str, what: str, case: str, values: np.ndarray, of: np.ndarray, judged: str, /) -> Row:
    """The row of a share of p-values, from that of every run.

    Its error is that between runs, or that of as many independent p-values where that is larger. A score that is only shown is no share.
    """
    many = len(values)
    if not many:
        return Row(section, what, case, float("nan"), float("nan"), 0, "shown")
    value, total = float(values.mean()), int(of.sum())
    smooth = min(1.0, max(0.0, (value * total + 1) / (total + 2)))
    drawn = np.sqrt(smooth * (1 - smooth) / total) if judged != "shown" or total > many else 0.0
    between = float(values.std(ddof=1)) / np.sqrt(many) if many > 1 else 0.0
    error = float(max(drawn, between))
    # Red, and open.
    beyond = {
        "share": (value - ERRORS * error > MOST_SHARE, value > MOST_SHARE),
        "inside": (value + ERRORS * error < LOWEST_COVERAGE, value < LOWEST_COVERAGE),
        "inert": (value > MOST_INERT, False),
        "always": (value < 1, False),
        "shown": (False, False),
    }
    red, undecided = beyond[judged]
    side: Verdict = "shown" if judged == "shown" else _side(value) if judged == "inside" else "open" if undecided else "holds"
    return Row(section, what, case, value, error, many, "red" if red else side)


def _side(coverage: float) -> Verdict:
    """On which side of the target a coverage lies that is not red."""
    return "wide" if coverage > WIDE else "open" if coverage < LOWEST_COVERAGE else "holds"
