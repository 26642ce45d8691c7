"""Mechanism of action by the nearest neighbour, never of the same compound, and never of the same batch.

Treatments (a compound at a concentration) are averaged over their rows; each is given the mechanism of the treatment of another
compound that is nearest by cosine (Ljosa et al. 2013, not-same-compound, NSC), and of another compound in another batch (Ando et al.
2017, not-same-compound-or-batch, NSB; treatments are then averaged within each batch). A treatment counts only where a right answer is
among its candidates. `classify_by` adds a logistic regression of the mechanism on rows, trained on all values of a column but one and
tested on that one: an easier question, since one compound may stand on both sides.
"""

from __future__ import annotations

import warnings

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.evaluation import baselines, inputs
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

TASK = "mechanism"
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    label: str = schema.MOA,
    batch: str = "auto",
    batch_pattern: str = "",
    statistic: str = "mean",
    classify_by: str = "",
    draws: int = 200,
    seed: int = 0,
    group: str = "profiles",
) -> list[Score]:
    """NSC and NSB accuracy, and with `classify_by` the balanced accuracy of a classifier; chance deals mechanisms to compounds anew.

    `batch_pattern`: a regular expression whose match in the batch column is the batch (`"^[^_]+"`: what stands before the `_`).
    Raises InputError where there is no mechanism, or no two compounds share one.
    """
    tables.require(profiles, schema.PERTURBATION, label, task="matching mechanisms")
    values = inputs.finite(profiles)
    rows = np.flatnonzero(inputs.is_treated(profiles.obs) & profiles.obs[label].notna().to_numpy())
    if not len(rows):
        raise InputError(f"no treated row has a {label}; join the annotation with --platemap")
    obs = _keys(profiles.obs.iloc[rows], label=label, batch=batch, pattern=batch_pattern)
    views = [(group, values[rows])]
    views += [(name, view[rows]) for name, view in baselines.stand_ins(profiles)]
    scores: list[Score] = []
    for name, view in views:
        for across in (False, True):
            scores += _nearest(view, obs, statistic=statistic, across=across, draws=draws, seed=seed, group=name)
        if classify_by:
            everywhere = np.flatnonzero(profiles.obs[label].notna().to_numpy())
            mine = values if name == group else dict(baselines.stand_ins(profiles))[name]
            told = profiles.obs.iloc[everywhere]
            scores.append(_classified(mine[everywhere], told, label=label, by=classify_by, seed=seed, group=name))
    if not scores:
        raise InputError(f"no two compounds share a {label}, so none can be found by another")
    return scores


def _keys(obs: pd.DataFrame, *, label: str, batch: str, pattern: str) -> pd.DataFrame:
    """Compound, treatment, mechanism and batch of each row, as strings; one batch where the table knows none."""
    compound = tables.identity(obs).astype(str)
    dose = obs[schema.CONCENTRATION].astype(str) if schema.CONCENTRATION in obs else ""
    try:
        batches = obs[inputs.batch_word(obs, among=batch)].astype(str)
    except InputError:
        batches = pd.Series("", index=obs.index)
    if pattern:
        found = batches.str.extract(f"({pattern})", expand=True)[0]
        if found.isna().any():
            raise InputError(f"batch_pattern {pattern!r} does not match {batches[found.isna()].iloc[0]!r}")
        batches = found
    return pd.DataFrame({"compound": compound, "treatment": compound + "|" + dose, "mechanism": obs[label].astype(str), "batch": batches})


def _nearest(values: Floats, obs: pd.DataFrame, *, statistic: str, across: bool, draws: int, seed: int, group: str) -> list[Score]:
    by = ["treatment", "batch"] if across else ["treatment"]
    codes = obs.groupby(by, sort=True).ngroup().to_numpy()
    first = obs.iloc[np.unique(codes, return_index=True)[1]]
    vectors = ranking.unit(inputs.consensus(values, codes, statistic=statistic))
    compound, batch = (pd.factorize(first[word], sort=True)[0] for word in ("compound", "batch"))
    allowed: Flags = compound[:, None] != compound[None, :]
    if across:
        allowed &= batch[:, None] != batch[None, :]
    similarity = np.where(allowed, vectors @ vectors.T, -np.inf)
    found = similarity.argmax(axis=1)
    mechanism = pd.factorize(first["mechanism"], sort=True)[0]
    right = _right(mechanism, allowed, found)
    if not len(right):
        return []
    rng = np.random.default_rng(seed)
    chance = [_right(_dealt(mechanism, compound, rng), allowed, found).mean() for _ in range(draws)]
    name = f"{'not same compound, not same batch' if across else 'not same compound'}, 1-NN, {statistic}"
    value = float(right.mean())
    return [
        Score(
            TASK,
            name,
            group,
            f"accuracy {'NSB' if across else 'NSC'}",
            value,
            *interval(right, seed=seed),
            float(np.nanmean(chance)),
            len(right),
        )
    ]


def _right(mechanism: npt.NDArray[np.intp], allowed: Flags, found: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Whether the nearest has the same mechanism, of the treatments for which some candidate has."""
    answerable = (allowed & (mechanism[:, None] == mechanism[None, :])).any(axis=1)
    return (mechanism[found] == mechanism)[answerable].astype(np.float64)


def _dealt(mechanism: npt.NDArray[np.intp], compound: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The mechanisms dealt to the compounds anew: all treatments of a compound keep one."""
    own = np.zeros(compound.max() + 1, dtype=np.intp)
    own[compound] = mechanism
    return np.asarray(rng.permutation(own)[compound])


def _classified(values: Floats, obs: pd.DataFrame, *, label: str, by: str, seed: int, group: str) -> Score:
    """Balanced accuracy over rows, controls a class like the others, each row predicted by a model that never saw its part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import recall_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if by not in obs:
        raise InputError(
            f"classify_by names no column {by!r}{schema.nearest(by, obs.columns)}; the profiles have {schema.listed(obs.columns)}"
        )
    parts, truth = obs[by].astype(str).to_numpy(), obs[label].astype(str).to_numpy()
    predicted = np.full(len(truth), "", dtype=object)
    for part in np.unique(parts):
        test = parts == part
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, class_weight="balanced", C=0.1))
        with warnings.catch_warnings():
            # A fit that has not settled to the last digit predicts as well.
            warnings.simplefilter("ignore")
            predicted[test] = model.fit(values[~test], truth[~test]).predict(values[test])
    classes = np.unique(truth)
    per_class = recall_score(truth, predicted.astype(str), labels=classes, average=None, zero_division=0.0)
    rng = np.random.default_rng(seed)
    again = []
    for _ in range(200):
        rows = rng.integers(0, len(truth), len(truth))
        there = np.unique(truth[rows])
        again.append(recall_score(truth[rows], predicted[rows].astype(str), labels=there, average="macro", zero_division=0.0))
    low, high = np.quantile(again, [0.025, 0.975])
    name = f"logistic regression across {by}, rows, {len(classes)} classes"
    return Score(TASK, name, group, "balanced accuracy", float(np.mean(per_class)), float(low), float(high), 1 / len(classes), len(truth))
