"""Highly variable genes of expression: scanpy's default ("seurat": Satija et al. 2015), and the normalisation before it.

counts -> total 1e4 -> log(1 + x) -> log of variance over mean -> standardised among genes of like mean -> the largest
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.schema import InputError

Floats = npt.NDArray[np.float64]


_BINS = 20


def normalised(counts: Floats, /, *, total: float) -> Floats:
    """log(1 + counts of a line scaled to a total).

    Parameters
    ----------
    counts
        (lines, genes), 0 or more.
    total
        Counts of a line after scaling.

    Returns
    -------
    Floats
        (lines, genes).

    Raises
    ------
    InputError
        Where a count is negative or a line has none.

    """
    sums = counts.sum(axis=1, keepdims=True)
    if (counts < 0).any() or (sums == 0).any():
        raise InputError('counts must be 0 or more, and no line empty; if the values are logarithms already, say values = "log"')
    return np.asarray(np.log1p(counts / sums * total))


def variable_genes(logged: Floats, /, *, genes: int) -> npt.NDArray[np.intp]:
    """The most variable genes: scanpy's "seurat" flavour.

    Parameters
    ----------
    logged
        log1p values (lines, genes).
    genes
        How many.

    Returns
    -------
    npt.NDArray[np.intp]
        Their columns, in order.

    """
    levels = np.expm1(logged)
    mean = levels.mean(axis=0)
    mean[mean == 0] = 1e-12
    dispersion = levels.var(axis=0, ddof=1) / mean
    dispersion[dispersion == 0] = np.nan
    dispersion, mean = np.log(dispersion), np.log1p(mean)
    frame = pd.DataFrame({"bin": pd.cut(mean, bins=_BINS), "dispersion": dispersion})
    of_bin = frame.groupby("bin", observed=True)["dispersion"].agg(["mean", "std"]).reindex(frame["bin"])
    centre, spread = of_bin["mean"].to_numpy(), of_bin["std"].to_numpy()
    # A bin of one gene has no spread: that gene counts as 1, as scanpy has it.
    single = np.isnan(spread)
    spread, centre = np.where(single, centre, spread), np.where(single, 0.0, centre)
    score = np.nan_to_num((dispersion - centre) / spread, nan=-np.inf)
    return np.sort(np.argsort(-score, kind="stable")[:genes])
