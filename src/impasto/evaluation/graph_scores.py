"""The neighbours of rows, and the scores of mixing and conservation that are read from them, where some perturbations are gone.

Perturbations were sampled, not batches: one leaves with all of its wells, and neighbours are listed again. Controls always stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema, wells
from impasto.evaluation import kbet, lisi, neighbours, silhouette, tidy, units
from impasto.evaluation.labelled import Codes, Flags, Floats, Labelled
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut

MOST_ROWS = 6000
"""So many rows at most are compared again without groups of perturbations; a larger table gets the t interval."""


@dataclass(frozen=True)
class Graph:
    """The neighbours of rows, and scores of them where some rows are gone.

    Attributes
    ----------
    values
        (n, width).
    where
        What the rows are.
    metric, k, device
        How neighbours are found.
    among
        Where the n rows were drawn: their neighbours among all rows (n, k), -1 for one that is not drawn, and (n,) whether all rows of a
        row's label are drawn.

    """

    values: Floats
    where: Labelled
    metric: Metric
    k: int
    device: str | None
    among: tuple[Codes, Flags] | None = None

    @cached_property
    def more(self) -> Codes:
        """(n, wide) more neighbours than are used, nearest first."""
        return neighbours.nearest(self.values, k=neighbours.wide(self.k), metric=self.metric, device=self.device)

    def nearest(self, keep: Flags, /) -> Codes:
        """The neighbours of the rows that stay, among themselves.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        Codes
            (rows that stay, k) renumbered, nearest first.

        """
        among = neighbours.among(self.more, keep, k=self.k)
        return neighbours.nearest(self.values[keep], k=self.k, metric=self.metric, device=self.device) if among is None else among

    def connectivity(self, keep: Flags, /, *, strong: bool = False) -> npt.NDArray[np.float64]:
        """Of each label, the share of its rows in the largest component.

        Parameters
        ----------
        keep
            (n,) which rows stay.
        strong
            Whether components are strongly connected ones.

        Returns
        -------
        npt.NDArray[np.float64]
            (labels that stay,)

        """
        if self.among is None:
            return neighbours.connectivity(self.nearest(keep), _renumbered(self.where.labels[keep]), strong=strong)
        # Labels that are drawn whole, in the graph of all rows; `mixing` asks for no other rows of such a table.
        nearest, complete = self.among
        codes = np.full(len(complete), -1, dtype=np.intp)
        codes[complete] = _renumbered(self.where.labels[complete])
        return neighbours.connectivity(nearest, codes, strong=strong)

    def strong_connectivity(self, keep: Flags, /) -> npt.NDArray[np.float64]:
        """Of each label, the share of its rows in the largest strong component.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.float64]
            (labels that stay,)

        """
        return self.connectivity(keep, strong=True)

    def kept(self, keep: Flags, /, *, earlier: Codes) -> npt.NDArray[np.float64]:
        """Of each row, the share of its neighbours that it had before correction.

        Parameters
        ----------
        keep
            (n,) which rows stay.
        earlier
            (n, wide) neighbours before correction, more than k a row.

        Returns
        -------
        npt.NDArray[np.float64]
            (rows that stay,) One NaN where the earlier list of some row is too short.

        """
        now = self.nearest(keep)
        before = neighbours.among(earlier, keep, k=now.shape[1])
        return neighbours.overlap(before, now) if before is not None else np.full(1, np.nan)

    def silhouette(self, keep: Flags, /) -> npt.NDArray[np.float64]:
        """Of each label in several batches, how mixed these are.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.float64]
            (labels in several batches,) 1 is fully mixed.

        """
        return silhouette.of_batches(self.values[keep], self.where.labels[keep], self.where.batches[keep], metric=self.metric)

    def accepted(self, keep: Flags, /) -> npt.NDArray[np.float64]:
        """Of each row, whether kBET accepts the batches around it.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.float64]
            (rows that stay,) 1 or 0.

        """
        return kbet.accepted(self.nearest(keep), _renumbered(self.where.batches[keep])).astype(np.float64)

    def batches_around(self, keep: Flags, /) -> npt.NDArray[np.float64]:
        """Of each row, LISI of batches, 1 where all are around it alike.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.float64]
            (rows that stay,)

        """
        return self._around(self.where.batches, keep, mixed=True)

    def labels_around(self, keep: Flags, /) -> npt.NDArray[np.float64]:
        """Of each row, LISI of labels, 1 where only one is around it.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.float64]
            (rows that stay,)

        """
        return self._around(self.where.labels, keep, mixed=False)

    def _around(self, codes: Codes, keep: Flags, *, mixed: bool) -> npt.NDArray[np.float64]:
        own, nearest = _renumbered(codes[keep]), self.nearest(keep)
        far = lisi.distances(self.values[keep], nearest, metric=self.metric)
        return lisi.scaled(lisi.numbers_of_labels(far, nearest, own), int(own.max()) + 1, mixed=mixed)

    def score(
        self,
        metric: str,
        parts: Callable[[Flags], npt.NDArray[np.float64]],
        name: str,
        group: str,
        task: str,
        /,
        *,
        seed: int,
        chance: float | None = None,
        middle: Callable[[npt.NDArray[np.float64]], np.floating] = np.mean,
    ) -> Score:
        """The mean of the parts of a score (labels, or rows), with its interval over perturbations.

        Parameters
        ----------
        metric
            The name of the score.
        parts
            Takes which rows stay (n,) and gives the score of each label or row.
        name
            The protocol in words.
        group
            The name of the profiles, or of a baseline.
        task
            The name of the task.
        seed
            Of groups of perturbations.
        chance
            The score by chance; None where it is not known.
        middle
            The mean of the parts, or their median.

        Returns
        -------
        Score
            The row of the score.

        """
        whole = parts(self.where.whole())
        sampled = self.where.sampled()
        left: list[LeftOut] = []
        if self.among is None and len(self.values) <= MOST_ROWS:
            left = [jackknife.leave_out(lambda keep: _of(parts(self.where.without(keep)), middle), len(sampled), seed=seed, pairs=False)]
            interval = jackknife.of_score(left, unit=sampled.word)
        else:
            # Of labels or rows in order; a label is of the unit of its rows.
            own = [str(n) for n in range(len(whole))]
            interval = units.mean_over(whole, units.named(own, word=sampled.word), value=_of(whole, middle))
        digest = sampled.digest
        return tidy.score(task, name, group, metric, _of(whole, middle), interval, chance=chance, n=len(whole), parts=left, units=digest)


def _of(values: npt.NDArray[np.float64], middle: Callable[[npt.NDArray[np.float64]], np.floating]) -> float:
    return float(middle(values)) if len(values) else float("nan")


def _renumbered(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].ravel().astype(np.intp)


def earlier_neighbours(
    before: str | Path | None, profiles: anndata.AnnData, *, k: int, metric: Metric, rows: Codes, device: str | None
) -> Codes | None:
    """The neighbours that rows had in the table before correction; rows are matched by their place.

    Parameters
    ----------
    before
        The file of that table; None for none.
    profiles
        The table after correction.
    k
        Neighbours that are scored; more are given.
    metric
        Of neighbours.
    rows
        (n,) places in the table after correction.
    device
        Where neighbours are sought.

    Returns
    -------
    Codes | None
        (n, wide) nearest first. None without a table.

    Raises
    ------
    InputError
        Where the tables do not hold the same wells.

    """
    if before is None:
        return None
    old = tables.opened(Path(before))
    # Medians a compound and source have no well: what was done to the cells is then part of their place.
    places = (*(word for word in wells.SITE_KEYS if word != schema.OBJECT), schema.PERTURBATION)
    words = [w for w in places if w in old.obs and w in profiles.obs]
    was, now = (pd.MultiIndex.from_frame(t.obs[words].astype(str)) if words else pd.Index([""] * t.n_obs) for t in (old, profiles))
    if was.is_unique and now.isin(was).all():
        place = was.get_indexer(now)
    elif list(was) == list(now):
        place = np.arange(len(now))
    else:
        raise InputError(f"{before} does not hold the same wells; before and after must be the same table, or one a part of the other")
    return neighbours.nearest(wells.finite(old, task="mixing")[place[rows]], k=neighbours.wide(k), metric=metric, device=device)
