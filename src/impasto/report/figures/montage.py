"""Cells in rows: those chosen of a perturbation, any of it, and the controls of the same plates, all through one window a plate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from impasto.evaluation.crop_rows import GAP, grid, of_kind


def draw(table: pd.DataFrame, images: npt.NDArray[np.uint8], axes: Axes, /, *, perturbation: str, by: str, caption: str) -> Axes:
    """Draw a montage.

    Parameters
    ----------
    table, images
        The cells and their crops.
    axes
        Where to draw.
    perturbation, by
        What is shown, and how its cells were chosen.
    caption
        Under the picture: what its colours are.

    Returns
    -------
    Axes
        The axes given.

    """
    picture, kinds = grid(table, images)
    side = images.shape[1] + GAP
    axes.imshow(picture, interpolation="nearest")
    axes.set_yticks([line * side + side / 2 for line in range(len(kinds))], [of_kind(kind, perturbation, by) for kind in kinds])
    axes.set_xticks([])
    axes.set_xlabel(caption, loc="left", fontsize="small")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes
