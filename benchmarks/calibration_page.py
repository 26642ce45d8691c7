"""The tables of a calibration, in the terminal and as a page of the documentation."""

from __future__ import annotations

import time
from collections.abc import Sequence

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
    "tasks": """The unit stands in brackets. Without an effect an interval should hold chance where the task states chance exactly:
sisters, relations, replicates, cross-modal, transfer and compound-gene. Elsewhere, and with an effect, it should hold the mean over all
runs of the design. Perturbations, effects and noise are drawn again in each run. Sisters, relations and mechanism have 60 perturbations
of twelve classes, replicates and shortcuts 48, cross-modal 60 pairs, transfer 20, compound-gene, mixing and conservation 24.""",
    "pairs": """Two methods are scored on the same wells and compared as [tables of methods](scores.md) compare them. With as many features
each they are equally good, and the interval of their difference should hold 0. Where one sees a third of the features it should hold the
mean difference over runs. Paired intervals keep the pairs' term, so they may be a little wide.""",
    "biology": """Three plates of 48 perturbations and 24 controls. Guides: 40 genes of two guides, and 24 non-targeting guides. Arms: 60
genes on six arms. Power: 72 perturbations, half of which act. Without an effect the interval of a share of p-values at .05 should hold .05;
every other interval should hold the mean over runs. What is called depends on the controls too, and each run draws others. So intervals of
shares leave out controls as well: wells, positions or guides. With 24 control positions or guides the threshold is the largest of them, and
its part of the interval is rather too large. Shares by Wasserstein distance (10 controls) speak of the same controls. A planner that takes
weak effects for none plans for less power than there is.""",
    "shuffled labels": """Shuffled labels mean nothing, so the interval should hold chance. The unit and how many there are stand in
brackets. For mechanisms chance is itself drawn, so the truth is the mean over runs.""",
    "p-values": """Half of 72 perturbations act, unless the design says otherwise. *Inert* ones do nothing. The null of copairs is shown
beside the joint permutation and not judged, since its share depends on the layout.""",
    "correctors": """Simulated: nothing acts, and half of 24 controls a plate are spared. With all of them used for fitting, a run must say
that it is not calibrated. Harmony, ComBat, inverse normal and position learn from all wells alike, so from spared ones too. CPJUMP1: 20 of
64 DMSO positions of three plates play compounds, 22 are used for fitting and 22 are spared. How
alike the wells of a position are is skewed there, so the tail of p2 is reached a little too often. A run that says NOT CALIBRATED calls
nothing, so its inert positions count 0. Beside it stands the share over the other runs alone.""",
    "dose": """24 compounds, of which half act. Where the place of a well moves it on all plates alike, no test of single wells holds. That
row is shown and not judged.""",
    "search": """A query about nothing should differ from a random query in one of twenty cases. Simulated queries are wells, asked by their
profile. Those of the demo are named by what they ask.""",
}
COMMAND = """```bash
make calibrate                                 # the size of continuous integration
make calibrate CALIBRATE="--size full"         # whole; with --write docs/calibration.md it makes this page
```
"""
HEAD = """# Calibration

Does every number mean what it says? `make calibrate` counts it. An interval of 95 % should hold the truth in .95 of runs. A p-value
should be .05 or less in at most .05 of cases where nothing acts.
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
    for section, (heads, lines) in tables(rows).items():
        parts += [f"## {TITLES[section]}\n", f"{NOTES[section]}\n"]
        parts.append("\n".join([_line(heads), _line(["---"] * len(heads)), *map(_line, lines)]) + "\n")
    if sentences:
        parts += ["## Not run, or not in full\n", "\n".join(f"- {sentence}." for sentence in sentences) + "\n"]
    return "\n".join(parts)


def _rules(rows: Sequence[Row]) -> list[str]:
    figures_of = {verdict: named(rows, verdict) for verdict in ("red", "open", "wide")}
    judged = sum(row.verdict != "shown" for row in rows)
    made = time.strftime("%d %B %Y").lstrip("0")
    lines = (
        f"- Each figure stands with its Monte-Carlo error. The last column counts runs. This page was made on {made}.",
        f"- A coverage is *red* where it is {ERRORS} errors below {number(LOWEST_COVERAGE)}. It is *wide* above {number(WIDE)}.",
        f"- What lies below {number(LOWEST_COVERAGE)} or above {number(MOST_SHARE)} by less than that is *open*: more runs decide.",
        "- A wide interval says less than is known, and never more.",
        f"- A share of p-values is red where it is {ERRORS} errors above {number(MOST_SHARE)}.",
        f"- The share of inert positions of real plates is red above {number(MOST_INERT)}.",
        "- With any red figure the command ends with exit code 1.",
        "- Half of the pairs' term of the jackknife was chosen on simulated designs of other seeds.",
    )
    counted = ", ".join(f"{len(figures)} {verdict}" for verdict, figures in figures_of.items())
    verdicts = [f"Of {judged} judged figures: {counted}.\n"]
    for verdict, figures in figures_of.items():
        if figures:
            verdicts.append(f"{verdict.capitalize()}:\n\n" + "\n".join(f"- {figure}" for figure in figures) + "\n")
    return [COMMAND, "\n".join(lines) + "\n", *verdicts]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
