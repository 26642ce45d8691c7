"""Mixing: are the batches told apart no more? High is well mixed; noise mixes perfectly, so read it beside conservation.

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
from impasto import schema
from impasto.evaluation import baselines, classify, inputs, neighbours, silhouette
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "mixing"
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Labelled:
    """Rows in use, the label and batch of each as codes, and which are negative controls."""

    rows: Codes
    labels: Codes
    batches: Codes
    control: npt.NDArray[np.bool_]
    batch_word: str
    label_word: str

    def part(self, chosen: npt.NDArray[np.bool_], /) -> Labelled:
        """The same over some of the rows, codes renumbered without gaps."""
        labels = np.unique(self.labels[chosen], return_inverse=True)[1].astype(np.intp)
        batches = np.unique(self.batches[chosen], return_inverse=True)[1].astype(np.intp)
        return Labelled(self.rows[chosen], labels, batches, self.control[chosen], self.batch_word, self.label_word)


def labelled(profiles: anndata.AnnData, /, *, batch: str, label: str) -> Labelled:
    """Rows with a label. Raises InputError where there are fewer than two batches or labels."""
    obs = profiles.obs
    tables.require(profiles, label, task="mixing and conservation")
    word = inputs.batch_word(obs, among=batch)
    text = tables.identity(obs) if label == schema.PERTURBATION else obs[label].astype("string")
    control = (obs[schema.CONTROL_TYPE].astype(str) == schema.NEGCON).to_numpy() if schema.CONTROL_TYPE in obs else np.zeros(len(obs), bool)
    # Every negative control carries one label, whatever it is called.
    codes, _ = inputs.groups(text.mask(control, "negative control"))
    known = (codes >= 0) & (control | inputs.is_treated(obs))
    batches, _ = inputs.groups(obs[word].astype("string").fillna("unknown"))
    found = Labelled(np.arange(len(obs)), codes, batches, control, word, label).part(known)
    if found.labels.max() < 1 or not (~found.control).any():
        raise InputError(f"all rows have one {label}; mixing and conservation need at least two: choose another with --set label=COLUMN")
    return found


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    batch: str = "auto",
    label: str = schema.PERTURBATION,
    metric: str = "cosine",
    before: str | None = None,
    k: int = 15,
    seed: int = 0,
    group: str = "profiles",
    with_baselines: bool = True,
    device: str | None = None,
) -> list[Score]:
    """Scores of mixing, of the profiles, the shortcut baselines and the profiles with labels dealt anew.

    `metric`: cosine (Arevalo) or euclidean (scib's default), for neighbours and silhouettes. `device`: where neighbours are sought, such
    as "cuda"; on the processor by default.
    """
    one_of(metric, silhouette.METRICS, what="metric")
    where = labelled(profiles, batch=batch, label=label)
    values = inputs.finite(profiles)
    earlier = earlier_neighbours(before, profiles, k=k, metric=metric, rows=where.rows, device=device)
    scores = []
    for name, view in [(group, values), *(baselines.stand_ins(profiles) if with_baselines else [])]:
        kept = earlier if name == group else None
        scores += score(view[where.rows], where, metric=metric, k=k, seed=seed, group=name, earlier=kept, device=device)
    if not with_baselines:
        return scores
    dealt = np.random.default_rng(seed).permutation(len(where.rows))
    shuffled = Labelled(where.rows, where.labels[dealt], where.batches[dealt], where.control[dealt], where.batch_word, label)
    return scores + score(values[where.rows], shuffled, metric=metric, k=k, seed=seed, group="shuffled labels", device=device)


def score(
    values: Floats,
    where: Labelled,
    /,
    *,
    metric: str,
    k: int,
    seed: int,
    group: str,
    earlier: Codes | None = None,
    device: str | None = None,
) -> list[Score]:
    """All scores of mixing of one set of rows (n, width), and their mean (Eq. 21)."""
    name = f"batch={where.batch_word}, label={where.label_word}, {metric}, k={k}"
    found = neighbours.nearest(values, k=k, metric=metric, device=device)
    weak, strong = (neighbours.connectivity(found, where.labels, strong=s) for s in (False, True))
    rows = [
        _mean("graph connectivity (scib)", weak, name, group, seed=seed),
        _mean("graph connectivity (scib-metrics)", strong, name, group, seed=seed),
    ]
    if earlier is not None:
        kept = neighbours.overlap(earlier, found)
        rows.append(_mean("graph connectivity (neighbours kept, Eq. 14)", kept, name, group, seed=seed, chance=k / (len(values) - 1)))
    batches = silhouette.of_batches(values, where.labels, where.batches, metric=metric)
    if len(batches):
        rows.append(_mean("silhouette batch", batches, name, group, seed=seed))
    for told, part in _with_and_without(where):
        if part.batches.max() > 0:
            rows.append(_one_minus_f1(values, where, part, name, told, group, seed=seed))
    by_metric = {r.metric: r for r in rows}
    terms = [by_metric.get("graph connectivity (neighbours kept, Eq. 14)", by_metric["graph connectivity (scib)"])]
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
    everything = [("with controls", where.part(np.ones(len(where.rows), dtype=bool)))] if where.control.any() else []
    return [*everything, ("without controls", where.part(~where.control))]


def _one_minus_f1(values: Floats, where: Labelled, part: Labelled, name: str, told: str, group: str, *, seed: int) -> Score:
    inside = np.isin(where.rows, part.rows)
    predicted = classify.predict(values[inside], part.batches, folds=classify.stratified(part.batches, seed=seed))
    low, high = classify.interval_of_f1(part.batches, predicted, seed=seed)
    chance = 1 - classify.chance_f1(part.batches, seed=seed)
    value = 1 - classify.macro_f1(part.batches, predicted)
    return Score(TASK, name, group, f"1 - F1 batch ({told})", value, 1 - high, 1 - low, chance, len(predicted))


def _mean(metric: str, values: npt.NDArray[np.float64], name: str, group: str, *, seed: int, chance: float | None = None) -> Score:
    return Score(TASK, name, group, metric, float(values.mean()), *interval(values, seed=seed), chance, len(values))


def earlier_neighbours(
    before: str | None, profiles: anndata.AnnData, *, k: int, metric: str, rows: Codes, device: str | None
) -> Codes | None:
    """The neighbours that `rows` had in the table `before`, whose rows are found by their place; None without a table."""
    if before is None:
        return None
    old = tables.read(Path(before))
    # Medians a compound and source have no well: what was done to the cells is then part of their place.
    places = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE, schema.PERTURBATION)
    words = [w for w in places if w in old.obs and w in profiles.obs]
    was, now = (pd.MultiIndex.from_frame(t.obs[words].astype(str)) if words else pd.Index([""] * t.n_obs) for t in (old, profiles))
    if was.is_unique and now.isin(was).all():
        place = was.get_indexer(now)
    elif list(was) == list(now):
        place = np.arange(len(now))
    else:
        raise InputError(f"{before} does not hold the same wells; before and after must be the same table, or one a part of the other")
    return neighbours.nearest(inputs.finite(old)[place[rows]], k=k, metric=metric, device=device)
