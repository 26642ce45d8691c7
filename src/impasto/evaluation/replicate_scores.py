"""The mean average precision of replicate detection, without groups of units and with shuffled labels.

The score is a mean over perturbations of the mean average precision of their wells. Perturbations were sampled, with all of their doses and
names; where negatives are controls, so were the control wells, plate by plate. A perturbation leaves as query and as negative of others.
Labels are shuffled among the treated wells of each plate. Where negatives are other perturbations, the mean of the shuffles is the
chance: random rankings lie above it, since the negatives of one well resemble each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.evaluation import control_groups, units
from impasto.evaluation.control_groups import CONTROL_GROUPS
from impasto.evaluation.layout import Layout, Rows, Together, together
from impasto.evaluation.retrieval import Rankings
from impasto.evaluation.units import Units
from impasto.statistics import jackknife, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import Chance

MOST_COMPARED = 2**29
"""So many comparisons of a right with a wrong answer at most are kept apart by group; a larger table gets the t interval."""
MOST_SHUFFLED = 6000
"""So many treated wells at most are ranked for shuffled labels."""
MOST_TOGETHER = 2**22
"""So many triples of wells of one compound at most are compared for a shuffle."""
_BLOCK = 2**24
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReplicateScore:
    """One score of replicate detection.

    Attributes
    ----------
    vectors
        Unit rows (n, width).
    where
        Who stands where.
    detail
        One row a query that was ranked: row, perturbation, average_precision.
    others
        Whether negatives are other perturbations, instead of control wells.
    within_plate
        Whether negatives are of the query's plate only.
    seed
        Of groups of units and shuffles.
    word
        What a unit is called: `perturbation`, or `compound`.

    """

    vectors: Floats
    where: Layout
    detail: pd.DataFrame
    others: bool
    within_plate: bool
    seed: int
    word: str = "perturbation"

    @cached_property
    def perturbations(self) -> list[str]:
        """Those that were ranked, sorted."""
        return sorted(set(self.detail[schema.PERTURBATION].astype(str)))

    @cached_property
    def value(self) -> float:
        """The mean over perturbations of the mean over their wells."""
        return float(self.detail.groupby(schema.PERTURBATION)["average_precision"].mean().mean())

    @cached_property
    def sampled(self) -> Units:
        """The unit of each treated row (others: of each ranked row), in order of the rows."""
        rows = self.rows
        return units.of_codes(self.where.compound[rows], self.where.perturbation[rows], word=self.word)

    @cached_property
    def rows(self) -> Rows:
        """The rows of units: all treated wells where they are negatives of each other, those ranked otherwise."""
        return np.flatnonzero(self.where.treated) if self.others else np.unique(self.detail["row"].to_numpy())

    def interval(self) -> tuple[Interval, list[LeftOut]]:
        """The interval, over perturbations and control wells where those judge, and the score without groups of them.

        Returns
        -------
        tuple[Interval, list[LeftOut]]
            The interval; and the score without groups, nothing for a table too large for the jackknife.

        """
        if self.is_large:
            of_row = pd.Series(np.nan, index=range(len(self.vectors)))
            of_row[self.detail["row"].to_numpy()] = self.detail["average_precision"].to_numpy()
            return units.mean_over(of_row.to_numpy()[self.rows], self.sampled, value=self.value), []
        if self.others:
            left = self._of_perturbations_among_each_other()
            return jackknife.of_score(left, unit=self.word), [left]
        left, controls = self._of_perturbations(), list(self.of_controls().values())
        return jackknife.of_score([left, controls], unit=f"{self.word} and {control_groups.WELL}"), [left, *controls]

    @cached_property
    def is_large(self) -> bool:
        """Whether comparisons are too many to be kept apart by group."""
        pool = self.where.treated.sum() if self.others else sum(map(len, self.where.controls.values()))
        share = 1 if not self.within_plate else max(1, len(self.where.controls))
        pairs = pd.Series(self.where.compound[self.where.treated]).value_counts().to_numpy(dtype=np.int64)
        return int((pairs**2).sum()) * int(pool) // share > MOST_COMPARED

    def _of_perturbations(self) -> LeftOut:
        """Against controls perturbations do not meet: the jackknife of a mean."""
        return self.mean_left_out(self.detail.groupby(schema.PERTURBATION)["average_precision"].mean().to_numpy())

    def mean_left_out(self, values: Numbers, /) -> LeftOut:
        """The mean of some values of perturbations without each group of units.

        Parameters
        ----------
        values
            One a perturbation, in the order of `perturbations`.

        Returns
        -------
        LeftOut
            The mean, and the means without groups.

        """
        row = self.detail.groupby(schema.PERTURBATION)["row"].first().to_numpy()
        unit = self.sampled.of[np.searchsorted(self.rows, row)]
        return jackknife.leave_out(lambda keep: _mean(values[keep[unit]]), len(self.sampled), seed=self.seed, pairs=False)

    def of_controls(self) -> dict[str, LeftOut]:
        """The score without a group of the control wells of one plate.

        Returns
        -------
        dict[str, LeftOut]
            One entry a plate, by its name in order.

        """
        weight, single = self._weights(), dict[str, Numbers]()
        numbered = control_groups.of_layout(self.where.controls, self.where.order, seed=self.seed)
        group = np.where(numbered < 0, CONTROL_GROUPS, numbered % CONTROL_GROUPS)
        for plate, rows, ranked in self._ranked(group, CONTROL_GROUPS + 1):
            whole = ranked.precisions(np.empty(0, dtype=np.intp))
            count = min(CONTROL_GROUPS, len(self.where.controls[plate]))
            less = [float(np.nansum((ranked.precisions(np.array([g])) - whole) * weight[rows])) for g in range(count)]
            single[plate] = single.get(plate, np.full(count, self.value)) + less
        size = {plate: len(self.where.controls[plate]) for plate in sorted(single)}
        return {plate: LeftOut(self.value, single[plate], None, size[plate], control_groups.WELL) for plate in size}

    def _weights(self) -> Numbers:
        """(n,) how much each well counts in the score."""
        weight = np.zeros(len(self.vectors))
        times = self.detail.groupby(schema.PERTURBATION)["row"].transform("size").to_numpy()
        weight[self.detail["row"].to_numpy()] = 1 / (times * len(self.perturbations))
        return weight

    def _of_perturbations_among_each_other(self) -> LeftOut:
        group = np.zeros(len(self.vectors), dtype=np.intp)
        group[self.rows] = self.sampled.groups(seed=self.seed)
        ranked = [(rows, r) for _, rows, r in self._ranked(group, self.sampled.count(seed=self.seed))]
        name = pd.Index(self.perturbations).get_indexer(np.concatenate([self.where.perturbation[rows] for rows, _ in ranked]))
        of_unit = jackknife.deal(len(self.sampled), seed=self.seed)

        def score(keep: npt.NDArray[np.bool_]) -> float:
            gone = np.unique(of_unit[~keep])
            return _mean_of_means(np.concatenate([r.precisions(gone) for _, r in ranked]), name, len(self.perturbations))

        return jackknife.leave_out(score, len(self.sampled), seed=self.seed)

    def _ranked(self, group: Rows, groups: int) -> Iterator[tuple[str, Rows, Rankings]]:
        """The rankings of the queries of each plate, answers and negatives by their group (n,): plate, rows of queries, rankings."""
        for pairs in together(self.vectors, self.where):
            for plate, part in pairs.by_plate(self.where.plate) if self.within_plate else [("", pairs)]:
                pool = self.where.negatives(plate, others=self.others)
                if len(pool):
                    yield plate, *self._rankings(part, pool, group, groups)

    def _rankings(self, part: Together, pool: Rows, group: Rows, groups: int) -> tuple[Rows, Rankings]:
        queries, number = np.unique(part.query, return_inverse=True)
        number = number.ravel()
        right = np.flatnonzero(part.are_right(self.where))
        right = right[np.lexsort((-part.similarity[right], number[right]))]
        query, similarity = number[right], part.similarity[right]
        of_query = np.bincount(query, minlength=len(queries))
        place = np.arange(len(query)) - (np.cumsum(of_query) - of_query)[query]
        answer = group[part.partner[right]]
        one_hot = (group[pool][:, None] == np.arange(groups)).astype(np.float32)
        # Wells of the query's own compound are no negatives.
        own = (
            self.where.compound[queries][:, None] == self.where.compound[pool] if self.others else np.zeros((len(queries), len(pool)), bool)
        )
        at_or_above, above = np.zeros((groups, len(query)), dtype=np.float32), np.empty((groups, len(query)), dtype=np.float32)
        # A perturbation leaves as a whole, so all right answers that stand before one leave with it.
        at_or_above[answer, np.arange(len(query))] = place + 1
        wrong = (one_hot.sum(axis=0) - own.astype(np.float32) @ one_hot).T
        step = max(1, _BLOCK // max(1, len(pool)))
        scores = np.where(own, -np.inf, self.vectors[queries] @ self.vectors[pool].T)
        for start in range(0, len(query), step):
            block = slice(start, start + step)
            others, compared = scores[query[block]], similarity[block, None]
            above[:, block] = (((others > compared) + np.float32(0.5) * (others == compared)) @ one_hot).T
        return queries, Rankings(group[queries], query, answer, at_or_above, above, wrong)

    def chance(self, most: int, /) -> Chance | None:
        """What shuffled labels score, and how often as high.

        Parameters
        ----------
        most
            How many shuffles are made at most.

        Returns
        -------
        Chance | None
            The chance; None where no shuffles are asked for, or the table is too large.

        """
        if most < 1 or self.where.treated.sum() > MOST_SHUFFLED:
            return None
        shuffled = Shuffled.of(self)
        if shuffled is None:
            return None
        return shuffles.above_chance(shuffled.score(np.arange(len(shuffled.plate))), shuffled.draw, seed=self.seed, most=most)


@dataclass(frozen=True)
class Shuffled:
    """The N treated wells as slots: each holds a well, and which slots are replicates of which never changes.

    Attributes
    ----------
    similarity
        (N, N) cosine of wells.
    above
        (N, N) of well a and well b, how many of the negatives that a's plate offers stand above b, before its own compound is left out.
    query, answer
        (pairs,) slots.
    pair, own
        (triples,) a pair, and a slot of the query's compound that the plate offers as a negative.
    name
        (N,) the number of the perturbation of each slot; -1 for one that was not ranked.
    plate, apart
        (N,) the plate of each slot; the position of each well where answers must stand at another one, else None.
    answerable
        (N,) the slots with a negative.

    """

    similarity: Floats
    above: Floats
    query: Rows
    answer: Rows
    pair: Rows
    own: Rows
    name: Rows
    plate: Rows
    apart: Rows | None
    answerable: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, score: ReplicateScore, /) -> Shuffled | None:
        """The slots of a score.

        Parameters
        ----------
        score
            The score with the true labels.

        Returns
        -------
        Shuffled | None
            The slots; None where compounds have so many wells that their triples are too many.

        """
        where, vectors = score.where, score.vectors
        rows = np.flatnonzero(where.treated)
        rows = rows[np.argsort(where.order[rows])]
        compound, plate = where.compound[rows], pd.factorize(where.plate[rows])[0]
        sizes = np.bincount(pd.factorize(compound)[0]).astype(np.int64)
        if int((sizes**3).sum()) > MOST_TOGETHER:
            return None
        frame = pd.DataFrame({"compound": compound, "slot": np.arange(len(rows))})
        pairs = frame.merge(frame, on="compound", suffixes=("", "_other"))
        pairs = pairs[pairs["slot"] != pairs["slot_other"]]
        query, other = pairs["slot"].to_numpy(), pairs["slot_other"].to_numpy()
        right = where.perturbation[rows][query] == where.perturbation[rows][other]
        if where.apart is not None and not _by_position(where):
            right &= where.apart[rows][query] != where.apart[rows][other]
        offered = np.full(len(query), score.others)
        if score.within_plate:
            offered &= plate[query] == plate[other]
        answers = pd.DataFrame({"query": query[right], "pair": np.arange(right.sum())})
        triples = answers.merge(pd.DataFrame({"query": query[offered], "own": other[offered]}), on="query")
        similarity = vectors[rows] @ vectors[rows].T
        above, answerable = _standing(score, rows, similarity)
        number = np.bincount(query[offered], minlength=len(rows)) + score.others
        name = pd.Index(score.perturbations).get_indexer(where.perturbation[rows])
        return cls(
            *(similarity, above, query[right], other[right], triples["pair"].to_numpy(), triples["own"].to_numpy()),
            *(name, plate, where.apart[rows] if _by_position(where) and where.apart is not None else None, answerable > number),
        )

    def draw(self, rng: np.random.Generator) -> float:
        """The score of one shuffle.

        Parameters
        ----------
        rng
            Draws it.

        Returns
        -------
        float
            The score.

        """
        well = np.empty(len(self.plate), dtype=np.intp)
        for plate in range(self.plate.max() + 1):
            slots = np.flatnonzero(self.plate == plate)
            well[slots] = rng.permutation(slots)
        return self.score(well)

    def score(self, well: Rows, /) -> float:
        """The score where each slot holds the well given.

        Parameters
        ----------
        well
            (N,) the well in each slot.

        Returns
        -------
        float
            The mean over perturbations.

        """
        query, answer = well[self.query], well[self.answer]
        similarity = self.similarity[query, answer]
        other = self.similarity[query[self.pair], well[self.own]]
        compared = similarity[self.pair]
        standing = (other > compared) + 0.5 * (other == compared)
        wrong = self.above[query, answer] - np.bincount(self.pair, weights=standing, minlength=len(query))
        counted = self.answerable[self.query]
        if self.apart is not None:
            counted &= self.apart[query] != self.apart[answer]
        precision = _found_among(self.query[counted], similarity[counted], wrong[counted], total=len(well))
        return _mean_of_means(precision, self.name, int(self.name.max()) + 1)


def _by_position(where: Layout) -> bool:
    """Whether answers must stand at another position: it is the one level that a shuffle within plates changes."""
    if where.apart is None:
        return False
    return bool(pd.Series(where.apart[where.treated]).groupby(where.plate[where.treated]).nunique().max() > 1)


def _standing(score: ReplicateScore, rows: Rows, similarity: Floats) -> tuple[Floats, Numbers]:
    """(N, N) how many negatives that the plate of one well offers stand above another, and (N,) how many it offers."""
    above = np.empty(similarity.shape, dtype=np.float32)
    number = np.zeros(len(rows))
    for slot, row in enumerate(rows):
        pool = score.where.negatives(str(score.where.plate[row]) if score.within_plate else "", others=score.others)
        values = np.sort(score.vectors[pool[pool != row]] @ score.vectors[row]) if not score.others else None
        if values is None:
            offered = score.where.plate[rows] == score.where.plate[row] if score.within_plate else np.ones(len(rows), dtype=bool)
            offered[slot] = False
            values = np.sort(similarity[slot, offered])
            number[slot] = 1
        below, up_to = (np.searchsorted(values, similarity[slot], side=side) for side in ("left", "right"))
        above[slot] = len(values) - (below + up_to) / 2
        number[slot] += len(values)
    return above, number


def _found_among(query: Rows, similarity: Floats, wrong: npt.NDArray[np.floating], *, total: int) -> Numbers:
    """(total,) the average precision of each query from the wrong answers above each of its right ones; NaN without right ones."""
    order = np.lexsort((-similarity, query))
    query, wrong = query[order], wrong[order]
    number = np.bincount(query, minlength=total)
    place = np.arange(len(query)) - (np.cumsum(number) - number)[query]
    sums = np.bincount(query, weights=(place + 1) / (place + 1 + wrong), minlength=total)
    return np.divide(sums, number, out=np.full(total, np.nan), where=number > 0)


def _mean_of_means(precision: Numbers, name: Rows, count: int) -> float:
    """The mean over perturbations of the mean over their queries, of those that have one."""
    known = np.isfinite(precision) & (name >= 0)
    number = np.bincount(name[known], minlength=count)
    total = np.bincount(name[known], weights=precision[known], minlength=count)
    return _mean(total[number > 0] / number[number > 0])


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else float("nan")
