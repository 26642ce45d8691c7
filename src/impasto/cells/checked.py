"""What a check of cells has left beside them: the bits of each cell, and the wells that are out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto import border
from impasto.cells.columns import WORDS
from impasto.cells.folder import Cells

WELLS_CHECKED = "wells.parquet"
OUT = "out"
"""Why a well is out; `""` for one that is not."""


def wells_out(cells: Cells, /) -> npt.NDArray[np.bool_]:
    """Which wells the check has left out.

    Parameters
    ----------
    cells
        A folder of cells.

    Returns
    -------
    npt.NDArray[np.bool_]
        (wells,) all False where nothing was checked.

    """
    if cells.quality is None:
        return np.zeros(len(cells.wells), dtype=bool)
    keys = list(WORDS[:4])
    again = "check the cells again with impasto check"
    table = border.parquet(cells.quality / WELLS_CHECKED, "check of cells", columns=[*keys, OUT], remedy=again)
    reasons = cells.wells[keys].merge(table, on=keys, how="left", validate="one_to_one")[OUT]
    return np.asarray(reasons.fillna("") != "", dtype=bool)
