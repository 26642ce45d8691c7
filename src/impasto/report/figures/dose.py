"""A dose curve with its band and the wells it was fitted to; the wells alone where there is no curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from impasto.report.figures.style import ACCENT, BLUE, PALETTE, SOFT

_APART = 0.1
"""Labels of the axis are at least this share of its length apart."""


def draw(compound: pd.Series, line: pd.DataFrame, points: pd.DataFrame, axes: Axes, /) -> Axes:
    """Response over dose.

    Parameters
    ----------
    compound
        Its row of `dose_response`.
    line
        Its rows of `dose_curves`; none where it has no curve.
    points
        Its rows of `dose_wells`, a colour a plate.
    axes
        Where to draw.

    Returns
    -------
    Axes
        With the response in standard deviations of the residuals over the dose, the 95 % band, and the benchmark dose dashed. The title
        says the EC50 with its interval, or why there is no curve.

    """
    axes.axhline(0, color=SOFT, linewidth=0.8)
    for number, (_, wells) in enumerate(points.groupby("plate", sort=True)):
        axes.plot(wells["concentration"], wells["response"], "o", markersize=3, color=PALETTE[number % len(PALETTE)], alpha=0.7)
    if len(line):
        axes.fill_between(line["concentration"], line["low"], line["high"], color=BLUE, alpha=0.18, linewidth=0)
        axes.plot(line["concentration"], line["response"], color=BLUE)
    if np.isfinite(compound["benchmark_concentration"]):
        axes.axvline(compound["benchmark_concentration"], color=ACCENT, linestyle=(0, (3, 2)))
    axes.set_xscale("log")
    _label_doses(axes, points)
    axes.set_xlabel("dose")
    axes.set_ylabel("response, sd of residuals")
    said = f"EC50 {compound['ec50_words']}" if compound["curve"] else f"no curve: {compound['why']}"
    axes.set_title(f"{compound['perturbation']}: {said}", loc="left")
    return axes


def _label_doses(axes: Axes, points: pd.DataFrame) -> None:
    """The doses that were tried, as people write them; of doses that lie close to each other the highest."""
    tried = sorted({float(dose) for dose in points["concentration"] if dose > 0}, reverse=True)
    apart: list[float] = []
    for dose in tried:
        if not apart or np.log10(apart[-1] / dose) >= _APART * np.log10(tried[0] / tried[-1]):
            apart.append(dose)
    if apart:
        axes.xaxis.set_major_locator(FixedLocator(apart))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda dose, _: f"{dose:.3g}"))
        axes.xaxis.set_minor_locator(NullLocator())
