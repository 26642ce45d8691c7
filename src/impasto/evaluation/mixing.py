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
classifier's interval is over folds, and that of a batch score over halves of the perturbations. Nothing here speaks of other batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from impasto import schema, wells
from impasto.evaluation import aggregates, baselines, classify, graph_scores, halves, inputs, labelled, protocols, tidy
from impasto.evaluation.aggregates import Chosen
from impasto.evaluation.graph_scores import Graph, earlier_neighbours
from impasto.evaluation.inputs import Table
from impasto.evaluation.labelled import Codes, Drawn, Flags, Floats, Labelled
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score

TASK = "mixing"


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: protocols.Correction = "cellpaintr",
    batch: str = "auto",
    label: str = schema.PERTURBATION,
    pool_doses: bool = False,
    metric: Metric = "cosine",
    before: str | Path | None = None,
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
    everything = labelled.of(profiles, batch=batch, label=label, pool_doses=pool_doses, with_controls=chosen.with_controls)
    values = wells.finite(profiles, task="mixing")
    scored = labelled.drawn(everything, seed=seed, exact=exact, width=profiles.n_vars)
    where = scored.where
    earlier = earlier_neighbours(before, profiles, k=chosen.k, metric=metric, rows=where.rows, device=device)
    views = [(OWN, values, where), *((name, view, where) for name, view in (baselines.stand_ins(profiles) if with_baselines else []))]
    if with_baselines:
        order = np.random.default_rng(seed).permutation(len(where.rows))
        codes = (where.labels[order], where.compounds[order], where.batches[order], where.control[order])
        views.append((baselines.SHUFFLED, values, Labelled(where.rows, *codes, where.words, where.names, where.unit)))
    rows = scores_of(views, scored, chosen=chosen, seed=seed, earlier=earlier, device=device)
    used = values[where.rows]
    spots = halves.of(where, seed=seed) if can_halve(scored) else []
    terms = [on_half(used, where, half, chosen=chosen, seed=seed, earlier=earlier, device=device) for half in spots]
    return Result.of(aggregates.batch_scores(rows, chosen.aggregates, again=aggregates.Again(OWN, where, terms)))


def can_halve(scored: Drawn, /) -> bool:
    """Whether the terms are scored again on halves of the perturbations.

    Parameters
    ----------
    scored
        The rows that are scored.

    Returns
    -------
    bool
        False where they were drawn of more, or are too many.

    """
    return scored.whole is None and len(scored.where.rows) <= graph_scores.MOST_ROWS


def on_half(
    values: Floats, where: Labelled, half: Flags, /, *, chosen: Chosen, seed: int, earlier: Codes | None, device: str | None
) -> dict[str, float]:
    """The terms of mixing on some of the rows.

    Parameters
    ----------
    values
        (n, width) of all rows that are scored.
    where
        What the n rows are.
    half
        (n,) which rows stay.
    chosen
        The protocol.
    seed
        Of folds.
    earlier
        (n, wide) neighbours before correction.
    device
        Where neighbours are sought.

    Returns
    -------
    dict[str, float]
        Metric -> its score.

    """
    graph = Graph(values, where, chosen.metric, chosen.k, device)
    terms = {word: float(middle(scored)) for word, part, middle in _terms(graph, chosen, earlier) if len(scored := part(half))}
    for which, part in _with_and_without(where.part(half)):
        if part.batches.max() > 0 and chosen.needs(word := f"{aggregates.F1_BATCH} ({which})"):
            terms[word] = 1 - classify.f1_of_one_deal(values[np.isin(where.rows, part.rows)], part.batches, seed=seed)
    return terms


def _terms(
    graph: Graph, chosen: Chosen, earlier: Codes | None
) -> Iterator[tuple[str, Callable[[Flags], npt.NDArray[np.float64]], Callable[[npt.NDArray[np.float64]], np.floating]]]:
    """Of each term that is no classifier's: its name, what gives it of the rows that stay, and mean or median."""
    if chosen.takes(aggregates.CONNECTED):
        yield aggregates.CONNECTED, graph.connectivity, np.mean
    if chosen.takes(aggregates.STRONG):
        yield aggregates.STRONG, graph.strong_connectivity, np.mean
    if earlier is not None and chosen.takes(aggregates.NEIGHBOURS_KEPT):
        yield aggregates.NEIGHBOURS_KEPT, partial(graph.kept, earlier=earlier), np.mean
    if chosen.takes(aggregates.SILHOUETTE_BATCH) and len(graph.silhouette(graph.where.whole())):
        yield aggregates.SILHOUETTE_BATCH, graph.silhouette, np.mean
    if chosen.needs(aggregates.KBET):
        yield aggregates.KBET, graph.accepted, np.mean
        yield aggregates.LISI_BATCH, graph.batches_around, np.median


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
    by_chance = {aggregates.NEIGHBOURS_KEPT: k / (len(values) - 1)}
    rows = [
        graph.score(word, part, name, group, TASK, seed=seed, chance=by_chance.get(word), middle=middle)
        for word, part, middle in _terms(graph, chosen, earlier)
    ]
    for which, part in _with_and_without(where):
        if part.batches.max() > 0 and chosen.takes(f"{aggregates.F1_BATCH} ({which})"):
            rows.append(_one_minus_f1(values, where, part, name, which, group, seed=seed))
    return rows


def _with_and_without(where: Labelled) -> list[tuple[str, Labelled]]:
    everything = [(aggregates.WITH, where.part(where.whole()))] if where.control.any() else []
    return [*everything, (aggregates.WITHOUT, where.part(~where.control))]


def _one_minus_f1(values: Floats, where: Labelled, part: Labelled, name: str, which: str, group: str, *, seed: int) -> Score:
    inside = np.isin(where.rows, part.rows)
    value, interval = classify.repeated_f1(values[inside], part.batches, seed=seed, turned=True)
    chance = 1 - classify.chance_f1(part.batches, seed=seed)
    row = (TASK, name, group, f"{aggregates.F1_BATCH} ({which})", value, interval)
    return tidy.score(*row, chance=chance, n=int(inside.sum()), about="other wells of these batches")
