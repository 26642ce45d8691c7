"""Mean, spread and principal directions of rows, from the smaller side and in blocks.

    z = (x - mean) / spread,    Z^T Z / (n - 1) = V L V^T

With fewer rows than features the eigenvectors come from the Gram matrix Z Z^T = U L U^T (n - 1), which has the same eigenvalues:
V = Z^T U (L (n - 1))^(-1/2). Sums are float64, over a block of float32 rows at a time, so memory is that of the result and not of
the table.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.floating]
BLOCK = 2048


def standardized(rows: Rows, mean: Array, spread: Array, /) -> Iterator[tuple[slice, Array]]:
    """Blocks of (x - mean) / spread.

    Parameters
    ----------
    rows
        (n, features).
    mean, spread
        (features,); an infinite spread makes a feature 0.

    Yields
    ------
    rows : slice
        The rows of the block.
    z : Array
        (block, features) of float64. Their standardised values.

    """
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        z = rows[block] - mean
        z /= spread
        yield block, z


def spectrum_of_sums(cross: Array, count: int, spread: Array, /, *, least: float = 1e-10) -> tuple[Array, Array]:
    """`spectrum` of rows that were added up.

    Parameters
    ----------
    cross
        (features, features) their cross-products about the mean.
    count
        How many rows there were.
    spread
        (features,); an infinite spread makes a feature 0.
    least
        Variances up to this share of the largest are left out.

    Returns
    -------
    variances : Array
        (k,) of float64. Ascending.
    directions : Array
        (features, k) of float64. The principal directions, one a column.

    """
    variances, directions = np.linalg.eigh(cross / (count - 1) / spread / spread[:, None])
    large = variances > least * variances[-1]
    return variances[large], directions[:, large]


def mean_and_sd(rows: Rows, /) -> tuple[Array, Array]:
    """The mean and the sd (over n - 1) of each feature.

    Parameters
    ----------
    rows
        (n, features), two rows or more.

    Returns
    -------
    mean : Array
        (features,) of float64. The means.
    sd : Array
        (features,) of float64. The standard deviations.

    """
    mean = rows.mean(axis=0, dtype=np.float64)
    squares = sum((np.einsum("ij,ij->j", z, z) for _, z in standardized(rows, mean, np.ones_like(mean))), start=np.zeros_like(mean))
    return mean, np.sqrt(squares / (len(rows) - 1))


def spectrum(rows: Rows, mean: Array, spread: Array, /, *, least: float = 1e-10) -> tuple[Array, Array]:
    """Variances and principal directions of the standardised rows.

    Parameters
    ----------
    rows
        (n, features).
    mean, spread
        (features,); an infinite spread makes a feature 0.
    least
        Variances up to this share of the largest are left out, as they are rounding.

    Returns
    -------
    variances : Array
        (k,) of float64. Ascending.
    directions : Array
        (features, k) of float64. The principal directions, one a column.

    """
    n, width = rows.shape
    if n <= width:
        z = np.concatenate([block for _, block in standardized(rows, mean, spread)])
        variances, left = np.linalg.eigh(z @ z.T / (n - 1))
        large = variances > least * variances[-1]
        return variances[large], z.T @ (left[:, large] / np.sqrt(variances[large] * (n - 1)))
    total = sum((z.T @ z for _, z in standardized(rows, mean, spread)), start=np.zeros((width, width)))
    variances, directions = np.linalg.eigh(total / (n - 1))
    large = variances > least * variances[-1]
    return variances[large], directions[:, large]
