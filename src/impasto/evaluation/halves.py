"""The terms of mixing and conservation on random halves of the perturbations: how sure a mean of such terms is.

A mean of terms errs as its terms do together. So all terms are scored again on the same 16 halves of the perturbations, from neighbours to
classifiers, and the mean is formed in each half: value +- t(.975, 15) sd (`statistics.resplits.of_halves`). A half has about the scatter
of another sample of the whole's size. Controls always stay. Of a classifier one deal of folds is made in a half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from impasto.evaluation.labelled import Flags, Labelled
from impasto.statistics import interval, resplits
from impasto.statistics.interval import Interval

HALVES, HALVES_OF_DRAWN = 16, 4
"""How many halves are scored, of all rows and of rows that were drawn from more."""
Terms = Mapping[str, float]
"""Metric -> its score on one half; a term that a half does not have is missing."""


def of(where: Labelled, /, *, seed: int, many: int = HALVES) -> list[Flags]:
    """The rows of each half.

    Parameters
    ----------
    where
        The rows, and what they are.
    seed
        Of the halves.
    many
        How many.

    Returns
    -------
    list[Flags]
        (rows,) each: half of the perturbations with all of their rows, and all controls. None of a single perturbation.

    """
    count, rng = len(where.sampled()), np.random.default_rng([seed, HALVES])
    orders = [rng.permutation(count) for _ in range(many)]
    return [where.without(order < (count + 1) // 2) for order in orders] if count > 1 else []


def of_sum(value: float, weights: Mapping[str, float], halves: Sequence[Terms], where: Labelled, /) -> Interval:
    """The interval of a weighted sum of terms.

    Parameters
    ----------
    value
        The sum.
    weights
        Metric -> its weight.
    halves
        The terms on each half.
    where
        The rows.

    Returns
    -------
    Interval
        None where more than a fifth of the halves lack a term.

    """
    sampled = where.sampled()
    whole = [half for half in halves if all(metric in half and np.isfinite(half[metric]) for metric in weights)]
    if len(whole) < 0.8 * len(halves):
        why = f"a term is not defined on {len(halves) - len(whole)} of {len(halves)} halves of the units ({sampled.word})"
        return interval.none(unit=sampled.word, clusters=len(sampled), method="halves", why=why)
    sums: npt.NDArray[np.float64] = np.array([sum(weight * half[metric] for metric, weight in weights.items()) for half in whole])
    return resplits.of_halves(sums, value=value, unit=sampled.word, clusters=len(sampled))
