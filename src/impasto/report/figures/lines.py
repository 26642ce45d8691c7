"""A score over a threshold or a concentration: one line a group, its interval as a band, chance dashed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from impasto.evaluation.baselines import is_baseline
from impasto.report.figures import style


def draw(curves: Mapping[str, pd.DataFrame], axes: Axes, /, *, x_label: str, y_label: str, log: bool = False) -> Axes:
    """Lines with bands; baselines are grey and have none.

    Parameters
    ----------
    curves
        Group -> its points: columns x, value, low, high, chance.
    axes
        Where to draw.
    x_label, y_label
        What the axes show, with units.
    log
        Whether the horizontal axis is logarithmic.

    Returns
    -------
    Axes
        The axes given.

    """
    for number, (name, points) in enumerate(curves.items()):
        points = points.sort_values("x")
        hollow = is_baseline(name)
        colour = style.GREY if hollow else style.PALETTE[number % len(style.PALETTE)]
        band = points.dropna(subset=["low", "high"])
        if len(band) > 1 and not hollow:
            axes.fill_between(band["x"], band["low"], band["high"], color=colour, alpha=0.14, linewidth=0)
        axes.plot(
            points["x"], points["value"], color=colour, marker="o", markersize=3, linewidth=1.4 if hollow else 1.8, label=_short(name)
        )
    chance = next(iter(curves.values())).sort_values("x").dropna(subset=["chance"])
    if len(chance):
        axes.plot(chance["x"], chance["chance"], color=style.ACCENT, linestyle=(0, (3, 2)), linewidth=1.5, label="chance")
    if log:
        axes.set_xscale("log")
    everything = pd.concat(list(curves.values()))
    axes.set_ylim(0, _end_of_axis(float(np.nanmax(everything[["value", "high", "chance"]].to_numpy(dtype=float)))))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y")
    style.legend(axes)
    return axes


def height(curves: Mapping[str, pd.DataFrame], /) -> float:
    """How high the figure must be: its legend has two columns.

    Parameters
    ----------
    curves
        Group -> its points.

    Returns
    -------
    float
        Pixels.

    """
    return 290.0 + 17 * ((len(curves) + 2) // 2)


def _short(words: str) -> str:
    return words if len(words) <= 30 else words[:29] + "…"


def _end_of_axis(most: float) -> float:
    """The next tenth, at most 1 for scores below 1."""
    return max(0.1, float(np.ceil(most * 10) / 10))
