"""Does every number mean what it says? Coverage of every interval and null shares of every p-value, with their Monte-Carlo errors.

    python -m benchmarks.calibrate [--size ci|full] [--section tasks hits ...] [--write docs/calibration.md]

Every run is kept in runs/calibration, so a calibration that was stopped goes on where it was; runs of another state of the source are not
counted. Exit code 1 where any figure is red (`benchmarks.calibration_rows` says when).
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
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
from benchmarks.calibration_rows import Job, Row, carry_on, digest_of_source, kept, summed
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


def calibrate(jobs: Sequence[tuple[Job, str]], folder: Path, /, *, size: str, runs: int | None, minutes: float) -> list[str]:
    """Make the runs that are not kept yet, and say what was left out. Gives the sentences of jobs of which no run is kept."""
    without, until = [], time.monotonic() + 60 * minutes
    for job, source in jobs:
        many = runs or (job.full if size == "full" else job.ci)
        done = kept(folder, job, source)["run"].nunique()
        sentence = job.missing or ("" if many else f"{job.section}, {job.name}: only in the full size")
        if not sentence:
            left = max(0, many - done)
            made = list(track(carry_on(folder, job, source, many=many, until=until), what=job.name, unit="runs", total=left))
            done += len(made)
            if len(made) < left:
                sentence = f"{job.section}, {job.name}: {done} of {many} runs, the time was up"
        if sentence:
            say(sentence)
            without += [] if done else [sentence]
    return without


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
    parser.add_argument("--kept", type=Path, default=KEPT, metavar="FOLDER", help="where runs are kept")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page too")
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
    left_out = calibrate(jobs, given.kept, size=given.size, runs=given.runs, minutes=given.minutes)
    rows = rows_of(jobs, given.kept)
    page.show(rows)
    if given.write:
        given.write.write_text(page.text(rows, left_out), encoding="utf-8")
    return 1 if any(row.verdict == "red" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
