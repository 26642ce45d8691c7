"""The null of reproduction: T of wells that share nothing, made of residuals of different perturbations.

Only inner products are needed, so those of all residuals of a fold are made once, and a drawn set looks its own up. A well is
s r, with r a residual and s a random sign. Wells that share a plate have e/sqrt(c) added: e is a residual that plays the error of the
plate's centre, which c controls give.

Departures: where a fold has fewer perturbations than a set has wells, or above 24, fewer wells are drawn, and the null is scaled by
sqrt(k (k - 1) / (K (K - 1))). A fold lends 3,000 residuals at most, whole perturbations drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.evaluation.design import Rows

Numbers = npt.NDArray[np.float64]
MOST_DRAWN = 24
MOST_RESIDUALS = 3000
"""The products of so many residuals of a fold are held at once (72 MB)."""
_BLOCK = 2**21
"""So many products of drawn wells are held at once."""
Crowded = tuple[tuple[int, int], ...]
"""The plates with several wells of a set: (wells, controls) each."""


@dataclass(frozen=True)
class Lender:
    """The residuals of one fold that its null is drawn from.

    Attributes
    ----------
    products
        (m, m) inner products of all residuals.
    starts, lengths
        (perturbations,) where the residuals of each begin, and how many there are.
    length
        Their mean squared length, perturbation by perturbation.

    """

    products: Numbers
    starts: Rows
    lengths: Rows
    length: float


def lender(residuals: Sequence[Numbers], /, *, seed: Sequence[int]) -> Lender:
    """What a fold lends to its null.

    Parameters
    ----------
    residuals
        (K, r) whitened residuals of each of its perturbations.
    seed
        Of the order in which perturbations are taken, where not all are.

    Returns
    -------
    Lender
        Inner products of its residuals, and their lengths.

    """
    order = [int(j) for j in np.random.default_rng(seed).permutation(len(residuals))]
    lengths = np.array([len(residuals[j]) for j in order], dtype=np.intp)
    some = max(2, int((np.cumsum(lengths) <= MOST_RESIDUALS).sum()))
    order, lengths = order[:some], lengths[:some]
    flat = np.concatenate([residuals[j] for j in order])
    length = float(np.mean([(residuals[j] ** 2).sum(axis=1).mean() for j in order]))
    return Lender(flat @ flat.T, np.cumsum(lengths) - lengths, lengths, length)


def shared(controls: int, length: float, /, *, cosine: bool) -> float:
    """What the error of a centre adds to the product (or cosine) of two wells of its plate, on average.

    Parameters
    ----------
    controls
        How many controls give the centre.
    length
        Mean squared length of a residual.
    cosine
        Whether wells have unit length.

    Returns
    -------
    float
        The expectation, which is taken off T.

    """
    return 1 / (1 + controls) if cosine else length / controls


def drawn(own: Lender, size: int, crowded: Crowded, /, *, cosine: bool, draws: int, rng: np.random.Generator) -> Numbers:
    """T of sets that share nothing.

    Parameters
    ----------
    own
        What the fold lends.
    size
        How many wells a set has.
    crowded
        Which of them stand together on a plate.
    cosine
        Whether wells are brought to unit length.
    draws
        How many sets.
    rng
        Draws them.

    Returns
    -------
    Numbers
        (draws,)

    """
    take = min(size, len(own.lengths), MOST_DRAWN)
    plates = _spread_over_plates(size, crowded, take)
    weights = _weights(take, plates)
    values = np.empty(draws)
    block = max(1, _BLOCK // weights.shape[1] ** 2)
    for first in range(0, draws, block):
        count = min(block, draws - first)
        picked = distinct(len(own.lengths), take, count, rng)
        rows = own.starts[picked] + (rng.random(picked.shape) * own.lengths[picked]).astype(np.intp)
        rows = np.concatenate([rows, rng.integers(0, len(own.products), (count, len(plates)))], axis=1)
        signs = rng.choice([-1.0, 1.0], size=rows.shape)
        products = own.products[rows[:, :, None], rows[:, None, :]] * signs[:, :, None] * signs[:, None, :]
        values[first : first + count] = _mean_of_pairs(weights @ products @ weights.T if plates else products, cosine=cosine)
    bias = sum(len(m) * (len(m) - 1) * shared(c, own.length, cosine=cosine) for _, c, m in plates) / (take * (take - 1))
    return np.asarray((values - bias) * np.sqrt(take * (take - 1) / (size * (size - 1))))


def distinct(among: int, take: int, draws: int, rng: np.random.Generator, /) -> Rows:
    """Different numbers, drawn at random.

    Parameters
    ----------
    among
        They lie from 0 to below this.
    take
        How many a row.
    draws
        How many rows.
    rng
        Draws them.

    Returns
    -------
    Rows
        (draws, take)

    """
    picked = rng.integers(0, among, (draws, take))
    for column in range(1, take):
        repeated = np.flatnonzero((picked[:, :column] == picked[:, [column]]).any(axis=1))
        while len(repeated):
            picked[repeated, column] = rng.integers(0, among, len(repeated))
            repeated = repeated[(picked[repeated, :column] == picked[repeated, column][:, None]).any(axis=1)]
    return picked


def _weights(take: int, plates: list[tuple[int, int, Rows]]) -> Numbers:
    """How drawn residuals make wells (take, take + plates): each its own, and 1/sqrt(c) of its plate's error where it shares a plate."""
    weights = np.concatenate([np.eye(take), np.zeros((take, len(plates)))], axis=1)
    for number, (_, controls, members) in enumerate(plates):
        weights[members, take + number] = 1 / np.sqrt(controls)
    return weights


def _mean_of_pairs(products: Numbers, *, cosine: bool) -> Numbers:
    """The mean product (or cosine) of all pairs of wells (draws,), from the products of all (draws, k, k)."""
    take = products.shape[1]
    if cosine:
        length = np.sqrt(np.einsum("dkk->dk", products))
        length = np.where(length > 0, length, 1)
        products = products / (length[:, :, None] * length[:, None, :])
    own = np.einsum("dkk->d", products)
    return np.asarray((products.sum(axis=(1, 2)) - own) / (take * (take - 1)))


def _spread_over_plates(size: int, crowded: Crowded, take: int) -> list[tuple[int, int, Rows]]:
    """Of `take` drawn wells, which stand together on a plate: wells and controls of each such plate, and the places of the wells."""
    plate = np.full(size, -1)
    start = 0
    for number, (k, _) in enumerate(crowded):
        plate[start : start + k] = number
        start += k
    plates = plate[np.round(np.linspace(0, size - 1, take)).astype(int)]
    return [(k, c, members) for number, (k, c) in enumerate(crowded) if len(members := np.flatnonzero(plates == number)) > 1]
