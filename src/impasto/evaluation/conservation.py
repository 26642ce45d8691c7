"""Conservation: is biology still there after correction? Clusters, silhouettes, rankings and a classifier of the label.

NMI and ARI of communities of the graph of neighbours against the label (CellPainTR, Eq. 18, 19), silhouette of the label scaled to
0..1, replicate mAP against the plate's controls and against its other perturbations (Eq. 12, 13), F1 of a label classifier with and
without controls (Eq. 16); their mean (Eq. 22); and overall scores with mixing's: .5/.5 (Eq. 23) and .4/.6 (Arevalo et al. 2024).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, classify, inputs, mixing, neighbours, replicates, silhouette
from impasto.evaluation.inputs import Table
from impasto.evaluation.layout import layout
from impasto.evaluation.mixing import Labelled
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score, interval
from impasto.schema import one_of

TASK = "conservation"
Floats = npt.NDArray[np.float32]


def evaluate(
    profiles: Table,
    /,
    *,
    batch: str = "auto",
    label: str = schema.PERTURBATION,
    pool_doses: bool = False,
    metric: Metric = "cosine",
    before: str | None = None,
    k: int = 15,
    resolution: float = 1.0,
    seed: int = 0,
    with_baselines: bool = True,
    device: str | None = None,
) -> Result:
    """Scores of conservation and the overall scores, of the profiles, the shortcut baselines and shuffled labels.

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
    metric
        Of neighbours and silhouettes: cosine (Arevalo) or euclidean (scib's default).
    before
        The file of the profiles before correction; it makes the batch score that of Eq. 21, neighbours kept (Eq. 14) included.
    k
        Neighbours.
    resolution
        Of the communities.
    seed
        Of communities, folds, shuffled labels and bootstrap.
    with_baselines
        Whether baselines are scored too.
    device
        Where neighbours are sought and wells compared, such as `cuda`; on the processor by default.

    Returns
    -------
    The scores. Raises InputError where there are fewer than two batches or labels.

    """
    one_of(metric, silhouette.METRICS, what="metric")
    profiles = inputs.as_profiles(profiles, task="conservation")
    where = mixing.labelled(profiles, batch=batch, label=label, pool_doses=pool_doses)
    values = wells.finite(profiles, task="conservation")
    kept = mixing.earlier_neighbours(before, profiles, k=k, metric=metric, rows=where.rows, device=device)
    views = [(OWN, values, where)]
    if with_baselines:
        views += [(name, v, where) for name, v in baselines.stand_ins(profiles)]
        views.append((baselines.SHUFFLED, values, _shuffled(where, seed=seed)))
    give = partial(score, profiles, metric=metric, k=k, resolution=resolution, seed=seed, device=device)
    return Result.of([s for name, v, spots in views for s in give(v, spots, group=name, earlier=kept if name == OWN else None)])


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
    metric: Metric,
    k: int,
    resolution: float,
    seed: int,
    group: str,
    earlier: mixing.Codes | None = None,
    device: str | None = None,
) -> list[Score]:
    """All scores of conservation of one set of rows, their mean, and the overall scores."""
    name = f"{where.words}, {metric}, k={k}, Louvain at {resolution:g}"
    used = values[where.rows]
    nearest = neighbours.nearest(used, k=k, metric=metric, device=device)
    rows = _clusters(neighbours.communities(nearest, resolution=resolution, seed=seed), where, name, group, seed=seed)
    width = (silhouette.samples(used, where.labels, metric=metric) + 1) / 2
    rows.append(Score(TASK, name, group, "silhouette label", float(width.mean()), *interval(width, seed=seed), None, len(width)))
    rows += _rankings(profiles, values, where, name, group, seed=seed, device=device)
    rows += _classifier(used, where, name, group, seed=seed)
    biology = mixing.mean_score("biology score (Eq. 22)", dict.fromkeys(rows, 1 / len(rows)))
    of_batches = mixing.score(used, where, metric=metric, k=k, seed=seed, group=group, earlier=earlier, device=device)
    mixed = replace(of_batches[-1], task=TASK, protocol=name)
    totals = [
        mixed,
        biology,
        mixing.mean_score("overall (.5 batch + .5 biology, Eq. 23)", {mixed: 0.5, biology: 0.5}),
        mixing.mean_score("overall (.4 batch + .6 biology, Arevalo)", {mixed: 0.4, biology: 0.6}),
    ]
    return rows + totals


def _clusters(clusters: npt.NDArray[np.intp], where: Labelled, name: str, group: str, *, seed: int) -> list[Score]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    rng = np.random.default_rng(seed)
    n = len(clusters)
    scores = []
    for metric, agree in (("NMI", normalized_mutual_info_score), ("ARI", adjusted_rand_score)):
        # Half-samples without replacement: a row drawn twice would agree with itself.
        halves = [agree(where.labels[r], clusters[r]) for r in (rng.choice(n, n // 2, replace=False) for _ in range(50))]
        value = float(agree(where.labels, clusters))
        spread = 1.96 * float(np.std(halves, ddof=1))
        chance = float(np.mean([agree(rng.permutation(where.labels), clusters) for _ in range(10)]))
        scores.append(Score(TASK, name, group, f"clusters {metric}", value, value - spread, value + spread, chance, n))
    return scores


def _rankings(
    profiles: anndata.AnnData, values: Floats, where: Labelled, name: str, group: str, *, seed: int, device: str | None
) -> list[Score]:
    """Replicate mAP against the plate's controls, and against the plate's other labels."""
    labels, compound = np.full(profiles.n_obs, None, dtype=object), np.full(profiles.n_obs, -1, dtype=np.intp)
    labels[where.rows], compound[where.rows] = where.labels.astype(str), where.compounds
    spots = layout(profiles.obs, level="any", labels=pd.Series(labels, index=profiles.obs.index, dtype="string"))
    spots, vectors = replace(spots, compound=compound), ranking.unit(values)
    scores = []
    rankings: tuple[tuple[str, replicates.Protocol], ...] = (("mAP control", "plate-controls"), ("mAP non-replicate", "plate-others"))
    for metric, protocol in rankings:
        detail = replicates.average_precisions(vectors, spots, protocol=protocol, device=device)
        if not detail.empty:
            per = detail.groupby(schema.PERTURBATION)[["average_precision", "chance"]].mean()
            own = per["average_precision"].to_numpy()
            low, high = interval(own, seed=seed)
            scores.append(Score(TASK, name, group, metric, float(own.mean()), low, high, float(per["chance"].mean()), len(own)))
    return scores


def _classifier(values: Floats, where: Labelled, name: str, group: str, *, seed: int) -> list[Score]:
    scores = []
    with_controls = [("with controls", where.whole())] if where.control.any() else []
    for kind, chosen in [*with_controls, ("without controls", ~where.control)]:
        # A label seen once can never be predicted from the other rows.
        often = np.bincount(where.labels[chosen], minlength=where.labels.max() + 1)[where.labels] > 1
        inside = chosen & often
        if len(np.unique(where.labels[inside])) < 2:
            continue
        codes = where.part(inside).labels
        predicted = classify.predict(values[inside], codes, folds=classify.stratified(codes, seed=seed))
        low, high = classify.interval_of_f1(codes, predicted, seed=seed)
        value, chance = classify.macro_f1(codes, predicted), classify.chance_f1(codes, seed=seed)
        scores.append(Score(TASK, name, group, f"F1 label ({kind})", value, low, high, chance, len(codes)))
    return scores
