"""Mixing: can the batches no longer be distinguished? High is well mixed; noise mixes perfectly, so read it beside conservation.

Graph connectivity has three definitions that differ, each named. scib: the largest component of each label in the symmetric graph of
neighbours. scib-metrics: the largest strong component in the directed one. CellPainTR, Eq. 14: the share of neighbours kept from the
profiles before correction, which asks for `before`. Silhouette batch: 1 - |s| of batches within each label (scib). 1 - F1 of a batch
classifier, with and without controls (CellPainTR, Eq. 15). kBET and LISI of batches, over the same neighbours (`arevalo` only).

Protocols: `cellpaintr` gives all of them and both batch scores (`aggregates`); `cellpaintr-scib`, `cellpaintr-eq14` and `arevalo` give the
scores of one aggregate. A sentence about batch scores stands only if it holds by both connectivities.

Of more than 20,000 rows, whole labels of about so many are drawn, and controls in proportion. Each label's connectivity is the one among
all rows where any label is drawn whole. Everything else is scored among the rows drawn. The protocol says how many (`samples`);
`exact` takes all.

Perturbations were sampled, not batches: one leaves with all of its wells, and neighbours are listed again. Controls always stay. The
classifier's interval is over folds. Nothing here speaks of other batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import mapped, schema, wells
from impasto import profiles as tables
from impasto.evaluation import (
    aggregates,
    baselines,
    classify,
    inputs,
    kbet,
    lisi,
    neighbours,
    protocols,
    samples,
    silhouette,
    tidy,
    units,
)
from impasto.evaluation.aggregates import Chosen
from impasto.evaluation.inputs import Table
from impasto.evaluation.replicate_scores import places
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score
from impasto.evaluation.units import Units
from impasto.schema import InputError
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut

TASK = "mixing"
MOST_ROWS = 6000
"""So many rows at most are compared again without groups of perturbations; a larger table gets the t interval."""
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Rows in use, what each is, and how a protocol names that.

    Unlabelled and empty wells are not among the rows, which stand in the order of their places. All negative controls carry one label,
    whatever they are called.

    Attributes
    ----------
    rows
        (rows,) places in the table.
    labels, compounds, batches
        (rows,) codes from 0, without gaps.
    control
        (rows,) which are negative controls.
    words
        How a protocol says all that.
    names
        Those of the compounds, by their codes.
    unit
        The word for one compound.

    """

    rows: Codes
    labels: Codes
    compounds: Codes
    batches: Codes
    control: Flags
    words: str
    names: tuple[str, ...] = ()
    unit: str = "perturbation"

    def part(self, chosen: Flags, /) -> Labelled:
        """The same over some of the rows, codes renumbered without gaps.

        Parameters
        ----------
        chosen
            (rows,) which rows.

        Returns
        -------
        Labelled
            These rows.

        """
        labels, compounds, batches = (
            np.unique(codes[chosen], return_inverse=True)[1].astype(np.intp) for codes in (self.labels, self.compounds, self.batches)
        )
        names = tuple(self.names[code] for code in np.unique(self.compounds[chosen])) if self.names else ()
        return Labelled(self.rows[chosen], labels, compounds, batches, self.control[chosen], self.words, names, self.unit)

    def sampled(self) -> Units:
        """The unit of each treated row: its compound, with all of its doses and wells.

        Returns
        -------
        Units
            One entry a treated row, in order.

        """
        return units.named(np.array(self.names, dtype=str)[self.compounds[~self.control]], word=self.unit)

    def without(self, keep: Flags, /) -> Flags:
        """Which rows stay where only some units (`sampled`) do.

        Parameters
        ----------
        keep
            (units,) which units stay.

        Returns
        -------
        Flags
            (rows,) Controls always stay.

        """
        stays = self.whole()
        stays[~self.control] = keep[self.sampled().of]
        return stays

    def whole(self) -> Flags:
        """All of the rows.

        Returns
        -------
        Flags
            (rows,) true everywhere.

        """
        return np.ones(len(self.rows), dtype=bool)


def labelled(profiles: anndata.AnnData, /, *, batch: str, label: str, pool_doses: bool, with_controls: bool = True) -> Labelled:
    """Rows with a label, negative controls among them or not.

    Parameters
    ----------
    profiles
        One row a well.
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    label
        The column of labels.
    pool_doses
        Whether all doses of a perturbation are one label.
    with_controls
        Whether negative controls are among the rows.

    Returns
    -------
    Labelled
        The rows and their codes.

    Raises
    ------
    InputError
        Where there are fewer than two batches or labels.

    """
    obs = profiles.obs
    wells.require(obs, [label], task="mixing and conservation")
    word = inputs.batch_word(obs, among=batch)
    by_perturbation = label == schema.PERTURBATION
    text = wells.replicates(obs, pool_doses=pool_doses) if by_perturbation else obs[label].astype("string")
    compound = wells.compounds(obs) if by_perturbation else text
    control = wells.negative(obs)
    codes, _ = inputs.groups(text.mask(control, "negative control"))
    compounds, names = inputs.groups(compound.mask(control, "negative control"))
    known = (codes >= 0) & ((control & with_controls) | wells.treated(obs))
    doses = inputs.dose_words(obs, pool_doses=pool_doses) if by_perturbation else ""
    order = np.argsort(places(obs), kind="stable")
    batches = wells.groups(obs, word)[0]
    unit = units.kind_of(obs[wells.treated(obs)]) if by_perturbation else "label"
    words = f"batch={word}, label={label}{doses}"
    annotated = Labelled(order, codes[order], compounds[order], batches[order], control[order], words, tuple(names), unit)
    where = annotated.part(known[order])
    if not len(where.rows) or where.labels.max() < 1 or where.control.all():
        raise InputError(f"all rows have one {label}; mixing and conservation need at least two: choose another with --set label=COLUMN")
    return where


@dataclass(frozen=True)
class Drawn:
    """The rows that are scored, where they are not all.

    Attributes
    ----------
    where
        The rows that are scored, and what they are.
    whole
        All rows in use; None where they are all scored.
    places
        (rows scored,) where each stands among all rows in use.
    complete
        (rows scored,) whether all rows of its label are scored.

    """

    where: Labelled
    whole: Labelled | None
    places: Codes
    complete: Flags

    def among_all(self, values: Floats, /, *, k: int, metric: Metric, device: str | None) -> Codes | None:
        """The neighbours of the rows scored among all rows in use, as numbers of rows scored.

        Parameters
        ----------
        values
            (all rows of the table, width).
        k, metric, device
            How neighbours are found.

        Returns
        -------
        Codes | None
            (rows scored, k) -1 for a neighbour that is not scored. None where all rows are scored.

        """
        if self.whole is None:
            return None
        number = np.full(len(self.whole.rows), -1, dtype=np.intp)
        number[self.places] = np.arange(len(self.places))
        used = mapped.take(values, self.whole.rows)
        return np.asarray(number[neighbours.nearest(used, k=k, metric=metric, device=device, of=self.places)])


def drawn(where: Labelled, /, *, seed: int, exact: bool, width: int) -> Drawn:
    """Whole labels of about 20,000 rows, and controls in proportion; all rows of a smaller table.

    Parameters
    ----------
    where
        All rows in use.
    seed
        Of the draw.
    exact
        Whether nothing is drawn; the price is said then.
    width
        The number of features, for the price.

    Returns
    -------
    Drawn
        The rows that are scored.

    """
    count = len(where.rows)
    if exact or count <= samples.MOST_ROWS:
        if count > samples.MOST_ROWS:
            samples.say_price(count, count, width, what="neighbours of all rows")
        return Drawn(where, None, np.arange(count), where.whole())
    share = samples.MOST_ROWS / count
    chosen = samples.of_each(np.where(where.control, 0, -1), most=round(share * int(where.control.sum())), seed=seed)
    treated = np.flatnonzero(~where.control)
    treated = treated[samples.of_each(where.labels[treated], most=samples.MOST_REPLICATES, seed=seed)]
    codes = np.unique(where.labels[treated], return_inverse=True)[1].ravel()
    chosen[treated[samples.of_groups(codes, most=round(share * int((~where.control).sum())), seed=seed)]] = True
    sizes = np.bincount(where.labels)
    complete = sizes[where.labels] == np.bincount(where.labels[chosen], minlength=len(sizes))[where.labels]
    places = np.flatnonzero(chosen)
    words = where.words + samples.words(len(places), count)
    return Drawn(replace(where.part(chosen), words=words), where, places, complete[chosen])


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: protocols.Correction = "cellpaintr",
    batch: str = "auto",
    label: str = schema.PERTURBATION,
    pool_doses: bool = False,
    metric: Metric = "cosine",
    before: str | None = None,
    k: int | None = None,
    seed: int = 0,
    with_baselines: bool = True,
    device: str | None = None,
    exact: bool = False,
) -> Result:
    """Scores of mixing, of the profiles, the shortcut baselines and the profiles with shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    protocol
        Which scores, and which of their means (see the module).
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    label
        The column of labels.
    pool_doses
        Whether all doses of a perturbation are one label.
    metric
        Of neighbours and silhouettes: cosine (Arevalo) or euclidean (scib's default).
    before
        The file of the profiles before correction.
    k
        Neighbours; 15 by default, 25 in `arevalo`.
    seed
        Of folds, shuffled labels and groups of perturbations.
    with_baselines
        Whether baselines are scored too.
    device
        Where neighbours are sought, such as `cuda`; on the processor by default.
    exact
        Whether all rows of a large table are scored (see the module).

    Returns
    -------
    Result
        The scores.

    Raises
    ------
    InputError
        Fewer than two batches or labels, or no `before` where the protocol compares with it.

    """
    chosen = aggregates.settle(protocol, metric=metric, k=k, before=before)
    profiles = inputs.as_profiles(profiles, task="mixing")
    everything = labelled(profiles, batch=batch, label=label, pool_doses=pool_doses, with_controls=chosen.with_controls)
    values = wells.finite(profiles, task="mixing")
    scored = drawn(everything, seed=seed, exact=exact, width=profiles.n_vars)
    where = scored.where
    earlier = earlier_neighbours(before, profiles, k=chosen.k, metric=metric, rows=where.rows, device=device)
    views = [(OWN, values, where), *((name, view, where) for name, view in (baselines.stand_ins(profiles) if with_baselines else []))]
    if with_baselines:
        order = np.random.default_rng(seed).permutation(len(where.rows))
        codes = (where.labels[order], where.compounds[order], where.batches[order], where.control[order])
        views.append((baselines.SHUFFLED, values, Labelled(where.rows, *codes, where.words, where.names, where.unit)))
    rows = scores_of(views, scored, chosen=chosen, seed=seed, earlier=earlier, device=device)
    return Result.of(aggregates.batch_scores(rows, chosen.aggregates))


def scores_of(
    views: Sequence[tuple[str, Floats, Labelled]],
    scored: Drawn,
    /,
    *,
    chosen: Chosen,
    seed: int,
    earlier: Codes | None,
    device: str | None,
) -> list[Score]:
    """The scores of mixing of the profiles and of their baselines.

    Parameters
    ----------
    views
        Of each: its name, the values of all rows of the table, and what the rows scored are.
    scored
        The rows that are scored.
    chosen
        The protocol, its metric and its neighbours.
    seed
        Of folds and groups of perturbations.
    earlier
        Neighbours before correction.
    device
        Where neighbours are sought.

    Returns
    -------
    list[Score]
        One row a score and view.

    """
    rows: list[Score] = []
    of_view: dict[int, Codes | None] = {}
    for name, view, spots in views:
        if id(view) not in of_view:  # shuffled labels are of the profiles' own values: their neighbours are the same
            of_view[id(view)] = scored.among_all(view, k=chosen.k, metric=chosen.metric, device=device)
        # Where no label is drawn whole, components are those among the rows drawn.
        among = None if (near := of_view[id(view)]) is None or not scored.complete.any() else (near, scored.complete)
        rows += score(view[spots.rows], spots, chosen=chosen, seed=seed, group=name, earlier=earlier, device=device, among=among)
    return rows


def score(
    values: Floats,
    where: Labelled,
    /,
    *,
    chosen: Chosen,
    seed: int,
    group: str,
    earlier: Codes | None = None,
    device: str | None = None,
    among: tuple[Codes, Flags] | None = None,
) -> list[Score]:
    """The scores of mixing that the protocol takes, of one set of rows.

    Parameters
    ----------
    values
        (n, width).
    where
        What the n rows are.
    chosen
        The protocol, its metric and its neighbours.
    seed
        Of folds and groups of perturbations.
    group
        The name of the profiles, or of a baseline.
    earlier
        (n, wide) neighbours before correction, more than k a row; without them none are compared.
    device
        Where neighbours are sought.
    among
        Where the n rows were drawn: their neighbours among all rows (n, k), -1 for one that is not drawn, and (n,) whether all rows of a
        row's label are drawn.

    Returns
    -------
    list[Score]
        One row a score.

    """
    metric, k = chosen.metric, chosen.k
    name = f"{chosen.prefix}{where.words}, {metric}, k={k}"
    graph = Graph(values, where, metric, k, device, among)
    parts: dict[str, Callable[[Flags], npt.NDArray[np.float64]]] = {
        aggregates.CONNECTED: graph.connectivity,
        aggregates.STRONG: graph.strong_connectivity,
    }
    if earlier is not None:
        parts[aggregates.NEIGHBOURS_KEPT] = partial(graph.kept, earlier=earlier)
    if len(silhouette.of_batches(values, where.labels, where.batches, metric=metric)):
        parts[aggregates.SILHOUETTE_BATCH] = graph.silhouette
    by_chance = {aggregates.NEIGHBOURS_KEPT: k / (len(values) - 1)}
    rows = [
        graph.score(word, part, name, group, seed=seed, chance=by_chance.get(word)) for word, part in parts.items() if chosen.takes(word)
    ]
    if chosen.needs(aggregates.KBET):
        rows.append(graph.score(aggregates.KBET, graph.accepted, name, group, seed=seed))
        rows.append(graph.score(aggregates.LISI_BATCH, graph.batches_around, name, group, seed=seed, middle=np.median))
    for which, part in _with_and_without(where):
        if part.batches.max() > 0 and chosen.takes(f"{aggregates.F1_BATCH} ({which})"):
            rows.append(_one_minus_f1(values, where, part, name, which, group, seed=seed))
    return rows


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
        As `score` takes it.

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
        # Labels that are drawn whole, in the graph of all rows; `score` asks for no other rows of such a table.
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
        return tidy.score(TASK, name, group, metric, _of(whole, middle), interval, chance=chance, n=len(whole), parts=left, units=digest)


def _of(values: npt.NDArray[np.float64], middle: Callable[[npt.NDArray[np.float64]], np.floating]) -> float:
    return float(middle(values)) if len(values) else float("nan")


def _renumbered(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].ravel().astype(np.intp)


def _with_and_without(where: Labelled) -> list[tuple[str, Labelled]]:
    everything = [(aggregates.WITH, where.part(where.whole()))] if where.control.any() else []
    return [*everything, (aggregates.WITHOUT, where.part(~where.control))]


def _one_minus_f1(values: Floats, where: Labelled, part: Labelled, name: str, which: str, group: str, *, seed: int) -> Score:
    inside = np.isin(where.rows, part.rows)
    value, interval = classify.repeated_f1(values[inside], part.batches, seed=seed, turned=True)
    chance = 1 - classify.chance_f1(part.batches, seed=seed)
    row = (TASK, name, group, f"{aggregates.F1_BATCH} ({which})", value, interval)
    return tidy.score(*row, chance=chance, n=int(inside.sum()), about="other wells of these batches")


def earlier_neighbours(
    before: str | None, profiles: anndata.AnnData, *, k: int, metric: Metric, rows: Codes, device: str | None
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
