"""A plate as a heat map: one square a well, coloured by a number, controls outlined."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from impasto import schema, wells
from impasto.report.figures import style

FORMATS = ((8, 12), (16, 24), (32, 48))
"""Rows and columns of plates of 96, 384 and 1,536 wells."""
_OUTLINES = {schema.NEGCON: (style.KINDS[schema.NEGCON], 1.4), schema.POSCON: (style.KINDS[schema.POSCON], 1.4)}


def draw(obs: pd.DataFrame, axes: Axes, /, *, value: str, low: float, high: float) -> Axes:
    """One square a well, at its place; wells without a value are blank.

    Parameters
    ----------
    obs
        One row a well: `well`, the column of the value, and where known `control_type` and a perturbation's name.
    axes
        Where to draw.
    value
        The column that is shown.
    low, high
        The numbers at the two ends of the colours.

    Returns
    -------
    Axes
        The axes given.

    """
    rows, columns = wells.place(obs)
    height, width = next(size for size in FORMATS if (rows < size[0]).all() and (columns < size[1]).all())
    numbers = pd.to_numeric(obs[value], errors="coerce").to_numpy(dtype=float)
    share = np.clip((numbers - low) / max(high - low, 1e-9), 0, 1)
    colours = [style.HEAT(s) if np.isfinite(s) else style.GRID for s in share]
    outlines = [_OUTLINES.get(str(kind), ("none", 0.0)) for kind in wells.kinds(obs)]
    squares = PatchCollection(
        [Rectangle((column, row), 0.92, 0.92) for row, column in zip(rows, columns, strict=True)],
        facecolors=colours,
        edgecolors=[colour for colour, _ in outlines],
        linewidths=[thickness for _, thickness in outlines],
    )
    squares.set_urls(style.tips(_tips(obs, numbers)))
    axes.add_collection(squares)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    step = 1 if width <= 12 else 4
    axes.set_xticks(np.arange(0, width, step) + 0.46, [str(c + 1) for c in range(0, width, step)])
    axes.set_yticks(np.arange(0, height, step) + 0.46, [schema.format_well(r, 0)[:-2] for r in range(0, height, step)])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _tips(obs: pd.DataFrame, numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    named = next((obs[word] for word in (schema.PERTURBATION_NAME, schema.PERTURBATION) if word in obs), pd.Series("", index=obs.index))
    said = [f"{number:.3g}" if np.isfinite(number) else "no value" for number in numbers]
    names = named.astype("string").fillna("")
    return [f"{well} {name}: {words}" for well, name, words in zip(obs[schema.WELL], names, said, strict=True)]
