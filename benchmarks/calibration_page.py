"""The tables of a calibration, in the terminal and as a page of the documentation."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.calibration_rows import ERRORS, LOWEST_COVERAGE, MOST_INERT, MOST_SHARE, WIDE, Row

TITLES = {
    "tasks": "Intervals of tasks, on simulated designs",
    "pairs": "Paired intervals of two methods",
    "biology": "Numbers of screens, on simulated plates",
    "shuffled labels": "Intervals on real tables, with shuffled labels",
    "p-values": "P-values, on simulated plates",
    "correctors": "P-values after every corrector",
    "dose": "Dose curves",
    "search": "Queries",
}
NOTES = {
    "tasks": """The unit stands in brackets. Without an effect an interval should hold chance where that is stated exactly. Else, and with
an effect, it should hold the mean over runs. Perturbations, effects and noise are drawn again in each run. Units are 60 compounds or
genes, 48, or 24 (compound-gene, mixing, conservation); classes are 12, or 20. In one row three compounds share a
mechanism, and other mechanisms are drawn in each run. Compounds are no independent units then. Intervals over compounds hold the truth less
often. Where an interval speaks of other wells alone, perturbations and effects are the same in every run.""",
    "pairs": """Two methods on the same wells, compared as [tables of methods](scores.md) compare them. Equally good, their interval
should hold 0; else the mean difference. Such intervals keep the pairs' term, so they may be wide.""",
    "biology": """Three plates of 48 perturbations and 24 controls. Who is called depends on the controls, and each run draws others: they
leave as units too. Arms are the same in every run, for nobody draws them. A planner that takes weak effects for none plans for less
power than there is.""",
    "shuffled labels": """Shuffled labels mean nothing, so the interval should hold chance. Of mechanisms it should hold the mean over
runs.""",
    "p-values": """Half of 72 perturbations act, unless the design says otherwise. *Inert* ones do nothing. The null of copairs is shown
and not judged: its share depends on the layout.""",
    "correctors": """Simulated: nothing acts, and half of 24 controls a plate are spared. CPJUMP1: 20 of 64 DMSO positions of three plates
play compounds, 22 are used for fitting and 22 are spared. Harmony, ComBat, inverse normal and position learn from all wells alike, so
from spared ones too. A run that says NOT CALIBRATED calls nothing, so its inert positions count 0.""",
    "dose": """24 compounds, of which half act. Where the place of a well moves it on all plates alike, no test of single wells holds;
that row is not judged.""",
    "search": """A query about nothing should differ from a random query in one of twenty cases.""",
}
SHOWN = {
    "shuffled labels": ("covers", "p_chance <= .05"),
    "p-values": ("inert, p <= .05", "active, found", "hits that are inert"),
    "correctors": ("hits, p <= .05", "replicates, p <= .05", "hits among inert", "hits among compounds", "says not calibrated"),
    "dose": ("flat, p <= .05", "active, a curve", "EC50 within its interval"),
}
"""The cases that the page shows of a section; all where it is not listed. The table beside it has every one."""
ALL_SCORES = ("search",)
"""Sections of which the page shows every score that is judged, and not the first of each job alone."""
COMMAND = """```bash
make calibrate                                 # the size of continuous integration
make calibrate CALIBRATE="--size full"         # whole; with --write docs/calibration.md it makes this page and its CSV
make calibrate CALIBRATE="--size full --plan"  # what is left of it, and how long that takes
```
"""
HEAD = """# Calibration

Does every number mean what it says? `make calibrate` counts it. An interval of 95 % should hold the truth in .95 of runs. A p-value
should be .05 or less in at most .05 of cases where nothing acts. The tables below have a row for each claim;
[calibration.csv](calibration.csv) has every figure.
"""


def number(value: float, /) -> str:
    """Three digits without the leading zero: `.950`, `.048`, `1.000`."""
    if value != value:
        return "-"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def cell(row: Row, /) -> str:
    """A figure with its Monte-Carlo error, and its verdict where it is red or wide."""
    if row.value != row.value:
        return "-"
    return f"{number(row.value)} ± {number(row.error)}{'' if row.verdict in ('holds', 'shown') else f', {row.verdict}'}"


def tables(rows: Sequence[Row], /) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Section -> the heads of its table, and its lines: one a score or test, with its cases side by side and the number of runs."""
    made = {}
    for section in dict.fromkeys(row.section for row in rows):
        own = [row for row in rows if row.section == section]
        cases = list(dict.fromkeys(row.case for row in own))
        lines = []
        for what in dict.fromkeys(row.what for row in own):
            of_case = {row.case: row for row in own if row.what == what}
            many = sorted({row.runs for row in of_case.values() if row.value == row.value})
            counted = "-" if not many else str(many[0]) if len(many) == 1 else f"{many[0]} to {many[-1]}"
            lines.append([what, *(cell(of_case[case]) if case in of_case else "" for case in cases), counted])
        made[section] = (["", *cases, "runs"], lines)
    return made


def leading(rows: Sequence[Row], /) -> list[Row]:
    """The rows that the page shows."""

    def shown(row: Row) -> bool:
        first = row.verdict != "shown" if row.section in ALL_SCORES else row.leads
        return first and row.case in SHOWN.get(row.section, (row.case,))

    return [row for row in rows if shown(row)]


def table(rows: Sequence[Row], /) -> pd.DataFrame:
    """Every figure: section, what, case, value, error, runs, verdict."""
    made = pd.DataFrame([row[:-1] for row in rows], columns=list(Row._fields[:-1]))
    return made.assign(value=made["value"].round(4), error=made["error"].round(4))


def named(rows: Sequence[Row], verdict: str, /) -> list[str]:
    """The figures of one verdict, each as a line."""
    return [f"{row.what}, {row.case}: {number(row.value)} ± {number(row.error)}" for row in rows if row.verdict == verdict]


def show(rows: Sequence[Row], /) -> None:
    """Print the tables, then what is wide and what is red."""
    console = Console(width=170)
    for section, (heads, lines) in tables(rows).items():
        table = Table(*heads, title=TITLES[section], title_justify="left")
        for line in lines:
            table.add_row(*line)
        console.print(table)
    for verdict, words in (
        ("wide", f"Wide (above {number(WIDE)})"),
        ("open", "Open (beyond a limit by less than three errors)"),
        ("red", "RED"),
    ):
        figures = named(rows, verdict)
        console.print(f"{words}: {'; '.join(figures) if figures else 'none'}.", highlight=False, markup=False)


def text(rows: Sequence[Row], sentences: Sequence[str], /) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    rows
        Of all sections.
    sentences
        What was skipped or cut short.

    """
    parts = [HEAD, *_rules(rows)]
    for section, (heads, lines) in tables(leading(rows)).items():
        parts += [f"## {TITLES[section]}\n", f"{NOTES[section]}\n"]
        parts.append("\n".join([_line(heads), _line(["---"] * len(heads)), *map(_line, lines)]) + "\n")
    if sentences:
        parts += ["## Not run, or not in full\n", "\n".join(f"- {sentence}." for sentence in sentences) + "\n"]
    return "\n".join(parts)


def _rules(rows: Sequence[Row]) -> list[str]:
    figures_of = {verdict: named(rows, verdict) for verdict in ("red", "open", "wide")}
    judged = sum(row.verdict != "shown" for row in rows)
    made = time.strftime("%d %B %Y").lstrip("0")
    lowest, most = number(LOWEST_COVERAGE), number(MOST_SHARE)
    red = f"- A coverage is *red* where it is {ERRORS} errors below {lowest}, a share of p-values where it is {ERRORS} errors above {most}"
    lines = (
        f"- Each figure stands with its Monte-Carlo error, and the last column counts runs. Made on {made}.",
        red + f".\n  So is a share of inert positions of real plates above {number(MOST_INERT)}. Red ends with exit code 1.",
        f"- What is beyond {lowest} or {most} by less is *open*: more runs decide.",
        f"- A coverage above {number(WIDE)} is *wide*: it says less than is known, never more.",
        "- Runs of an earlier state of the source count where the first and the last of a row, made again, came out the same.",
    )
    counted = ", ".join(f"{len(figures)} {verdict}" for verdict, figures in figures_of.items())
    verdicts = [f"Of {judged} judged figures: {counted}.\n"]
    listed = [verdict for verdict in ("red", "open") if figures_of[verdict]]
    verdicts += [f"{verdict.capitalize()}:\n\n" + "\n".join(f"- {figure}" for figure in figures_of[verdict]) + "\n" for verdict in listed]
    return [COMMAND, "\n".join(lines) + "\n", *verdicts]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
