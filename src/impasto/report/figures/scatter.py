"""A map of profiles, or one score against another: points with tooltips, coloured by a category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from impasto.report.figures import style

MOST_POINTS = 3000


def draw(points: npt.NDArray[np.floating], categories: pd.Series, tips: Sequence[str], axes: Axes, /, *, seed: int = 0) -> Axes:
    """A map without scales, coloured by category; the ten commonest have colours of their own.

    Parameters
    ----------
    points
        Positions (n, 2). More than 3,000 are thinned at random.
    categories
        (n,) what colours a point.
    tips
        (n,) what a point says where the mouse rests on it.
    axes
        Where to draw.
    seed
        Of the thinning.

    Returns
    -------
    Axes
        The axes given.

    """
    shown = np.arange(len(points))
    if len(shown) > MOST_POINTS:
        shown = np.sort(np.random.default_rng(seed).choice(shown, MOST_POINTS, replace=False))
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    place = np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)
    labels = categories.astype(str).to_numpy()
    names = list(pd.Series(labels).value_counts().index)
    colour = style.colours(names)
    drawn = axes.scatter(place[shown, 0], place[shown, 1], s=9, c=[colour[label] for label in labels[shown]], alpha=0.75, linewidths=0)
    drawn.set_urls(style.tips([tips[int(row)] for row in shown]))
    for name in names[: len(style.PALETTE)]:
        axes.scatter([], [], s=22, color=colour[name], label=name[:26])
    axes.set_aspect("equal")
    style.frame(axes)
    style.legend(axes, at=-0.03)
    return axes


def height(categories: pd.Series, /, *, width: float) -> float:
    """How high the figure must be: a square, and a legend in two columns.

    Parameters
    ----------
    categories
        (n,) what colours a point.
    width
        Of the figure, in pixels.

    Returns
    -------
    float
        Pixels.

    """
    return width + 12 + 19 * ((min(categories.nunique(), len(style.PALETTE)) + 1) // 2)


def against(x: pd.Series, y: pd.Series, tips: Sequence[str], axes: Axes, /, *, labels: tuple[str, str]) -> Axes:
    """One score of each perturbation against another, both 0 to 1, with the diagonal.

    Parameters
    ----------
    x, y
        (n,) the scores.
    tips
        (n,) what a point says where the mouse rests on it.
    axes
        Where to draw.
    labels
        What the two axes show.

    Returns
    -------
    Axes
        The axes given.

    """
    axes.plot([0, 1], [0, 1], color=style.ACCENT, linestyle=(0, (3, 2)), linewidth=1.4)
    drawn = axes.scatter(x, y, s=14, color=style.BLUE, alpha=0.72, linewidths=0, clip_on=False)
    drawn.set_urls(style.tips(list(tips)))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    return axes
