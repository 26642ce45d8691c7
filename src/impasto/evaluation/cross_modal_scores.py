"""One direction of cross-modal retrieval: ranks, their scores without groups of pairs, and with pairs shuffled.

A pair leaves as query and as candidate. The share of pairs that are found is a share, so its interval is Wilson's. The mean reciprocal rank
hangs on the few pairs at the top ranks: its jackknife keeps the pairs' term, and allows for a draw without such pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats
from scipy.sparse import csgraph

from impasto import ranking
from impasto.evaluation import units
from impasto.evaluation.units import Units
from impasto.statistics import interval, jackknife, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

MOST_COMPARED = 2**28
"""So many queries x candidates at most are compared group by group; a larger table gets the t interval over pairs."""
MOST_SHUFFLED = 2**25
"""So many queries x pairs at most are ranked for shuffled pairs."""
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Gain = Callable[[Numbers], Numbers]
"""What a rank is worth: 1 where it is at most k, or its reciprocal."""


def sampled(profiles: npt.NDArray[np.object_], texts: npt.NDArray[np.object_], which: ranking.Rows, /) -> Units:
    """The pair of each profile and of each candidate text; perturbations that share a text are one pair.

    Parameters
    ----------
    profiles, texts
        The perturbation of each profile and of each text.
    which
        The candidate that each text became.

    Returns
    -------
    Units
        Units of the profiles, followed by those of the candidate texts.

    """
    names = np.unique(np.concatenate([profiles, texts]).astype(str))
    of_text = np.searchsorted(names, texts.astype(str))
    size = len(names) + int(which.max()) + 1
    links = sparse.coo_array((np.ones(len(which)), (of_text, len(names) + which)), shape=(size, size))
    _, pair = csgraph.connected_components(links, directed=False)
    first = pd.Series(names).groupby(pair[: len(names)]).min()
    at = np.concatenate([np.searchsorted(names, profiles.astype(str)), np.arange(len(names), size)])
    return units.named(first.loc[pair[at]].to_numpy(dtype=str), word="pair")


@dataclass(frozen=True)
class Direction:
    """Queries of one side among candidates of the other.

    Attributes
    ----------
    queries, candidates
        Unit rows (n, width) and (m, width).
    copies
        The rows of candidates that are offered, (m,) or more.
    matches
        The right pairs of rows: queries, ascending, and candidates.
    pairs
        The pair of every row of both sides.
    of_queries, of_candidates
        Where those of the queries and of the candidates stand in `pairs`.
    seed
        Of groups of pairs and shuffles.
    device
        Where vectors are compared.
    each_its_own
        Whether each query has one right candidate, which is no other query's.

    """

    queries: Floats
    candidates: Floats
    copies: ranking.Rows
    matches: tuple[ranking.Rows, ranking.Rows]
    pairs: Units
    of_queries: slice
    of_candidates: slice
    seed: int
    device: str | None
    each_its_own: bool = False

    @cached_property
    def ranks(self) -> Numbers:
        """(n,) the rank of the best right candidate, ties averaged; NaN without one."""
        return ranking.rank_of_match(self.queries, self.candidates, self.matches, copies=self.copies, device=self.device)

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """(n,) the queries with a right candidate."""
        return ~np.isnan(self.ranks)

    def _blocks(self, queries: Floats) -> Iterator[tuple[slice, Floats]]:
        return ranking.similarity_blocks(queries, self.candidates, copies=self.copies, device=self.device)

    @property
    def _unit(self) -> ranking.Rows:
        return self.pairs.of[self.of_queries]

    @cached_property
    def _above(self) -> Numbers | None:
        """(G, n) of each group of pairs, the wrong candidates above a query's best right one, ties a half; None where they are too many."""
        if len(self.queries) * len(self.copies) > MOST_COMPARED:
            return None
        group = self.pairs.groups(seed=self.seed)[self.of_candidates]
        one_hot = (group[:, None] == np.arange(self.pairs.count(seed=self.seed))).astype(np.float32)
        above = np.full((one_hot.shape[1], len(self.queries)), np.nan)
        for rows, similarity in self._blocks(self.queries):
            here = slice(*np.searchsorted(self.matches[0], [rows.start, rows.stop]))
            right = self.matches[0][here] - rows.start, self.matches[1][here]
            best = np.full(len(similarity), np.inf, dtype=np.float32)
            asked = np.unique(right[0])
            best[asked] = -np.inf
            np.maximum.at(best, right[0], similarity[right])
            standing = (similarity > best[:, None]) + np.float32(0.5) * (similarity == best[:, None])
            standing[right] = 0
            above[:, rows] = (standing @ one_hot).T
        return above

    def parts(self, gain: Gain, /) -> list[LeftOut]:
        """The mean gain without groups of pairs.

        Parameters
        ----------
        gain
            What a rank is worth.

        Returns
        -------
        list[LeftOut]
            One entry; none of a table that is too large.

        """
        above, usable, unit = self._above, self.usable, self._unit
        if above is None:
            return []
        whole = above.sum(axis=0)
        of_unit = jackknife.deal(len(self.pairs), seed=self.seed)

        def score(keep: npt.NDArray[np.bool_]) -> float:
            stays = usable & keep[unit]
            gone = np.unique(of_unit[~keep])
            return float(gain(1 + whole[stays] - above[gone][:, stays].sum(axis=0)).mean()) if stays.any() else float("nan")

        return [jackknife.leave_out(score, len(self.pairs), seed=self.seed, pairs=False)]

    def jackknife(self, gain: Gain, parts: list[LeftOut], /) -> Interval:
        """The interval of the mean gain over pairs.

        Parameters
        ----------
        gain
            What a rank is worth.
        parts
            Of `parts`, of the same gain.

        Returns
        -------
        Interval
            Of the jackknife; without parts, Student's t over the means of pairs.

        """
        if parts:
            return jackknife.of_score(parts, unit=self.pairs.word, few_count=True)
        gains = np.full(len(self.usable), np.nan)
        gains[self.usable] = gain(self.ranks[self.usable])
        of_queries = Units(self.pairs.word, self.pairs.names, self._unit)
        return units.mean_over(gains, of_queries, value=float(gains[self.usable].mean()))

    def wilson(self, gain: Gain, /) -> Interval:
        """Wilson's interval of a share, with pairs as its trials: several queries of a pair are no further evidence.

        Parameters
        ----------
        gain
            What a rank is worth, 0 or 1.

        Returns
        -------
        Interval
            The interval at 95 %.

        """
        pairs = len(np.unique(self._unit[self.usable]))
        return interval.wilson(float(gain(self.ranks[self.usable]).mean()) * pairs, pairs, unit=self.pairs.word)

    @cached_property
    def _ranks_of_pairs(self) -> tuple[Numbers, ranking.Rows] | None:
        """(usable queries, pairs with both sides) the rank of the best candidate of each pair, and the pair of each query."""
        own = self._unit[self.usable]
        offered = np.intersect1d(own, self.pairs.of[self.of_candidates])
        if len(own) * len(offered) > MOST_SHUFFLED:
            return None
        of_candidate = self.pairs.of[self.of_candidates]
        order = np.argsort(of_candidate, kind="stable")
        ordered, starts = np.unique(of_candidate[order], return_index=True)
        size = np.diff(np.append(starts, len(order)))
        chosen = np.searchsorted(ordered, offered)
        best_ranks = np.empty((len(own), len(offered)))
        queries = self.queries[self.usable]
        for rows, similarity in self._blocks(queries):
            for row, values in zip(range(rows.start, rows.stop), similarity, strict=True):
                best = np.maximum.reduceat(values[order], starts)
                ties = np.add.reduceat(values[order] == np.repeat(best, size), starts, dtype=int)
                line = np.sort(values)
                below, up_to = np.searchsorted(line, best, side="left"), np.searchsorted(line, best, side="right")
                best_ranks[row] = (1 + len(line) - up_to + (up_to - below - ties) / 2)[chosen]
        return best_ranks, np.searchsorted(offered, own)

    def p_chance(self, gain: Gain, most: int, /) -> float | None:
        """How often queries that are given the candidates of another pair score as high.

        Parameters
        ----------
        gain
            What a rank is worth.
        most
            Shuffles at most; 0 for none.

        Returns
        -------
        float | None
            The p-value; None where no shuffles are asked for, or there are too many queries and pairs.

        """
        if self.each_its_own:
            return self._p_of_own(gain, most)
        ranked = self._ranks_of_pairs if most > 0 else None
        if ranked is None:
            return None
        ranks, own = ranked
        gains, rows = gain(ranks), np.arange(len(own))

        def drawn(rng: np.random.Generator) -> float:
            return float(gains[rows, rng.permutation(ranks.shape[1])[own]].mean())

        return shuffles.above_chance(float(gains[rows, own].mean()), drawn, seed=self.seed, most=most).p

    @cached_property
    def _ranks_of_each(self) -> Numbers | None:
        """(n, copies) the rank of every candidate, ties averaged."""
        if len(self.queries) * len(self.copies) > MOST_SHUFFLED:
            return None
        return np.concatenate([stats.rankdata(-similarity, axis=1) for _, similarity in self._blocks(self.queries)])

    def _p_of_own(self, gain: Gain, most: int) -> float | None:
        """As `p_chance`; the queries of a unit are given the candidates of another in order, from the first again where it has fewer."""
        ranked = self._ranks_of_each if most > 0 else None
        if ranked is None:
            return None
        gains, rows, own = gain(ranked), np.arange(len(ranked)), self.matches[1]
        _, unit = np.unique(self.pairs.of[self.of_candidates], return_inverse=True)
        order = np.argsort(unit, kind="stable")
        _, starts, size = np.unique(unit[order], return_index=True, return_counts=True)
        of_query = unit[own]
        place = np.argsort(order)[own] - starts[of_query]

        def drawn(rng: np.random.Generator) -> float:
            given = rng.permutation(len(size))[of_query]
            return float(gains[rows, order[starts[given] + place % size[given]]].mean())

        return shuffles.above_chance(float(gains[rows, own].mean()), drawn, seed=self.seed, most=most).p
