"""The mean average precision of sister matching, without groups of units and with shuffled labels.

The score is a mean over labels of the mean average precision of the perturbations that carry the label and have a sister by it. Compounds
were sampled; where every compound carries one label, and there are few, labels were: compounds of one class come and go together.
Shuffled labels move between the labelled compounds of one class (compound, crispr, orf), with all of a compound's labels and doses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from impasto import ranking
from impasto.evaluation import retrieval, units
from impasto.evaluation.units import Units
from impasto.statistics import jackknife, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

_ALL = slice(None)
MOST_CLASSES = 30
"""With one label a compound and at most so many labels, labels are the units."""
MOST_COMPARED = 2**29
"""So many comparisons of a right with a wrong answer at most are kept apart by group; a larger table gets the t interval."""
MOST_SHUFFLED = 2**26
"""So many pairs of perturbations at most are ranked for shuffled labels."""
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Sisters:
    """Perturbations, and the labels that may make them sisters.

    Attributes
    ----------
    names
        Those of the p perturbations.
    labels
        Those that each carries.
    kind
        (p,) its class: compound, crispr, orf.
    compound
        The unit of each.

    """

    names: list[str]
    labels: list[frozenset[str]]
    kind: npt.NDArray[np.str_]
    compound: Units

    @cached_property
    def all_labels(self) -> list[str]:
        """All labels, sorted."""
        return sorted(set().union(*self.labels))

    @cached_property
    def holds(self) -> sparse.csr_array:
        """(p, labels), 1 where a perturbation carries a label."""
        place = {label: number for number, label in enumerate(self.all_labels)}
        pairs = [(row, place[label]) for row, labels in enumerate(self.labels) for label in sorted(labels)]
        rows, columns = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        return sparse.csr_array(
            (np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(self.names), max(1, len(self.all_labels)))
        )

    @cached_property
    def related(self) -> Flags:
        """(p, p), True where two perturbations share a label."""
        return self.related_to(slice(None))

    def related_to(self, queries: slice, /) -> Flags:
        """The perturbations that share a label with some of them.

        Parameters
        ----------
        queries
            Which.

        Returns
        -------
        Flags
            (queries, p)

        """
        return np.asarray((self.holds[queries] @ self.holds.T).toarray() > 0)

    def candidates(self, queries: slice = _ALL, /, *, across: bool) -> Flags:
        """The labelled perturbations that a query is compared with: never those of its own compound.

        Perturbations without any label may well be sisters: they are no negatives.

        Parameters
        ----------
        queries
            Which perturbations ask; all by default.
        across
            Whether they are those of other classes than the query's, or those of its own class.

        Returns
        -------
        Flags
            (queries, p) query and candidate.

        """
        same = self.kind[queries, None] == self.kind[None]
        labelled = np.array([bool(labels) for labels in self.labels])
        other = self.compound.of[queries, None] != self.compound.of[None]
        return np.asarray((~same if across else same) & other & labelled[None])

    def sampled(self) -> Units:
        """What was sampled: labels where each compound has one and there are few, compounds otherwise.

        Returns
        -------
        Units
            The unit of each perturbation.

        """
        one = all(len(labels) <= 1 for labels in self.labels)
        if one and 1 < len(self.all_labels) <= MOST_CLASSES:
            # A perturbation without a label is neither query nor candidate: its unit is of no weight.
            return units.named([next(iter(labels), self.all_labels[0]) for labels in self.labels], word="class")
        return self.compound

    def part(self, keep: Flags, /) -> Sisters:
        """Some of the perturbations.

        Parameters
        ----------
        keep
            (p,) which stay.

        Returns
        -------
        Sisters
            These perturbations.

        """
        chosen = np.flatnonzero(keep)
        return Sisters([self.names[i] for i in chosen], [self.labels[i] for i in chosen], self.kind[keep], self.compound.part(chosen))

    def shuffle(self, rng: np.random.Generator) -> Rows:
        """The perturbation whose labels each is given: those of another labelled compound of its class.

        Parameters
        ----------
        rng
            Draws the shuffle.

        Returns
        -------
        Rows
            (p,)

        """
        given = np.arange(len(self.names))
        labelled = np.array([bool(labels) for labels in self.labels])
        for kind in np.unique(self.kind):
            rows = np.flatnonzero((self.kind == kind) & labelled)
            compound, first, of = np.unique(self.compound.of[rows], return_index=True, return_inverse=True)
            given[rows] = rows[first[rng.permutation(len(compound))]][of.ravel()]
        return given

    def relabelled(self, given: Rows, /) -> Sisters:
        """The same perturbations with the labels of others.

        Parameters
        ----------
        given
            (p,) the perturbation whose labels each is given.

        Returns
        -------
        Sisters
            The perturbations.

        """
        return replace(self, labels=[self.labels[i] for i in given])


class SisterScore:
    """One score: within a class or across classes, by signed or absolute cosine.

    Parameters
    ----------
    vectors
        Unit rows (p, width).
    sisters
        What the perturbations are.
    across
        Whether candidates are of all other classes, instead of the query's own.
    absolute
        Whether similarity is |cosine|.
    seed
        Of the groups of units, and of shuffles.
    asked
        (p,) the perturbations that are queries, where these are not all.

    """

    def __init__(
        self, vectors: Floats, sisters: Sisters, /, *, across: bool, absolute: bool, seed: int, asked: Flags | None = None
    ) -> None:
        self.sisters, self.across, self.absolute, self.seed = sisters, across, absolute, seed
        self.vectors, self.asked = vectors, asked
        self.sampled = sisters.sampled()

    @cached_property
    def similarity(self) -> Floats:
        """(p, p) cosines, or their absolute values."""
        return np.concatenate([self._similar(block) for _, block in ranking.similarity_blocks(self.vectors, self.vectors)])

    @cached_property
    def candidate(self) -> Flags:
        """(p, p) query and candidate."""
        return self.sisters.candidates(across=self.across)

    @cached_property
    def right(self) -> Flags:
        """(p, p) query and sister."""
        return self.candidate & self.sisters.related

    @cached_property
    def wrong(self) -> Flags:
        """(p, p) query and candidate that is no sister."""
        return self.candidate & ~self.sisters.related

    def _similar(self, cosine: Floats) -> Floats:
        return np.abs(cosine) if self.absolute else cosine

    @cached_property
    def per_query(self) -> pd.DataFrame:
        """One row a query and label by which it has a sister: average_precision and chance, with the numbers of right and wrong answers."""
        return self._ranked[0]

    @property
    def too_many(self) -> bool:
        """Whether there are too many comparisons of a right with a wrong answer to keep them apart by group."""
        return self.asked is not None or self._ranked[1] * len(self.sisters.names) > MOST_COMPARED

    @cached_property
    def _ranked(self) -> tuple[pd.DataFrame, int]:
        """`per_query`, and how many pairs of a query and a sister there are. Only some queries at a time are compared with all."""
        rows: list[tuple[object, ...]] = []
        pairs = 0
        for block, cosine in ranking.similarity_blocks(self.vectors, self.vectors):
            candidate, related = self.sisters.candidates(block, across=self.across), self.sisters.related_to(block)
            rights, wrongs, scores_of = candidate & related, candidate & ~related, self._similar(cosine)
            pairs += int(rights.sum())
            usable = rights.any(axis=1) & wrongs.any(axis=1)
            for place in np.flatnonzero(usable if self.asked is None else usable & self.asked[block]):
                query, right, wrong, scores = block.start + int(place), rights[place], wrongs[place], scores_of[place]
                precision = ranking.average_precision(scores[right], scores[wrong])
                numbers = int(right.sum()), int(wrong.sum())
                chance = ranking.chance_average_precision(*numbers)
                shared = self.sisters.labels[query] & frozenset().union(*(self.sisters.labels[i] for i in np.flatnonzero(right)))
                start = (self.sisters.names[query], self.sisters.kind[query], precision, chance, *numbers)
                rows += [(*start, label) for label in sorted(shared)]
        columns = ["perturbation", "kind", "average_precision", "chance", "positives", "negatives", "label"]
        return pd.DataFrame(rows, columns=columns), pairs

    def per_label(self) -> pd.DataFrame:
        """The average precision of each label and its chance: means over the queries that have a sister by it.

        Returns
        -------
        pd.DataFrame
            One row a label: label, average_precision, chance.

        """
        return self.per_query.groupby("label")[["average_precision", "chance"]].mean().reset_index()

    def value(self) -> float:
        """The mean over labels.

        Returns
        -------
        float
            The score.

        """
        return float(self.per_label()["average_precision"].mean())

    def interval(self) -> tuple[Interval, list[LeftOut]]:
        """The interval over units, and the score without groups of them.

        Returns
        -------
        tuple[Interval, list[LeftOut]]
            The interval; and the score without groups. A table too large for that gets the t interval over units, and no such scores.

        """
        if self.too_many:
            per = self.per_query.groupby("perturbation")["average_precision"].mean().reindex(self.sisters.names).to_numpy()
            return units.mean_over(per, self.sampled, value=self.value()), []
        left = self.left_out()
        return jackknife.of_score(left, unit=self.sampled.word), [left]

    def left_out(self) -> LeftOut:
        """The score without groups of units, which are then neither query nor candidate nor label.

        Returns
        -------
        LeftOut
            The score, and the scores without groups.

        """
        group, count = self.sampled.groups(seed=self.seed), self.sampled.count(seed=self.seed)
        lists = (
            (scores, np.flatnonzero(right), np.flatnonzero(wrong))
            for scores, right, wrong in zip(self.similarity, self.right, self.wrong, strict=True)
        )
        ranked = retrieval.rankings(lists, group=group, candidates=group, groups=count)
        query, label = self.sisters.holds.nonzero()
        by_group = self._carriers(query, label, group, count)
        of_unit = jackknife.deal(len(self.sampled), seed=self.seed)

        def score(keep: Flags) -> float:
            gone = np.unique(of_unit[~keep])
            precision = ranked.precisions(gone)
            shared = by_group.sum(axis=0) - by_group[gone].sum(axis=0) > 0
            return _mean_over_labels(precision, query[shared], label[shared], labels=len(self.sisters.all_labels))

        return jackknife.leave_out(score, len(self.sampled), seed=self.seed)

    def _carriers(self, query: Rows, label: Rows, group: Rows, count: int) -> npt.NDArray[np.float32]:
        """(G, entries) of each query and label of its own, how many candidates of each group carry that label."""
        holds = self.sisters.holds.tocsc()
        carriers = np.zeros((count, len(query)), dtype=np.float32)
        for number in range(self.sisters.holds.shape[1]):
            rows = holds.indices[holds.indptr[number] : holds.indptr[number + 1]]
            entries = np.flatnonzero(label == number)
            one_hot = (group[rows][:, None] == np.arange(count)).astype(np.float32)
            carriers[:, entries] = (self.candidate[np.ix_(query[entries], rows)].astype(np.float32) @ one_hot).T
        return carriers

    def p_chance(self, most: int, /) -> float | None:
        """How often shuffled labels score as high.

        Parameters
        ----------
        most
            How many shuffles are made at most.

        Returns
        -------
        float | None
            The p-value; None where no shuffles are asked for, or the table is too large to rank all pairs.

        """
        if most < 1 or self.asked is not None or len(self.sisters.names) ** 2 > MOST_SHUFFLED:
            return None
        return shuffles.above_chance(self.of_labels(np.arange(len(self.right))), self._shuffled, seed=self.seed, most=most).p

    def _shuffled(self, rng: np.random.Generator) -> float:
        return self.of_labels(self.sisters.shuffle(rng))

    @cached_property
    def _ranks(self) -> npt.NDArray[np.float32]:
        return retrieval.mean_ranks(self.similarity, self.candidate)

    @cached_property
    def _shared(self) -> sparse.csr_array:
        """(p, labels) 1 where a label of a query is carried by some candidate; the same for every shuffle, as classes keep their labels."""
        holds = self.sisters.holds
        query, label = holds.nonzero()
        shared = self._carriers(query, label, np.zeros(len(self.right), dtype=np.intp), 1)[0] > 0
        return sparse.csr_array((np.ones(shared.sum()), (query[shared], label[shared])), shape=holds.shape)

    def of_labels(self, given: Rows, /) -> float:
        """The score where each perturbation carries the labels of another.

        Parameters
        ----------
        given
            (p,) the perturbation whose labels each is given.

        Returns
        -------
        float
            The mean over labels.

        """
        right = self.sisters.related[np.ix_(given, given)] & self.candidate
        query, answer = np.nonzero(right)
        precision, number = retrieval.precisions_of(query, self._ranks[query, answer], total=len(right))
        precision[self.candidate.sum(axis=1) <= number] = np.nan
        row, label = self._shared[given].nonzero()
        return _mean_over_labels(precision, row, label, labels=len(self.sisters.all_labels))


def _mean_over_labels(precision: npt.NDArray[np.float64], query: Rows, label: Rows, *, labels: int) -> float:
    """The mean over labels of the mean over their queries; NaN without any."""
    known = np.isfinite(precision[query])
    number = np.bincount(label[known], minlength=labels)
    total = np.bincount(label[known], weights=precision[query[known]], minlength=labels)
    return float(np.mean(total[number > 0] / number[number > 0])) if number.any() else float("nan")
