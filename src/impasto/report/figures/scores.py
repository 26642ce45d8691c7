"""Scores as dots with their intervals, chance as a tick: one row a group."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from impasto.evaluation.baselines import is_baseline
from impasto.report.figures.style import ACCENT, BLUE, INK, PAPER, SOFT


def draw(rows: pd.DataFrame, axes: Axes, /, *, top: float = 1.0) -> Axes:
    """One dot a row; baselines are hollow.

    Parameters
    ----------
    rows
        Columns group, value, low, high, chance.
    axes
        Where to draw.
    top
        The end of the axis.

    Returns
    -------
    Axes
        The axes given.

    """
    for place, row in enumerate(rows.itertuples()):
        hollow = is_baseline(str(row.group))
        colour = SOFT if hollow else BLUE
        if pd.notna(row.chance):
            axes.plot([row.chance] * 2, [place - 0.32, place + 0.32], color=ACCENT, linestyle=(0, (1.6, 1)), linewidth=1.6)
        if pd.notna(row.low):
            axes.plot([row.low, row.high], [place, place], color=colour, alpha=0.5, linewidth=2.4, solid_capstyle="round")
        axes.plot([row.value], [place], "o", color=colour, markersize=6.5, markerfacecolor=PAPER if hollow else colour, clip_on=False)
        axes.annotate(
            f"{row.value:.3f}",
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            color=SOFT if hollow else INK,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(rows)), [_short(str(group)) for group in rows["group"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, top)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return axes


def height(rows: pd.DataFrame, /) -> float:
    """How high the figure must be.

    Parameters
    ----------
    rows
        The rows that are drawn.

    Returns
    -------
    float
        Pixels.

    """
    return 46.0 + 28.0 * len(rows)


def _short(words: str) -> str:
    return words if len(words) <= 38 else words[:37] + "…"
