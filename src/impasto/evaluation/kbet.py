"""kBET: is the mix of batches around a row that of the whole table?

    x_i = Σ_b (o_ib - k f_b)² / (k f_b),     p_i = 1 - F_χ²(x_i; B - 1),     kBET = share of rows with p_i >= .05

o_ib is how many of the k neighbours of row i are of batch b, f_b the share of batch b in the table, B the number of batches (Büttner et al.
2019). High is well mixed. As `kbet` of scib-metrics over the same lists of neighbours.

Departures from the R package: k is given and not chosen, the table is not subsampled, and a row is not its own neighbour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

Codes = npt.NDArray[np.intp]
LEVEL = 0.05


def accepted(neighbours: Codes, batches: Codes, /) -> npt.NDArray[np.bool_]:
    """Around which rows the batches are mixed as in the whole table.

    Parameters
    ----------
    neighbours
        (n, k) places.
    batches
        (n,) codes from 0, without gaps.

    Returns
    -------
    npt.NDArray[np.bool_]
        (n,) True everywhere where there is one batch.

    """
    count, k = int(batches.max()) + 1, neighbours.shape[1]
    if count < 2:
        return np.ones(len(batches), dtype=bool)
    expected = k * np.bincount(batches, minlength=count) / len(batches)
    observed = (batches[neighbours][:, :, None] == np.arange(count)).sum(axis=1)
    statistic = ((observed - expected) ** 2 / expected).sum(axis=1)
    return np.asarray(stats.chi2.sf(statistic, count - 1) >= LEVEL)
