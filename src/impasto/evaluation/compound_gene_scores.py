"""AUC and AP of compounds over drawings of random genes, and both without groups of compounds and of genes.

Without some genes the order of the others is the same, so that scores differ by the genes that left and not by another drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from impasto import ranking
from impasto.evaluation.compound_gene_draws import Drawn
from impasto.evaluation.units import Units
from impasto.statistics import jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

SEEDS_WITHOUT_GENES = 20
"""So many of the drawings are scored again without groups of genes."""
Metric = Literal["AUC", "AP"]
METRICS: tuple[Metric, ...] = ("AUC", "AP")
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compound:
    """One compound, at one concentration or over all.

    Attributes
    ----------
    similarity
        (genes,) to each gene.
    drawn
        The genes it is ranked among.
    noise
        The seed of random scores in place of the similarity.

    """

    similarity: Floats
    drawn: Drawn
    noise: tuple[int, int]

    def scores(self, keep: npt.NDArray[np.bool_], /, *, seeds: int, random: bool = False) -> dict[Metric, Numbers] | None:
        """AUC and AP of each drawing among the genes that stay.

        Parameters
        ----------
        keep
            (genes,) which genes stay.
        seeds
            How many of the drawings are scored.
        random
            Whether random scores take the place of the similarity.

        Returns
        -------
        dict[Metric, Numbers] | None
            (seeds,) of each metric; None where the compound cannot be scored.

        """
        targets, others = self.drawn.size(keep)
        if not targets:
            return None
        order = self.drawn.order[:seeds]
        if random:
            scores = np.random.default_rng(self.noise).random((len(order), targets + others))
            positives, negatives = scores[:, :targets], scores[:, targets:]
        else:
            stays = keep[order]
            chosen = order[stays & (np.cumsum(stays, axis=1) <= others)].reshape(len(order), others)
            positives = np.repeat(self.similarity[self.drawn.right[keep[self.drawn.right]]][None], len(order), axis=0)
            negatives = self.similarity[chosen]
        return {"AUC": area_under_curve(positives, negatives), "AP": ranking.average_precisions(positives, negatives)}


def area_under_curve(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> Numbers:
    """The share of pairs of a positive and a negative that are ranked rightly, ties a half.

    The same as scikit-learn's `roc_auc_score`, which takes one ranking a call: here are some ten thousand a table.

    Parameters
    ----------
    positives
        (n, p) the scores of the positives of n rankings.
    negatives
        (n, q) the scores of their negatives.

    Returns
    -------
    Numbers
        (n,) from 0 to 1.

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
        """Each metric of every compound and drawing.

        Parameters
        ----------
        random
            Whether random scores take the place of similarities.

        Returns
        -------
        dict[Metric, Numbers]
            (compounds, seeds) of each metric.

        """
        everything = np.ones(len(self.genes), dtype=bool)
        each = [c.scores(everything, seeds=self.seeds, random=random) for c in self.compounds]
        return {metric: np.stack([scores[metric] for scores in each if scores is not None]) for metric in METRICS}

    def intervals(self, values: dict[Metric, Numbers], /) -> dict[Metric, tuple[Interval, list[LeftOut]]]:
        """The interval of each metric over compounds and genes, and the means without groups of either.

        Parameters
        ----------
        values
            Of `by_seed`.

        Returns
        -------
        dict[Metric, tuple[Interval, list[LeftOut]]]
            The interval of each metric, and its means without groups of compounds, then of genes.

        """
        without = self._without_genes()
        by_metric: dict[Metric, tuple[Interval, list[LeftOut]]] = {}
        for metric in METRICS:
            each = values[metric].mean(axis=1)

            def mean(keep: npt.NDArray[np.bool_], each: Numbers = each) -> float:
                return _mean(each[keep[self.sampled.of]])

            left = jackknife.leave_out(mean, len(self.sampled), seed=self.seed, pairs=False)
            genes = LeftOut(float(each.mean()), without[metric], None, len(self.genes))
            by_metric[metric] = jackknife.of_score([left, genes], unit="compound and gene"), [left, genes]
        return by_metric

    def _without_genes(self) -> dict[Metric, Numbers]:
        group, count = self.genes.groups(seed=self.seed), self.genes.count(seed=self.seed)
        means: dict[Metric, list[float]] = {metric: [] for metric in METRICS}
        for g in range(count):
            keep = group != g
            each = [c.scores(keep, seeds=min(self.seeds, SEEDS_WITHOUT_GENES)) for c in self.compounds]
            for metric in METRICS:
                means[metric].append(_mean(np.array([scores[metric].mean() for scores in each if scores is not None])))
        return {metric: np.array(values) for metric, values in means.items()}


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else float("nan")
