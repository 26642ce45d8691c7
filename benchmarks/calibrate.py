"""Does every number mean what it says? Coverage of every interval and null shares of every p-value, with their Monte-Carlo errors.

    python -m benchmarks.calibrate [--size ci|full] [--section tasks hits ...] [--plan] [--write docs/calibration.md]

Every run is kept in runs/calibration, so a calibration that was stopped goes on where it was. Runs of another state of the source count
where the first and the last of a job come out the same again; else the job begins anew, and with --anew every job does. --plan says what is
left, and how long that takes. All jobs are brought to 5 runs, then all to 10, 20 and so on: whenever it is stopped, each figure stands on
about as many runs. The page is written after each round. Exit code 1 where any figure is red (`benchmarks.calibration_rows` says when).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import (
    calibration_biology,
    calibration_correctors,
    calibration_dose,
    calibration_pairs,
    calibration_pvalues,
    calibration_search,
    calibration_shuffles,
    calibration_tasks,
)
from benchmarks import calibration_page as page
from benchmarks.calibration_rows import Job, Row, carry_on, digest_of_source, kept, summed, take_over
from impasto.progress import say, track

SECTIONS = {
    module.SECTION.replace(" ", "-"): module
    for module in (
        calibration_tasks,
        calibration_pairs,
        calibration_biology,
        calibration_shuffles,
        calibration_pvalues,
        calibration_correctors,
        calibration_dose,
        calibration_search,
    )
}
"""The order of the page."""
KEPT = Path("runs/calibration")


def jobs_of(sections: Sequence[str], part: str, /) -> list[tuple[Job, str]]:
    """The jobs of some sections whose name holds `part`, each with the digest of its source."""
    return [
        (job, digest)
        for section in sections
        for digest in [digest_of_source(SECTIONS[section].__name__)]
        for job in SECTIONS[section].jobs()
        if part in job.name
    ]


FIRST_ROUND = 5
"""Runs of every job in the first round; each further round doubles them."""


def calibrate(jobs: Sequence[tuple[Job, str]], folder: Path, /, *, size: str, runs: int | None, minutes: float) -> Iterator[list[str]]:
    """Make the runs that are not kept yet, round by round.

    Yields after each round the sentences on what was not run, or not in full.
    """
    until = time.monotonic() + 60 * minutes
    wanted = {(job.section, job.name): _wanted(job, size, runs) for job, _ in jobs}
    most, round_ = max(wanted.values()), FIRST_ROUND
    while True:
        for job, source in jobs:
            many = min(round_, wanted[job.section, job.name])
            left = max(0, many - kept(folder, job, source)["run"].nunique())
            if left and not job.missing:
                list(track(carry_on(folder, job, source, many=many, until=until), what=f"{job.name}, to {many}", unit="runs", total=left))
        yield [
            sentence
            for job, source in jobs
            if (sentence := _left_out(job, kept(folder, job, source)["run"].nunique(), wanted[job.section, job.name]))
        ]
        if round_ >= most or time.monotonic() > until:
            return
        round_ *= 2


def _wanted(job: Job, size: str, runs: int | None) -> int:
    return runs or (job.full if size == "full" else job.ci)


def check(jobs: Sequence[tuple[Job, str]], folder: Path, /, *, size: str, runs: int | None) -> int:
    """Take over runs of another source that still hold; how many jobs have such runs."""
    asked = [(job, source) for job, source in jobs if _wanted(job, size, runs)]
    return sum(take_over(folder, job, source) for job, source in track(asked, what="runs of another source, made again", unit="jobs"))


def plan(jobs: Sequence[tuple[Job, str]], folder: Path, /, *, size: str, runs: int | None) -> list[str]:
    """What is left of every job, and how many CPU minutes that takes by its runs so far."""
    lines, total, unknown = [], 0.0, 0
    for job, source in jobs:
        many = _wanted(job, size, runs)
        table = kept(folder, job, source).drop_duplicates("run")
        left = 0 if job.missing else max(0, many - len(table))
        seconds = float(table["seconds"].mean()) if len(table) else math.nan
        minutes = left * seconds / 60
        unknown += left > 0 and math.isnan(minutes)
        total += 0.0 if math.isnan(minutes) else minutes
        cost = "not timed yet" if math.isnan(seconds) else f"{seconds:.2f} s a run, {left * seconds / 60:.1f} min left"
        lines.append(job.missing or f"{job.section}, {job.name}: {min(len(table), many)} of {many} runs, {cost}")
    return [*lines, f"{total:.0f} CPU minutes left" + (f", and {unknown} jobs that were not timed yet" if unknown else "")]


def _left_out(job: Job, done: int, many: int) -> str:
    if job.missing:
        return job.missing
    if not many:
        return f"{job.section}, {job.name}: only in the full size"
    return "" if done >= many else f"{job.section}, {job.name}: {done} of {many} runs"


def rows_of(jobs: Sequence[tuple[Job, str]], folder: Path, /) -> list[Row]:
    """The rows of all runs that are kept."""
    return [row for job, source in jobs for row in summed(job.section, kept(folder, job, source))]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("ci", "full"), default="ci")
    parser.add_argument("--section", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="all by default")
    parser.add_argument("--job", default="", metavar="PART", help="only jobs whose name holds this")
    parser.add_argument("--runs", type=int, metavar="N", help="of every job, instead of those of its size")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no further run begins")
    parser.add_argument("--anew", action="store_true", help="count no run of another state of the source")
    parser.add_argument("--plan", action="store_true", help="say what is left, run nothing")
    parser.add_argument("--kept", type=Path, default=KEPT, metavar="FOLDER", help="where runs are kept")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page too, and all figures as CSV beside it")
    given = parser.parse_args(arguments)
    if given.runs is not None and given.runs < 1:
        parser.error(f"--runs {given.runs}: one run at least is needed")
    if given.write and not given.write.resolve().parent.is_dir():
        parser.error(f"--write {given.write}: its folder does not exist; make it before")
    if given.kept.exists() and not given.kept.is_dir():
        parser.error(f"--kept {given.kept}: this is a file, and a folder is needed")
    warnings.simplefilter("ignore")
    jobs = jobs_of(given.section, given.job)
    if not jobs:
        parser.error(f"--job {given.job}: no job of these sections holds this in its name")
    if given.plan:
        say("\n".join(plan(jobs, given.kept, size=given.size, runs=given.runs)))
        return 0
    if not given.anew:
        check(jobs, given.kept, size=given.size, runs=given.runs)
    rows: list[Row] = []
    left_out: list[str] = []
    for left_out in calibrate(jobs, given.kept, size=given.size, runs=given.runs, minutes=given.minutes):
        rows = rows_of(jobs, given.kept)
        if given.write and rows:
            given.write.write_text(page.text(rows, left_out), encoding="utf-8")
            page.table(rows).to_csv(given.write.with_suffix(".csv"), index=False)
    page.show(rows)
    for sentence in left_out:
        say(sentence)
    return 1 if any(row.verdict == "red" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
