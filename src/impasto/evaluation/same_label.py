"""Are things of one label (guides of a gene, genes of an arm) more alike than things of different labels?

    score = mean cosine of pairs of one label - mean cosine of pairs of different labels

Both means come from sums of unit vectors u, so no pair is ever formed: Σ_{i≠j of a} u_i u_j = |Σ_{i of a} u_i|² - n_a.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto import ranking
from impasto.evaluation.units import Units
from impasto.statistics import jackknife, shuffles
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import Chance

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Change = Callable[[Numbers, Rows], Numbers]
"""What is done to profiles (n, features) by their labels (n,) before they are compared."""


def unchanged(vectors: Numbers, _: Rows, /) -> Numbers:
    """The profiles as they are.

    Parameters
    ----------
    vectors
        (n, features).

    Returns
    -------
    Numbers
        The same array.

    """
    return vectors


def score(vectors: Numbers, labels: Rows, /) -> float:
    """The score of profiles.

    Parameters
    ----------
    vectors
        (n, features).
    labels
        (n,) codes from 0.

    Returns
    -------
    float
        The difference of the means; NaN where no two share a label, or all do.

    """
    unit = ranking.unit(vectors.astype(np.float32)).astype(np.float64)
    lengths = (unit**2).sum(axis=1)
    number = np.bincount(labels)
    sums = np.zeros((len(number), unit.shape[1]))
    np.add.at(sums, labels, unit)
    same_pairs = float((number * (number - 1)).sum())
    other_pairs = float(len(labels) * (len(labels) - 1)) - same_pairs
    if not same_pairs or not other_pairs:
        return float("nan")
    same = float((sums**2).sum() - lengths.sum())
    of_all = float((sums.sum(axis=0) ** 2).sum() - lengths.sum())
    return same / same_pairs - (of_all - same) / other_pairs


@dataclass(frozen=True)
class SameLabel:
    """The score of some things, which knows how sure it is.

    Attributes
    ----------
    vectors
        (n, features) their profiles.
    labels
        (n,) codes.
    sampled
        What was sampled: genes.
    seed
        Of groups of units and shuffles.
    change
        What is done to the profiles by their labels; it is done again without each group, and for each shuffle.

    """

    vectors: Numbers
    labels: Rows
    sampled: Units
    seed: int
    change: Change = unchanged

    @property
    def value(self) -> float:
        """The score."""
        return score(self.change(self.vectors, self.labels), self.labels)

    def left_out(self) -> LeftOut:
        """The score without each group of units, and without each two.

        Returns
        -------
        LeftOut
            The score, and the scores without groups.

        """

        def without(keep: npt.NDArray[np.bool_]) -> float:
            stays = keep[self.sampled.of]
            vectors, labels = self.vectors[stays], self.labels[stays]
            return score(self.change(vectors, labels), labels) if len(labels) > 1 else float("nan")

        return jackknife.leave_out(without, len(self.sampled), seed=self.seed)

    def chance(self, most: int, /) -> Chance | None:
        """What shuffled labels score, and how often as high.

        Parameters
        ----------
        most
            How often labels are shuffled at most.

        Returns
        -------
        Chance | None
            The chance; None where no shuffles are asked for.

        """
        if not most:
            return None

        def drawn(rng: np.random.Generator) -> float:
            labels = rng.permutation(self.labels)
            return score(self.change(self.vectors, labels), labels)

        return shuffles.above_chance(self.value, drawn, seed=self.seed, most=most)
