"""Conservation: is biology still there after correction? Clusters, silhouettes, rankings and a classifier of the label.

NMI and ARI compare communities of the graph of neighbours with the label (CellPainTR, Eq. 18, 19). The silhouette of the label is scaled
to 0..1. Replicate mAP is taken against the plate's controls and against its other perturbations (Eq. 12, 13). F1 is that of a label
classifier with and without controls (Eq. 16). Their mean, and overall scores with mixing's, are in `aggregates`.

Protocols: as mixing's. `arevalo` counts replicates at another position only, and has no classifiers.

Perturbations were sampled. A silhouette or ranking is scored again without groups of them. Of the profiles only, 16 random halves of the
perturbations are clustered again. The classifier's interval is over folds, and that of a biology or overall score over the
same halves, on which all of its terms are scored again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import (
    aggregates,
    baselines,
    classify,
    halves,
    inputs,
    labelled,
    mixing,
    neighbours,
    protocols,
    replicates,
    silhouette,
    tidy,
    units,
)
from impasto.evaluation.aggregates import Chosen
from impasto.evaluation.graph_scores import Graph, earlier_neighbours
from impasto.evaluation.inputs import Table
from impasto.evaluation.labelled import Labelled
from impasto.evaluation.layout import layout
from impasto.evaluation.replicate_scores import ReplicateScore
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score
from impasto.statistics import jackknife, resplits
from impasto.statistics.interval import Interval, none
from impasto.statistics.jackknife import LeftOut

TASK = "conservation"
MOST_DISTANCES = 2**22
"""So many rows x labels at most are scored again without groups of perturbations; a larger table gets the t interval."""
Floats = npt.NDArray[np.float32]


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
    resolution: float = 1.0,
    seed: int = 0,
    with_baselines: bool = True,
    device: str | None = None,
    exact: bool = False,
) -> Result:
    """Scores of conservation and the overall scores, of the profiles, the shortcut baselines and shuffled labels.

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
        The file of the profiles before correction, for the aggregate by neighbours kept (Eq. 14).
    k
        Neighbours; 15 by default, 25 in `arevalo`.
    resolution
        Of the communities.
    seed
        Of communities, folds, halves, shuffled labels and groups of perturbations.
    with_baselines
        Whether baselines are scored too.
    device
        Where neighbours are sought and wells compared, such as `cuda`; on the processor by default.
    exact
        Whether all rows of a large table are clustered and classified; else those that mixing draws. Rankings always take all.

    Returns
    -------
    Result
        The scores of conservation, and batch, biology and overall scores.

    Raises
    ------
    InputError
        Fewer than two batches or labels, or no `before` where the protocol compares with it.

    """
    chosen = aggregates.settle(protocol, metric=metric, k=k, before=before)
    profiles = inputs.as_profiles(profiles, task="conservation")
    where = labelled.of(profiles, batch=batch, label=label, pool_doses=pool_doses, with_controls=chosen.with_controls)
    values = wells.finite(profiles, task="conservation")
    drawn = labelled.drawn(where, seed=seed, exact=exact, width=profiles.n_vars)
    earlier = earlier_neighbours(before, profiles, k=chosen.k, metric=metric, rows=drawn.where.rows, device=device)
    views = [(OWN, values, where, drawn.where)]
    if with_baselines:
        views += [(name, v, where, drawn.where) for name, v in baselines.stand_ins(profiles)]
        views.append((baselines.SHUFFLED, values, _shuffled(where, seed=seed), _shuffled(drawn.where, seed=seed)))
    give = partial(score, profiles, chosen=chosen, resolution=resolution, seed=seed, device=device)
    rows = [row for name, view, ranked, spots in views for row in give(view, spots, group=name, ranked=ranked)]
    of_mixing = [(name, view, spots) for name, view, _, spots in views]
    mixed = mixing.scores_of(of_mixing, drawn, chosen=chosen, seed=seed, earlier=earlier, device=device)
    spots = halves.of(drawn.where, seed=seed) if mixing.can_halve(drawn) else []
    on_half = partial(_on_half, profiles, values, drawn.where, chosen=chosen, resolution=resolution, seed=seed, device=device)
    again = aggregates.Again(OWN, drawn.where, [on_half(half, earlier=earlier) for half in spots])
    mixed = aggregates.batch_scores(mixed, chosen.aggregates, again=again)
    return Result.of(aggregates.overall_scores(rows, mixed, chosen.aggregates, again=again))


def _on_half(
    profiles: anndata.AnnData,
    values: Floats,
    where: Labelled,
    half: npt.NDArray[np.bool_],
    /,
    *,
    chosen: Chosen,
    resolution: float,
    seed: int,
    earlier: labelled.Codes | None,
    device: str | None,
) -> dict[str, float]:
    """All terms, those of mixing too, on some of the rows."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    used, own = values[where.rows], where.part(half)
    terms = mixing.on_half(used, where, half, chosen=chosen, seed=seed, earlier=earlier, device=device)
    clusters = Clusters(used, where, metric=chosen.metric, k=chosen.k, resolution=resolution, seed=seed, device=device).of(half)
    terms[aggregates.NMI] = float(normalized_mutual_info_score(own.labels, clusters))
    terms[aggregates.ARI] = float(adjusted_rand_score(own.labels, clusters))
    terms[aggregates.SILHOUETTE_LABEL] = float(_silhouettes(used[half], own.labels, metric=chosen.metric).mean())
    ranked = _ranked(profiles, values, own, position=chosen.protocol == "arevalo", seed=seed, device=device)
    terms |= {metric: scored.value for metric, scored in ranked}
    if chosen.needs(aggregates.LISI_LABEL):
        graph = Graph(used, where, chosen.metric, chosen.k, device)
        terms[aggregates.LISI_LABEL] = float(np.median(graph.labels_around(half)))
    if chosen.protocol != "arevalo":
        terms |= {word: classify.f1_of_one_deal(used[half][rows], codes, seed=seed) for word, rows, codes in _classes(own)}
    return terms


def _shuffled(where: Labelled, *, seed: int) -> Labelled:
    """The same rows with the labels of treated wells shuffled among them."""
    order = np.arange(len(where.rows))
    treated = np.flatnonzero(~where.control)
    order[treated] = np.random.default_rng(seed).permutation(treated)
    return replace(where, labels=where.labels[order], compounds=where.compounds[order])


def score(
    profiles: anndata.AnnData,
    values: Floats,
    where: Labelled,
    /,
    *,
    chosen: Chosen,
    resolution: float,
    seed: int,
    group: str,
    device: str | None = None,
    ranked: Labelled | None = None,
) -> list[Score]:
    """The scores of conservation of one set of rows that the protocol takes.

    Parameters
    ----------
    profiles
        n wells.
    values
        (n, width) what is scored: the profiles, or a baseline.
    where
        Which rows are scored, and their labels, batches and controls.
    chosen
        The protocol.
    resolution
        Of the communities.
    seed
        Of communities, folds, halves and groups of perturbations.
    group
        What the scores are called in the column `group`.
    device
        Where neighbours are sought and wells compared; on the processor by default.
    ranked
        The rows that are ranked, where others are drawn of them for the rest.

    Returns
    -------
    list[Score]
        The scores of the group. A classifier needs two labels that have two rows each.

    """
    name = f"{chosen.prefix}{where.words}, {chosen.metric}, k={chosen.k}, Louvain at {resolution:g}"
    used = values[where.rows]
    many = halves.HALVES if ranked is None or len(ranked.rows) == len(where.rows) else halves.HALVES_OF_DRAWN
    clusters = Clusters(used, where, halves=many, metric=chosen.metric, k=chosen.k, resolution=resolution, seed=seed, device=device)
    rows = clusters.scores(name, group)
    rows.append(_silhouette(used, where, name, group, metric=chosen.metric, seed=seed))
    all_rows = where if ranked is None else ranked
    for metric, scored in _ranked(profiles, values, all_rows, position=chosen.protocol == "arevalo", seed=seed, device=device):
        rows.append(replicates.score_of(scored, name, group, shuffles=0, task=TASK, metric=metric))
    if chosen.needs(aggregates.LISI_LABEL):
        graph = Graph(used, where, chosen.metric, chosen.k, device)
        rows.append(graph.score(aggregates.LISI_LABEL, graph.labels_around, name, group, TASK, seed=seed, middle=np.median))
    return rows if chosen.protocol == "arevalo" else rows + _classifier(used, where, name, group, seed=seed)


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Communities of the graph of neighbours, of all rows or of some.

    Attributes
    ----------
    values
        (n, width).
    where
        What the rows are.
    metric, k, resolution, seed, device
        How neighbours and communities are found.
    halves
        How many halves of the perturbations are clustered again; fewer of rows that were drawn.

    """

    values: Floats = field(kw_only=False)
    where: Labelled = field(kw_only=False)
    metric: Metric
    k: int
    resolution: float
    seed: int
    device: str | None
    halves: int = halves.HALVES

    def scores(self, name: str, group: str, /) -> list[Score]:
        """NMI and ARI of the communities with the labels.

        Parameters
        ----------
        name
            The protocol in words.
        group
            What the scores are called in the column `group`.

        Returns
        -------
        list[Score]
            Both scores. Of the profiles, their intervals are over halves of the perturbations, and each half is clustered by itself.

        """
        from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

        clusters = self.of(self.where.whole())
        chosen = halves.of(self.where, seed=self.seed, many=self.halves) if group == OWN else []
        again = [(self.where.labels[half], self.of(half)) for half in chosen]
        sampled, rng = self.where.sampled(), np.random.default_rng(self.seed)
        rows = []
        for metric, agree, lowest in ((aggregates.NMI, normalized_mutual_info_score, 0.0), (aggregates.ARI, adjusted_rand_score, -1.0)):
            value = float(agree(self.where.labels, clusters))
            interval = self._interval([float(agree(*half)) for half in again], value, lowest)
            chance = float(np.mean([agree(rng.permutation(self.where.labels), clusters) for _ in range(10)]))
            about = f"other {sampled.word}s, clustered again" if interval.low is not None else None
            row = (TASK, name, group, metric, value, interval)
            rows.append(tidy.score(*row, chance=chance, n=len(clusters), about=about))
        return rows

    def of(self, keep: npt.NDArray[np.bool_], /) -> npt.NDArray[np.intp]:
        """The communities of some rows.

        Parameters
        ----------
        keep
            (n,) which rows stay.

        Returns
        -------
        npt.NDArray[np.intp]
            The community of each row that stays.

        """
        nearest = neighbours.nearest(self.values[keep], k=self.k, metric=self.metric, device=self.device)
        return neighbours.communities(nearest, resolution=self.resolution, seed=self.seed)

    def _interval(self, scored: list[float], value: float, lowest: float) -> Interval:
        sampled = self.where.sampled()
        if not scored:
            return none(unit=sampled.word, clusters=len(sampled), method="halves", why="halves are clustered again for the profiles only")
        return resplits.of_halves(np.array(scored), value=value, unit=sampled.word, clusters=len(sampled), lowest=lowest)


def _silhouette(values: Floats, where: Labelled, name: str, group: str, *, metric: Metric, seed: int) -> Score:
    """The mean over rows of the silhouette of the label, scaled to 0..1."""
    width, sampled = _silhouettes(values, where.labels, metric=metric), where.sampled()
    value = float(width.mean())
    left: list[LeftOut] = []
    if len(values) * (int(where.labels.max()) + 1) <= MOST_DISTANCES:
        total = silhouette.summed(values, where.labels, metric=metric)

        def score(keep: npt.NDArray[np.bool_]) -> float:
            gone = np.unique(where.labels[~where.without(keep)])
            return float((silhouette.without(total, where.labels, gone).mean() + 1) / 2)

        left = [jackknife.leave_out(score, len(sampled), seed=seed)]
        interval = jackknife.of_score(left, unit=sampled.word)
    else:
        interval = units.mean_over(width[~where.control], sampled, value=value)
    row = (TASK, name, group, aggregates.SILHOUETTE_LABEL, value, interval)
    return tidy.score(*row, chance=None, n=len(width), parts=left, units=sampled.digest)


def _silhouettes(values: Floats, labels: labelled.Codes, *, metric: Metric) -> npt.NDArray[np.float64]:
    """(rows,) scaled to 0..1."""
    return np.asarray((silhouette.samples(values, labels, metric=metric) + 1) / 2)


def _ranked(
    profiles: anndata.AnnData, values: Floats, where: Labelled, *, position: bool, seed: int, device: str | None
) -> Iterator[tuple[str, ReplicateScore]]:
    """Replicate mAP against the plate's controls, and against the plate's other labels; `position`: only of replicates at another one."""
    labels, compound = np.full(profiles.n_obs, None, dtype=object), np.full(profiles.n_obs, -1, dtype=np.intp)
    labels[where.rows], compound[where.rows] = where.labels.astype(str), where.compounds
    spots = layout(
        profiles.obs, level="position" if position else "any", labels=pd.Series(labels, index=profiles.obs.index, dtype="string")
    )
    spots, vectors = replace(spots, compound=compound), ranking.unit(values)
    rankings: tuple[tuple[str, protocols.Ranked], ...] = (
        (aggregates.MAP_CONTROL, "plate-controls"),
        (aggregates.MAP_OTHERS, "plate-others"),
    )
    for metric, protocol in rankings:
        detail = replicates.average_precisions(vectors, spots, protocol=protocol, device=device)
        if not detail.empty:
            yield metric, replicates.of_detail(detail, vectors, spots, profiles.obs, protocol=protocol, seed=seed)


def _classifier(values: Floats, where: Labelled, name: str, group: str, *, seed: int) -> list[Score]:
    scores = []
    for metric, rows, codes in _classes(where):
        value, interval = classify.repeated_f1(values[rows], codes, seed=seed)
        chance = classify.chance_f1(codes, seed=seed)
        row = (TASK, name, group, metric, value, interval)
        scores.append(tidy.score(*row, chance=chance, n=len(codes), about="other wells of these perturbations"))
    return scores


def _classes(where: Labelled) -> Iterator[tuple[str, npt.NDArray[np.bool_], labelled.Codes]]:
    """With and without controls: the name of F1, the rows that are classified, and their classes."""
    with_controls = [(aggregates.WITH, where.whole())] if where.control.any() else []
    for kind, chosen in [*with_controls, (aggregates.WITHOUT, ~where.control)]:
        # A label seen once can never be predicted from the other rows.
        often = np.bincount(where.labels[chosen], minlength=where.labels.max() + 1)[where.labels] > 1
        inside = chosen & often
        if len(np.unique(where.labels[inside])) > 1:
            yield f"{aggregates.F1_LABEL} ({kind})", inside, where.part(inside).labels
