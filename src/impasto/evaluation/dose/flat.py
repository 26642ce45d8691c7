"""Does a curve differ from a flat one? The doses of its wells are permuted within their plates, and every step is repeated.

The statistic is the largest gain of any Hill shape over what it leaves, max_k gain_k / (total - gain_k). A permutation moves the doses
of the compound's own wells within each plate; controls stay at dose 0, and the direction is learned again. The p-value is h/m at the tenth
exceedance, after 1,999 permutations at most (Besag & Clifford 1991).

Controls are not permuted: wells of a compound may scatter more than controls, or stand elsewhere on the plate, and that is no curve
(docs/measured/dose_calibration.csv has what each choice calls of flat compounds). So a compound that does the same at every dose has no
curve.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from impasto.evaluation.dose import direction
from impasto.evaluation.dose.hill import Design
from impasto.statistics import shuffles

Numbers = npt.NDArray[np.float64]
MOST = 1999
ENOUGH = 10
_FIRST, _TOGETHER = 40, 250
"""So many permutations are drawn at first, and then at a time: most flat curves end with the first."""


def statistic(design: Design, responses: Numbers, at: npt.NDArray[np.intp], /) -> Numbers:
    """The largest gain of any Hill shape, over what it leaves.

    Parameters
    ----------
    design
        Of the wells.
    responses
        (b, n) of mean zero on every plate.
    at
        (b, n) the place of each well's dose.

    Returns
    -------
    Numbers
        (b,) infinite where a shape leaves nothing, 0 where responses are all alike.

    """
    total = (responses**2).sum(axis=1)
    gain = design.gains(responses, at)[1].max(axis=1)
    left = total - gain
    # Responses that are all alike have no curve.
    return np.divide(gain, left, out=np.where(gain > 0, np.inf, 0.0), where=left > 1e-12 * np.maximum(total, 1e-300))


def p_value(design: Design, products: Numbers, /, *, movable: npt.NDArray[np.bool_], seed: int, most: int = MOST) -> float:
    """How often permuted doses give as good a curve.

    Parameters
    ----------
    design
        Of the wells; wells of a plate stand together.
    products
        (n, n) of the wells, see `direction.gram`.
    movable
        (n,) wells whose doses are permuted, within their plates.
    seed
        Of the permutations.
    most
        Permutations at most.

    Returns
    -------
    float
        The p-value, at least 1 / (1 + most).

    """
    weights = direction.contrast(design.at, design.plate)
    observed = statistic(design, direction.responses(products, weights[None], design.plate), design.at[None])[0]
    permuted: Iterator[float] | None = None

    def draw(rng: np.random.Generator) -> float:
        nonlocal permuted
        if permuted is None:
            permuted = _permuted(design, products, weights, movable, rng)
        return next(permuted)

    return shuffles.above_chance(float(observed), draw, seed=seed, most=most, enough=ENOUGH).p


def _permuted(
    design: Design, products: Numbers, weights: Numbers, movable: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[float]:
    """The statistic of one permutation after the other, many computed at a time."""
    together = _FIRST
    places = [np.flatnonzero(movable & (design.plate == p)) for p in range(int(design.plate.max()) + 1)]
    while True:
        order = np.tile(np.arange(len(weights)), (together, 1))
        for of_plate in places:
            order[:, of_plate] = of_plate[rng.random((together, len(of_plate))).argsort(axis=1)]
        yield from statistic(design, direction.responses(products, weights[order], design.plate), design.at[order])
        together = _TOGETHER


def smallest(design: Design, /, *, most: int = MOST) -> float:
    """The smallest p that the wells allow.

    Parameters
    ----------
    design
        Of the wells.
    most
        Permutations at most.

    Returns
    -------
    float
        1 / (1 + most), or one over the number of ways to permute the doses where these are fewer.

    """
    ways = 0.0
    for p in range(int(design.plate.max()) + 1):
        counts = np.bincount(design.at[(design.plate == p) & (design.at >= 0)])
        ways += float(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum())
    return max(1 / (1 + most), float(np.exp(-ways)))
