"""Mixing: can the batches no longer be told apart? High is well mixed; noise mixes perfectly, so read it beside conservation.

Graph connectivity in three definitions that differ (named): the largest component of each label in the symmetric graph of neighbours
(scib), the largest strong component in the directed one (scib-metrics), and the share of neighbours kept from the profiles before
correction (CellPainTR, Eq. 14; asks for `before`). Silhouette batch: 1 - |s| of batches within each label (scib). 1 - F1 of a batch
classifier, with and without controls (Eq. 15). Their mean is CellPainTR's batch score (Eq. 21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema, wells
from impasto.evaluation import baselines, classify, inputs, neighbours, silhouette
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.silhouette import Metric
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "mixing"
KEPT = "graph connectivity (neighbours kept, Eq. 14)"
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Rows in use, the label, compound and batch of each as codes, which are negative controls, and how a protocol names all that.

    Unlabelled and empty wells are not among the rows. Every negative control carries one label, whatever it is called.
    """

    rows: Codes
    labels: Codes
    compounds: Codes
    batches: Codes
    control: Flags
    words: str

    def part(self, chosen: Flags, /) -> Labelled:
        """The same over some of the rows, codes renumbered without gaps."""
        labels, compounds, batches = (
            np.unique(codes[chosen], return_inverse=True)[1].astype(np.intp) for codes in (self.labels, self.compounds, self.batches)
        )
        return Labelled(self.rows[chosen], labels, compounds, batches, self.control[chosen], self.words)

    def whole(self) -> Flags:
        """All of the rows."""
        return np.ones(len(self.rows), dtype=bool)


def labelled(profiles: anndata.AnnData, /, *, batch: str, label: str, pool_doses: bool) -> Labelled:
    """Rows with a label. Raises InputError where there are fewer than two batches or labels."""
    obs = profiles.obs
    wells.require(obs, [label], task="mixing and conservation")
    word = inputs.batch_word(obs, among=batch)
    by_perturbation = label == schema.PERTURBATION
    text = wells.replicates(obs, pool_doses=pool_doses) if by_perturbation else obs[label].astype("string")
    compound = wells.compounds(obs) if by_perturbation else text
    control = wells.negative(obs)
    codes, _ = inputs.groups(text.mask(control, "negative control"))
    compounds, _ = inputs.groups(compound.mask(control, "negative control"))
    known = (codes >= 0) & (control | wells.treated(obs))
    doses = inputs.dose_words(obs, pool_doses=pool_doses) if by_perturbation else ""
    every = Labelled(np.arange(len(obs)), codes, compounds, wells.groups(obs, word)[0], control, f"batch={word}, label={label}{doses}")
    where = every.part(known)
    if not len(where.rows) or where.labels.max() < 1 or where.control.all():
        raise InputError(f"all rows have one {label}; mixing and conservation need at least two: choose another with --set label=COLUMN")
    return where


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
    seed: int = 0,
    with_baselines: bool = True,
    device: str | None = None,
) -> Result:
    """Scores of mixing, of the profiles, the shortcut baselines and the profiles with shuffled labels.

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
        The file of the profiles before correction.
    k
        Neighbours.
    seed
        Of folds, shuffled labels and bootstrap.
    with_baselines
        Whether baselines are scored too.
    device
        Where neighbours are sought, such as `cuda`; on the processor by default.

    Returns
    -------
    The scores. Raises InputError where there are fewer than two batches or labels.

    """
    one_of(metric, silhouette.METRICS, what="metric")
    profiles = inputs.as_profiles(profiles, task="mixing")
    where = labelled(profiles, batch=batch, label=label, pool_doses=pool_doses)
    values = wells.finite(profiles, task="mixing")
    earlier = earlier_neighbours(before, profiles, k=k, metric=metric, rows=where.rows, device=device)
    scores = []
    for name, view in [(OWN, values), *(baselines.stand_ins(profiles) if with_baselines else [])]:
        kept = earlier if name == OWN else None
        scores += score(view[where.rows], where, metric=metric, k=k, seed=seed, group=name, earlier=kept, device=device)
    if with_baselines:
        order = np.random.default_rng(seed).permutation(len(where.rows))
        codes = (where.labels[order], where.compounds[order], where.batches[order], where.control[order])
        shuffled = Labelled(where.rows, *codes, where.words)
        scores += score(values[where.rows], shuffled, metric=metric, k=k, seed=seed, group=baselines.SHUFFLED, device=device)
    return Result.of(scores)


def score(
    values: Floats,
    where: Labelled,
    /,
    *,
    metric: Metric,
    k: int,
    seed: int,
    group: str,
    earlier: Codes | None = None,
    device: str | None = None,
) -> list[Score]:
    """All scores of mixing of one set of rows (n, width), and their mean (Eq. 21)."""
    name = f"{where.words}, {metric}, k={k}"
    nearest = neighbours.nearest(values, k=k, metric=metric, device=device)
    weak, strong = (neighbours.connectivity(nearest, where.labels, strong=s) for s in (False, True))
    rows = [
        _mean("graph connectivity (scib)", weak, name, group, seed=seed),
        _mean("graph connectivity (scib-metrics)", strong, name, group, seed=seed),
    ]
    if earlier is not None:
        kept = neighbours.overlap(earlier, nearest)
        rows.append(_mean(KEPT, kept, name, group, seed=seed, chance=k / (len(values) - 1)))
    batches = silhouette.of_batches(values, where.labels, where.batches, metric=metric)
    if len(batches):
        rows.append(_mean("silhouette batch", batches, name, group, seed=seed))
    for which, part in _with_and_without(where):
        if part.batches.max() > 0:
            rows.append(_one_minus_f1(values, where, part, name, which, group, seed=seed))
    by_metric = {r.metric: r for r in rows}
    terms = [by_metric.get(KEPT, by_metric["graph connectivity (scib)"])]
    terms += [r for m, r in by_metric.items() if m == "silhouette batch" or m.startswith("1 - F1")]
    return [*rows, mean_score("batch score (Eq. 21)", dict.fromkeys(terms, 1 / len(terms)))]


def mean_score(metric: str, terms: Mapping[Score, float], /) -> Score:
    """A weighted sum of scores. Its interval joins their ends, as if they erred together: no narrower than the true one."""
    first = next(iter(terms))
    low, high = (
        None if any(getattr(s, end) is None for s in terms) else sum(w * getattr(s, end) for s, w in terms.items())
        for end in ("low", "high")
    )
    value = sum(w * s.value for s, w in terms.items())
    return Score(first.task, first.protocol, first.group, metric, value, low, high, None, max(s.n for s in terms))


def _with_and_without(where: Labelled) -> list[tuple[str, Labelled]]:
    everything = [("with controls", where.part(where.whole()))] if where.control.any() else []
    return [*everything, ("without controls", where.part(~where.control))]


def _one_minus_f1(values: Floats, where: Labelled, part: Labelled, name: str, which: str, group: str, *, seed: int) -> Score:
    inside = np.isin(where.rows, part.rows)
    predicted = classify.predict(values[inside], part.batches, folds=classify.stratified(part.batches, seed=seed))
    low, high = classify.interval_of_f1(part.batches, predicted, seed=seed)
    chance = 1 - classify.chance_f1(part.batches, seed=seed)
    value = 1 - classify.macro_f1(part.batches, predicted)
    return Score(TASK, name, group, f"1 - F1 batch ({which})", value, 1 - high, 1 - low, chance, len(predicted))


def _mean(metric: str, values: npt.NDArray[np.float64], name: str, group: str, *, seed: int, chance: float | None = None) -> Score:
    return Score(TASK, name, group, metric, float(values.mean()), *interval(values, seed=seed), chance, len(values))


def earlier_neighbours(
    before: str | None, profiles: anndata.AnnData, *, k: int, metric: Metric, rows: Codes, device: str | None
) -> Codes | None:
    """The neighbours that `rows` had in the table `before`, whose rows are found by their place; None without a table."""
    if before is None:
        return None
    old = tables.read(Path(before))
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
    return neighbours.nearest(wells.finite(old, task="mixing")[place[rows]], k=k, metric=metric, device=device)
