"""AUC and AP of compounds over drawings of random genes, and both without groups of compounds and of genes.

Genes are drawn as the beginning of a random order of all that are no targets. Without some genes the order is the same, so that scores
differ by the genes that left and not by another drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from impasto import ranking
from impasto.evaluation.units import Units
from impasto.statistics import jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

NEGATIVES_EACH, FEWEST_NEGATIVES = 2, 20
"""So many random genes for each target, and at least so many."""
SEEDS_WITHOUT_GENES = 20
"""So many of the drawings are scored again without groups of genes."""
Metric = Literal["AUC", "AP"]
METRICS: tuple[Metric, ...] = ("AUC", "AP")
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compound:
    """One compound, at one dose or over all.

    Attributes
    ----------
    similarity
        (genes,) to each gene.
    right
        (targets,) the places of its targets among the genes.
    order
        (seeds, others) the genes that are no targets, in random orders.
    noise
        (seeds, genes) random scores in place of the similarity.
    all_drawn
        Whether a compound with too few random genes is left out, instead of taking those that there are.

    """

    similarity: Floats
    right: npt.NDArray[np.intp]
    order: npt.NDArray[np.intp]
    noise: Numbers
    all_drawn: bool

    def size(self, keep: npt.NDArray[np.bool_], /) -> tuple[int, int]:
        """How many targets and random genes there are among the genes that stay; 0 and 0 where it cannot be scored."""
        targets, others = int(keep[self.right].sum()), int(keep[self.order[0]].sum())
        wanted = max(NEGATIVES_EACH * targets, FEWEST_NEGATIVES)
        if not targets or not others or (self.all_drawn and others < wanted):
            return 0, 0
        return targets, min(others, wanted)

    def scores(self, keep: npt.NDArray[np.bool_], /, *, seeds: int, random: bool = False) -> dict[Metric, Numbers] | None:
        """AUC and AP of each drawing (seeds,) among the genes that stay; `random`: of random scores. None where it cannot be scored."""
        targets, others = self.size(keep)
        if not targets:
            return None
        order = self.order[:seeds]
        stays = keep[order]
        drawn = order[stays & (np.cumsum(stays, axis=1) <= others)].reshape(len(order), others)
        right = np.repeat(self.right[keep[self.right]][None], len(order), axis=0)
        rows = np.arange(len(order))[:, None]
        positives, negatives = (self.noise[rows, c] if random else self.similarity[c] for c in (right, drawn))
        return {"AUC": area_under_curve(positives, negatives), "AP": ranking.average_precisions(positives, negatives)}


def area_under_curve(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> Numbers:
    """The share of pairs (n, p) x (n, q) that are ranked rightly, ties a half: (n,).

    The same as scikit-learn's `roc_auc_score`, which takes one ranking a call: here are some ten thousand a table.
    """
    above = positives[:, :, None] > negatives[:, None, :]
    equal = positives[:, :, None] == negatives[:, None, :]
    return np.asarray((above + 0.5 * equal).mean(axis=(1, 2)))


@dataclass(frozen=True)
class Macro:
    """The mean over compounds.

    Attributes
    ----------
    compounds
        Those that can be scored.
    sampled
        The unit of each: the compound.
    genes
        The unit of each gene: itself.
    seeds
        How many drawings there are.
    seed
        Of groups of units.

    """

    compounds: list[Compound]
    sampled: Units
    genes: Units
    seeds: int
    seed: int

    def by_seed(self, *, random: bool = False) -> dict[Metric, Numbers]:
        """(compounds, seeds) of each metric."""
        everything = np.ones(len(self.genes), dtype=bool)
        each = [c.scores(everything, seeds=self.seeds, random=random) for c in self.compounds]
        return {metric: np.stack([scores[metric] for scores in each if scores is not None]) for metric in METRICS}

    def intervals(self, values: dict[Metric, Numbers], /) -> dict[Metric, tuple[Interval, list[LeftOut]]]:
        """The interval of each metric over compounds and genes, and the means without groups of either.

        Parameters
        ----------
        values
            Of `by_seed`.

        """
        without = self._without_genes()
        found: dict[Metric, tuple[Interval, list[LeftOut]]] = {}
        for metric in METRICS:
            each = values[metric].mean(axis=1)

            def mean(keep: npt.NDArray[np.bool_], each: Numbers = each) -> float:
                return _mean(each[keep[self.sampled.of]])

            left = jackknife.leave_out(mean, len(self.sampled), seed=self.seed, pairs=False)
            genes = LeftOut(float(each.mean()), without[metric], None, len(self.genes))
            found[metric] = jackknife.of_score([left, genes], unit="compound and gene"), [left, genes]
        return found

    def _without_genes(self) -> dict[Metric, Numbers]:
        group, count = self.genes.groups(seed=self.seed), self.genes.count(seed=self.seed)
        found: dict[Metric, list[float]] = {metric: [] for metric in METRICS}
        for g in range(count):
            keep = group != g
            each = [c.scores(keep, seeds=min(self.seeds, SEEDS_WITHOUT_GENES)) for c in self.compounds]
            for metric in METRICS:
                found[metric].append(_mean(np.array([scores[metric].mean() for scores in each if scores is not None])))
        return {metric: np.array(values) for metric, values in found.items()}


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else float("nan")
