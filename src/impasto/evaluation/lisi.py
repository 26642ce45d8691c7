"""LISI: how many batches, or labels, does a neighbourhood hold, as a number of equally frequent ones?

    p_ij proportional to exp(-β_i d_ij) over the k neighbours,  β_i such that the entropy of p_i is log(perplexity), perplexity = k // 3
    LISI_i = 1 / Σ_b (Σ_{j of b} p_ij)²                                                          (Korsunsky et al. 2019)

Of batches, scaled: (median LISI - 1) / (B - 1), 1 where neighbourhoods hold all batches alike. Of labels: (L - median LISI) / (L - 1), 1
where they hold one label. As `lisi_knn`, `ilisi_knn` and `clisi_knn` of scib-metrics over the same neighbours and distances.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto import ranking
from impasto.evaluation.silhouette import Metric

Codes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
_ROUNDS, _CLOSE = 50, 1e-5


def distances(values: npt.NDArray[np.float32], neighbours: Codes, /, *, metric: Metric) -> Numbers:
    """How far each row is from its neighbours.

    Parameters
    ----------
    values
        (n, width).
    neighbours
        (n, k) places.
    metric
        `cosine` (1 - cosine) or `euclidean`.

    Returns
    -------
    Numbers
        (n, k)

    """
    rows = (ranking.unit(values) if metric == "cosine" else values).astype(np.float64)
    far = np.empty(neighbours.shape)
    for row, own in enumerate(neighbours):
        far[row] = 1 - rows[own] @ rows[row] if metric == "cosine" else np.sqrt(((rows[own] - rows[row]) ** 2).sum(axis=1))
    return far


def numbers_of_labels(far: Numbers, neighbours: Codes, labels: Codes, /) -> Numbers:
    """LISI of each row.

    Parameters
    ----------
    far
        (n, k) distances.
    neighbours
        (n, k) places.
    labels
        (n,) codes from 0: of batches, or of what was done.

    Returns
    -------
    Numbers
        (n,) from 1 to the number of labels.

    """
    weights = _weights(far, np.log(max(1, neighbours.shape[1] // 3)))
    near = labels[neighbours]
    shares = np.zeros((len(labels), int(labels.max()) + 1))
    np.add.at(shares, (np.arange(len(labels))[:, None], near), weights)
    return np.asarray(1 / (shares**2).sum(axis=1))


def scaled(numbers: Numbers, of: int, /, *, mixed: bool) -> Numbers:
    """LISI from 0 to 1.

    Parameters
    ----------
    numbers
        (n,) LISI.
    of
        How many labels there are.
    mixed
        Whether 1 is all labels in each neighbourhood (batches), or one (what was done).

    Returns
    -------
    Numbers
        (n,) NaN where there is one label only.

    """
    if of < 2:
        return np.full(len(numbers), np.nan)
    return (numbers - 1) / (of - 1) if mixed else (of - numbers) / (of - 1)


def _weights(far: Numbers, entropy: float) -> Numbers:
    """(n, k) weights of that entropy, by halving the interval of each row's β, doubled until it holds the answer."""
    beta = np.ones(len(far))
    low, high = np.full(len(far), -np.inf), np.full(len(far), np.inf)
    for _ in range(_ROUNDS):
        weights, own = _of_beta(far, beta)
        open_ = np.abs(own - entropy) >= _CLOSE
        if not open_.any():
            break
        flat = own > entropy
        low, high = np.where(open_ & flat, beta, low), np.where(open_ & ~flat, beta, high)
        with np.errstate(invalid="ignore"):
            up = np.where(np.isinf(high), beta * 2, (beta + high) / 2)
            down = np.where(np.isinf(low), beta / 2, (beta + low) / 2)
        beta = np.where(open_, np.where(flat, up, down), beta)
    return weights


def _of_beta(far: Numbers, beta: Numbers) -> tuple[Numbers, Numbers]:
    # Less the nearest: the weights are the same, and exp cannot vanish for all.
    nearer = far - far.min(axis=1, keepdims=True)
    weights = np.exp(-nearer * beta[:, None])
    total = weights.sum(axis=1, keepdims=True)
    weights /= total
    return weights, np.log(total[:, 0]) + beta * (nearer * weights).sum(axis=1)
