"""Differential features as a volcano: effect along, -log10 p up, those called in colour and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from impasto.report.figures.style import ACCENT, INK, LINE, SOFT


def draw(rows: pd.DataFrame, axes: Axes, /, *, names: int) -> Axes:
    """One dot a feature.

    Parameters
    ----------
    rows
        Columns feature, effect, p, and called where features were called.
    axes
        Where to draw.
    names
        How many called features are named, those of the smallest p.

    Returns
    -------
    Axes
        The axes given.

    """
    called = rows["called"].to_numpy(dtype=bool) if "called" in rows else np.zeros(len(rows), dtype=bool)
    effect, height = rows["effect"].to_numpy(dtype=float), -np.log10(rows["p"].to_numpy(dtype=float))
    axes.plot(effect[~called], height[~called], "o", color=SOFT, alpha=0.4, markersize=3)
    axes.plot(effect[called], height[called], "o", color=ACCENT, alpha=0.8, markersize=3.5)
    axes.axvline(0, color=LINE, linewidth=0.8)
    order = np.lexsort((-np.abs(effect), -height))
    for place in order[called[order]][:names]:
        side = "left" if effect[place] > 0 else "right"
        shift = (3, 1) if side == "left" else (-3, 1)
        axes.annotate(
            str(rows["feature"].iloc[place]),
            (effect[place], height[place]),
            shift,
            textcoords="offset points",
            ha=side,
            color=INK,
            fontsize=6,
        )
    axes.set_xlabel("difference from controls, in their spread")
    axes.set_ylabel("-log10 p")
    return axes
