"""Average precision of rankings from which groups of units can be taken, as query, candidate and right answer.

Of a right answer j of query q, the precision is r / (r + w). r right answers stand at or above it, and w wrong ones above it; those that
tie count a half. Both are sums over candidates, so they are kept apart by group: without some groups a score is a subtraction, and nothing
is ranked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rankings:
    """The rankings of n queries over G groups.

    Attributes
    ----------
    group
        (n,) the group of each query.
    query, answer_group
        (pairs,) each: the query that a right answer is of, and the right answer's group.
    at_or_above, above
        (G, pairs) each: of each group, the right answers at or above this one, and the wrong ones above it.
    wrong
        (G, n) the wrong candidates of each query.

    """

    group: Rows
    query: Rows
    answer_group: Rows
    at_or_above: Counts
    above: Counts
    wrong: Counts

    def precisions(self, gone: Rows, /) -> Numbers:
        """The average precision of each query without some groups.

        Parameters
        ----------
        gone
            The groups that are left out.

        Returns
        -------
        Numbers
            (n,) NaN where the query is gone, or lacks right or wrong answers.

        """
        stays = np.ones(len(self.wrong), dtype=bool)
        stays[gone] = False
        pairs = stays[self.answer_group] & stays[self.group[self.query]]
        at_or_above, above = self._without(self.at_or_above, gone), self._without(self.above, gone)
        precision = np.divide(at_or_above, at_or_above + above, out=np.zeros(len(above)), where=pairs & (at_or_above + above > 0))
        number = np.bincount(self.query, weights=pairs, minlength=len(self.group))
        total = np.bincount(self.query, weights=precision, minlength=len(self.group))
        usable = (number > 0) & (self._without(self.wrong, gone) > 0.25) & stays[self.group]
        return np.divide(total, number, out=np.full(len(number), np.nan), where=usable)

    @staticmethod
    def _without(counts: Counts, gone: Rows) -> Numbers:
        # Whole numbers and halves are exact in float32, so nothing is lost by taking them off again.
        return np.asarray(counts.sum(axis=0, dtype=np.float64) - counts[gone].sum(axis=0, dtype=np.float64))


def rankings(lists: Iterable[tuple[npt.NDArray[np.floating], Rows, Rows]], /, *, group: Rows, candidates: Rows, groups: int) -> Rankings:
    """The rankings of queries.

    Parameters
    ----------
    lists
        Of each query in turn: the scores of all candidates (m,), which are right answers, and which are wrong ones (places in them).
    group
        (n,) the group of each query.
    candidates
        (m,) the group of each candidate.
    groups
        How many groups there are.

    Returns
    -------
    Rankings
        The rankings. Equal right answers stand in the order of their places.

    """
    one_hot = (candidates[:, None] == np.arange(groups)).astype(np.float32)
    queries, answers, at_or_above, above = [], [], [], []
    wrong_of = np.zeros((groups, len(group)), dtype=np.float32)
    for query, (scores, right, wrong) in enumerate(lists):
        wrong_of[:, query] = np.bincount(candidates[wrong], minlength=groups)
        if not len(right):
            continue
        right = right[np.argsort(-scores[right], kind="stable")]
        own, other = scores[right][:, None], scores[wrong][None]
        standing = (other > own).astype(np.float32) + np.float32(0.5) * (other == own)
        queries.append(np.full(len(right), query))
        answers.append(candidates[right])
        at_or_above.append(np.cumsum(one_hot[right], axis=0, dtype=np.float32))
        above.append(standing @ one_hot[wrong])
    if not queries:
        nothing, none = np.empty(0, dtype=np.intp), np.empty((groups, 0), dtype=np.float32)
        return Rankings(group, nothing, nothing, none, none, wrong_of)
    of_right, of_wrong = (np.ascontiguousarray(np.concatenate(counts).T) for counts in (at_or_above, above))
    return Rankings(group, np.concatenate(queries).astype(np.intp), np.concatenate(answers), of_right, of_wrong, wrong_of)


def mean_ranks(scores: npt.NDArray[np.floating], candidates: npt.NDArray[np.bool_], /) -> Counts:
    """How many other candidates stand above each candidate of a query, those that tie by a half.

    Parameters
    ----------
    scores
        (n, m) of each query and candidate.
    candidates
        (n, m) which are candidates of which query.

    Returns
    -------
    Counts
        (n, m) NaN where one is no candidate.

    """
    ranks = np.full(scores.shape, np.nan, dtype=np.float32)
    for query, chosen in enumerate(candidates):
        values = scores[query, chosen]
        ordered = np.sort(values)
        below, up_to = np.searchsorted(ordered, values, side="left"), np.searchsorted(ordered, values, side="right")
        ranks[query, chosen] = len(values) - up_to + (up_to - below - 1) / 2
    return ranks


def precisions_of(queries: Rows, ranks: npt.NDArray[np.floating], /, *, total: int) -> tuple[Numbers, Numbers]:
    """Average precisions from the ranks of right answers among all candidates, which `mean_ranks` gives.

    Parameters
    ----------
    queries
        (pairs,) the query of each right answer.
    ranks
        (pairs,) how many other candidates stand above it, right or wrong.
    total
        How many queries there are.

    Returns
    -------
    tuple[Numbers, Numbers]
        (total,) each: the average precision, NaN for a query without right answers, and how many right answers it has.

    """
    order = np.lexsort((ranks, queries))
    query, rank = queries[order], np.asarray(ranks, dtype=np.float64)[order]
    number = np.bincount(query, minlength=total)
    place = np.arange(len(query)) - (np.cumsum(number) - number)[query]
    # Of right answers that tie, each has those before them above it, and a half of the others of the tie.
    new = np.ones(len(query), dtype=bool)
    new[1:] = (query[1:] != query[:-1]) | (rank[1:] != rank[:-1])
    starts = np.flatnonzero(new)
    size = np.diff(np.append(starts, len(query)))
    right_above = np.repeat(place[starts] + (size - 1) / 2, size)
    precision = (place + 1) / (place + 1 + rank - right_above)
    sums = np.bincount(query, weights=precision, minlength=total)
    return np.divide(sums, number, out=np.full(total, np.nan), where=number > 0), number.astype(np.float64)
