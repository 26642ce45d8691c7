"""Wells that are to be named by one of several classes: hits over repeated splits, without groups of classes and with names shuffled.

Perturbations were sampled, not splits: splits of the same wells share most of them. A perturbation leaves all splits, as what is asked and
as an answer that could be given. The jackknife keeps its pairs' term. Whether a rank is at most k is a step, and its pairs' term is larger
than its variance. With half of it taken off, intervals of top-5 cover .88 to .92.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from impasto.evaluation import units
from impasto.evaluation.units import Units
from impasto.statistics import jackknife, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

MOST_COMPARED = 2**28
"""So many wells x classes at most are compared group by group; a larger table gets the t interval."""
Rows = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """The wells asked in one split.

    Attributes
    ----------
    scores
        (wells, classes) of each class; large is likely.
    classes
        (classes,) the perturbation of each class, as a code.
    truth
        (wells,) the perturbation of each well.

    """

    scores: npt.NDArray[np.floating]
    classes: Rows
    truth: Rows

    def own(self) -> Numbers:
        """The score of the right class.

        Returns
        -------
        Numbers
            (wells, 1)

        """
        place = np.searchsorted(self.classes, self.truth)
        return np.asarray(self.scores[np.arange(len(self.truth)), place], dtype=np.float64)[:, None]

    def above(self, group: Rows, groups: int, /) -> Numbers:
        """The wrong classes above the right one, those that tie by a half, by the group of their perturbation.

        Parameters
        ----------
        group
            (perturbations,) the group of each.
        groups
            How many groups there are.

        Returns
        -------
        Numbers
            (groups, wells)

        """
        own = self.own()
        standing = (self.scores > own) + 0.5 * (self.scores == own)
        standing[np.arange(len(self.truth)), np.searchsorted(self.classes, self.truth)] = 0
        one_hot = (group[self.classes][:, None] == np.arange(groups)).astype(np.float64)
        return np.asarray((standing @ one_hot).T)


@dataclass(frozen=True)
class Naming:
    """The share of wells whose class is among the k best, the mean over splits.

    Attributes
    ----------
    splits
        The wells asked in each.
    perturbations
        The unit of each perturbation, by its code.
    seed
        Of groups of units and shuffles.

    """

    splits: Sequence[Answers]
    perturbations: Units
    seed: int

    def left_out(self, k: int, /) -> LeftOut:
        """The share without groups of perturbations.

        Parameters
        ----------
        k
            How many answers a well may have.

        Returns
        -------
        LeftOut
            The share, and the shares without groups.

        """
        group, count = self.perturbations.groups(seed=self.seed), self.perturbations.count(seed=self.seed)
        above = [answers.above(group, count) for answers in self.splits]
        of_unit = jackknife.deal(len(self.perturbations), seed=self.seed)

        def score(keep: npt.NDArray[np.bool_]) -> float:
            gone = np.unique(of_unit[~keep])
            shares = []
            for answers, counts in zip(self.splits, above, strict=True):
                stays = ~np.isin(group[answers.truth], gone)
                ranks = 1 + counts.sum(axis=0) - counts[gone].sum(axis=0)
                if not stays.any():
                    return float("nan")
                shares.append(float((ranks[stays] <= k).mean()))
            return float(np.mean(shares))

        return jackknife.leave_out(score, len(self.perturbations), seed=self.seed, pairs=False)

    def interval(self, k: int, hits: Sequence[Numbers], /) -> tuple[Interval, list[LeftOut]]:
        """The interval over perturbations, and the share without groups of them.

        Parameters
        ----------
        k
            How many answers a well may have.
        hits
            Of each split, which wells were named rightly: what a table too large for the jackknife is judged by.

        Returns
        -------
        tuple[Interval, list[LeftOut]]
            The interval; and the share without groups, nothing for a table too large for the jackknife.

        """
        if sum(answers.scores.size for answers in self.splits) > MOST_COMPARED:
            truth = np.concatenate([answers.truth for answers in self.splits])
            of_well = Units(self.perturbations.word, self.perturbations.names, self.perturbations.of[truth])
            value = float(np.mean([h.mean() for h in hits]))
            return units.mean_over(np.concatenate(list(hits)), of_well, value=value), []
        left = self.left_out(k)
        return jackknife.of_score(left, unit=self.perturbations.word), [left]

    def p_chance(self, k: int, most: int, /) -> float | None:
        """How often wells are named as well where the classes are shuffled.

        Of one split its p; of several twice the mean of theirs, at most 1. Names may be exchanged within a split; over splits of the same
        wells they may not (`shuffled_wells`). Twice the mean of p-values is one, however they depend on each other (Vovk & Wang 2020).

        Parameters
        ----------
        k
            How many answers a well may have.
        most
            How many shuffles of a split are made at most.

        Returns
        -------
        float | None
            The p-value; None where no shuffles are asked for.

        """
        if most < 1:
            return None
        each = [self._p_of(answers, k, most) for answers in self.splits]
        return each[0] if len(each) == 1 else min(1.0, 2 * float(np.mean(each)))

    def _p_of(self, answers: Answers, k: int, most: int) -> float:
        gain = rankdata(-answers.scores, axis=1) <= k
        place = np.searchsorted(answers.classes, answers.truth)

        def score(order: Rows) -> float:
            return float(gain[np.arange(len(place)), order[place]].mean())

        def drawn(rng: np.random.Generator) -> float:
            return score(rng.permutation(len(answers.classes)))

        return shuffles.above_chance(score(np.arange(len(answers.classes))), drawn, seed=self.seed, most=most).p
