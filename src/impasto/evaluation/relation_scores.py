"""Recall of known pairs of genes, without groups of genes and with the genes' names shuffled.

A gene that leaves takes its pairs out of the known ones and out of the null. The null is therefore kept in blocks of two groups of genes.
Without groups g and h, T - A_g - A_h + B_gh pairs lie below a known pair. T counts all pairs below it, A_g those that touch g, and
B_gh those between g and h. Nothing is sorted twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from impasto.statistics import jackknife, shuffles
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import Chance

MOST_GENES = 6000
"""So many genes at most are left out of the null; a larger table gets the t interval over genes."""
_TOGETHER = 2**14
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.intp]
Rule = Callable[[Numbers, Numbers], npt.NDArray[np.bool_]]
"""Which known pairs are recalled, from the shares of the null below them, and at or below them."""


@dataclass(frozen=True)
class Blocks:
    """The similarities of all pairs of n genes, sorted, of every two groups.

    Attributes
    ----------
    group
        (n,) of each gene.
    units
        How many genes there are.
    runs
        Two groups -> the similarities of pairs between them, in order.
    seed
        Of the dealing.

    """

    group: Pairs
    runs: dict[tuple[int, int], Floats]
    seed: int

    @classmethod
    def of(cls, vectors: Floats, /, *, seed: int) -> Blocks:
        """The blocks of some genes.

        Parameters
        ----------
        vectors
            Unit rows (n, width).
        seed
            Of the groups of genes.

        Returns
        -------
        Blocks
            The sorted similarities of each two groups.

        """
        group = jackknife.deal(len(vectors), seed=seed)
        members = [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]
        runs = {}
        for g, h in itertools.combinations_with_replacement(range(len(members)), 2):
            product = vectors[members[g]] @ vectors[members[h]].T
            runs[g, h] = np.sort(product[np.triu_indices(len(product), 1)] if g == h else product.ravel())
        return cls(group, runs, seed)

    def left_out(self, similarity: Floats, pairs: Pairs, rules: dict[float, Rule], /) -> dict[float, LeftOut]:
        """The recall of known pairs by each rule, without groups of genes.

        Parameters
        ----------
        similarity
            (k,) of the known pairs.
        pairs
            (k, 2) their genes.
        rules
            Threshold -> the rule.

        Returns
        -------
        dict[float, LeftOut]
            Threshold -> the recall, and the recalls without groups.

        """
        count = int(self.group.max()) + 1
        gone = [(), *((g,) for g in range(count)), *itertools.combinations(range(count), 2)]
        recalled, asked = np.zeros((len(gone), len(rules))), np.zeros(len(gone))
        for start in range(0, len(similarity), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            self._count(similarity[part], self.group[pairs[part]], gone, list(rules.values()), recalled, asked)
        recall = np.divide(recalled, asked[:, None], out=np.full(recalled.shape, np.nan), where=asked[:, None] > 0)
        return {threshold: self._as_left_out(recall[:, number], count) for number, threshold in enumerate(rules)}

    def _count(
        self, similarity: Floats, groups: Pairs, gone: list[tuple[int, ...]], rules: list[Rule], recalled: Numbers, asked: Numbers
    ) -> None:
        """Add the pairs recalled, and those there are, without each of some groups."""
        count = int(self.group.max()) + 1
        below = np.zeros((2, count, count, len(similarity)), dtype=np.int64)
        for (g, h), run in self.runs.items():
            for number, side in enumerate(("left", "right")):
                below[number, g, h] = below[number, h, g] = np.searchsorted(run, similarity, side=side)  # type: ignore[call-overload]
        diagonal = np.arange(count)
        touching = below.sum(axis=2)
        whole = (touching.sum(axis=1) + below[:, diagonal, diagonal].sum(axis=1)) // 2
        sizes = np.bincount(self.group)
        for number, groups_gone in enumerate(gone):
            left = whole.copy()
            for g in groups_gone:
                left -= touching[:, g]
            if len(groups_gone) == 2:
                left += below[:, groups_gone[0], groups_gone[1]]
            genes = sizes.sum() - sizes[list(groups_gone)].sum()
            stays = ~np.isin(groups, groups_gone).any(axis=1)
            if genes < 2 or not stays.any():
                continue
            shares = left[:, stays] / (genes * (genes - 1) / 2)
            asked[number] += stays.sum()
            recalled[number] += [rule(shares[0], shares[1]).sum() for rule in rules]

    def _as_left_out(self, recall: Numbers, count: int) -> LeftOut:
        pair = np.full((count, count), np.nan)
        pair[np.triu_indices(count, 1)] = recall[1 + count :]
        return LeftOut(float(recall[0]), recall[1 : 1 + count], pair, len(self.group))


@dataclass
class Shuffles:
    """Recalls where the genes' names are shuffled; each shuffle is made once, for all thresholds.

    Attributes
    ----------
    vectors
        Unit rows (n, width).
    pairs
        (k, 2) the known pairs.
    holds
        Threshold -> which similarities lie in its tails.
    seed
        Of the shuffles.
    made
        The shuffles made so far: threshold -> recall of each.

    """

    vectors: Floats
    pairs: Pairs
    holds: dict[float, Callable[[Floats], npt.NDArray[np.bool_]]]
    seed: int
    made: list[dict[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        few = len(self.vectors) <= MOST_GENES
        self.cosine = self.vectors @ self.vectors.T if few else None

    def chance(self, threshold: float, recall: float, /, *, most: int) -> Chance:
        """What shuffled names score at a threshold, beside the recall of the true ones.

        Parameters
        ----------
        threshold
            One of those in `holds`.
        recall
            That of the true names.
        most
            How many shuffles are made at most.

        Returns
        -------
        Chance
            Their mean, and how often they score as high.

        """
        at = itertools.count()

        def drawn(_: np.random.Generator) -> float:
            number = next(at)
            if number == len(self.made):
                self.made.append(self._draw())
            return self.made[number][threshold]

        return shuffles.above_chance(recall, drawn, seed=self.seed, most=most)

    def _draw(self) -> dict[float, float]:
        first, second = self.rng.permutation(len(self.vectors))[self.pairs].T
        if self.cosine is not None:
            similarity = self.cosine[first, second]
        else:
            similarity = np.einsum("ij,ij->i", self.vectors[first], self.vectors[second])
        return {threshold: float(hold(similarity).mean()) for threshold, hold in self.holds.items()}
