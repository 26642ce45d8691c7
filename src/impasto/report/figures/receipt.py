"""A correction's receipt as bars: what each factor explained before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from impasto.report.figures.style import BLUE, LINE, SOFT


def rows(receipt: dict[str, Any], /) -> list[tuple[str, float, float]]:
    """The bars: the factors' share of variance, then the replicate signal where it is known.

    Parameters
    ----------
    receipt
        As `correct` writes it.

    Returns
    -------
    list[tuple[str, float, float]]
        Name, before and after.

    """
    bars = [(name, values["before"], values["after"]) for name, values in receipt["explained"].items()]
    signal = receipt["signal"]
    return bars if signal["before"] is None else [*bars, ("replicate signal (cosine)", signal["before"], signal["after"])]


def draw(receipt: dict[str, Any], axes: Axes, /) -> Axes:
    """Two bars a factor, before and after, with their values.

    Parameters
    ----------
    receipt
        As `correct` writes it: `explained` by factor and `signal`, each before and after.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The axes given.

    """
    bars = rows(receipt)
    place = np.arange(len(bars), dtype=float)
    for when, shift, column, colour in (("before", -0.2, 1, LINE), ("after", 0.2, 2, BLUE)):
        values = [max(0.0, bar[column]) for bar in bars]
        drawn = axes.barh(place + shift, values, height=0.36, color=colour, label=when)
        axes.bar_label(drawn, labels=[f"{bar[column]:.3f}" for bar in bars], padding=3, fontsize=7.5, color=SOFT)
    axes.set_yticks(place, [bar[0] for bar in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.18 * max([0.05, *(max(bar[1:]) for bar in bars)]))
    axes.set_xlabel("share of variance: grey before, blue after", loc="right", fontsize=8)
    return axes
