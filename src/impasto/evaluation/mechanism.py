"""Mechanism of action by the nearest neighbour, never of the same compound, and never of the same batch.

Treatments (a compound at a dose) are averaged over their rows; each is given the mechanism of the treatment of another
compound that is nearest by cosine (Ljosa et al. 2013, not-same-compound, NSC), and of another compound in another batch (Ando et al.
2017, not-same-compound-or-batch, NSB; treatments are then averaged within each batch). A compound is one molecule, whatever its name
and dose (`wells.compounds`). A treatment counts only where a right answer is among its candidates. `classify_by` adds a logistic
regression of the mechanism on rows, trained on all values of a column but one and tested on that one: an easier question, since one
compound may stand on both sides.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

TASK = "mechanism"
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def evaluate(
    profiles: Table,
    /,
    *,
    label: str = schema.MOA,
    batch: str = "auto",
    batch_pattern: str = "",
    pool_doses: bool = False,
    statistic: Statistic = "mean",
    classify_by: str = "",
    draws: int = 200,
    seed: int = 0,
) -> Result:
    """NSC and NSB accuracy, and with `classify_by` the balanced accuracy of a classifier; chance shuffles mechanisms over compounds.

    Parameters
    ----------
    profiles
        One row a well.
    label
        The column of mechanisms.
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    batch_pattern
        A regular expression whose match in the batch column is the batch (`"^[^_]+"`: what stands before the `_`).
    pool_doses
        Whether all doses of a compound are one treatment.
    statistic
        How the rows of a treatment are averaged.
    classify_by
        The column whose values the classifier is tested over; none by default.
    draws
        Shuffles that give chance.
    seed
        Of shuffles and bootstrap.

    Returns
    -------
    The scores; `per_group`, one row a treatment that can be answered (its nearest, and whether that is right).
    Raises InputError where there is no mechanism, or no two compounds share one.

    """
    profiles = inputs.as_profiles(profiles, task="matching mechanisms")
    wells.require(profiles.obs, [schema.PERTURBATION, label], task="matching mechanisms")
    values = wells.finite(profiles, task="matching mechanisms")
    known = profiles.obs[label].notna().to_numpy()
    rows = np.flatnonzero(wells.treated(profiles.obs) & known)
    if not len(rows):
        raise InputError(f"no treated row has a {label}; join the annotation with --platemap")
    keys = _keys(profiles.obs, label=label, batch=batch, pattern=batch_pattern, pool_doses=pool_doses, rows=rows)
    doses = inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    labelled = np.flatnonzero(known & ~wells.unknown(profiles.obs))
    scores: list[Score] = []
    details: list[pd.DataFrame] = []
    for name, view in [(OWN, values), *baselines.stand_ins(profiles)]:
        for across in (False, True):
            score, detail = _nearest(view[rows], keys, statistic=statistic, across=across, draws=draws, seed=seed, group=name, doses=doses)
            scores += score
            details.append(detail.assign(profiles=name))
        if classify_by:
            obs = profiles.obs.iloc[labelled]
            scores.append(_classified(view[labelled], obs, label=label, by=classify_by, seed=seed, group=name))
    if not scores:
        raise InputError(f"no two compounds share a {label}, so none can be found by another")
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True))


def _keys(obs: pd.DataFrame, *, label: str, batch: str, pattern: str, pool_doses: bool, rows: npt.NDArray[np.intp]) -> pd.DataFrame:
    """Compound, treatment, mechanism and batch of the chosen rows, as strings; one batch where the table knows none."""
    compound = wells.compounds(obs).iloc[rows].astype(str)
    treatment = compound if pool_doses else compound + "|" + _dose(obs).iloc[rows]
    try:
        word = inputs.batch_word(obs.iloc[rows], among=batch)
        codes, names = wells.groups(obs, word)
        batches = pd.Series(np.array(names, dtype=object)[codes], index=obs.index).iloc[rows]
        written = obs[word].iloc[rows].astype(str)
    except InputError:
        batches = written = pd.Series("", index=obs.index).iloc[rows]
    if pattern:
        matched = written.str.extract(f"({pattern})", expand=True)[0]
        if matched.isna().any():
            raise InputError(f"batch_pattern {pattern!r} does not match {written[matched.isna()].iloc[0]!r}")
        batches = matched
    mechanism = obs[label].iloc[rows].astype(str)
    return pd.DataFrame({"compound": compound, "treatment": treatment, "mechanism": mechanism, "batch": batches})


def _dose(obs: pd.DataFrame) -> pd.Series:
    """What tells two treatments of one compound apart (n,): the dose, or the name (which may hold it) where no dose is given."""
    named = wells.replicates(obs).astype(str)
    if schema.CONCENTRATION not in obs:
        return named
    return pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").map("{:g}".format, na_action="ignore").astype(object).fillna(named)


def _nearest(
    values: Floats, keys: pd.DataFrame, *, statistic: Statistic, across: bool, draws: int, seed: int, group: str, doses: str
) -> tuple[list[Score], pd.DataFrame]:
    """The score (none where nothing can be answered), and one row a treatment."""
    by = ["treatment", "batch"] if across else ["treatment"]
    codes = keys.groupby(by, sort=True).ngroup().to_numpy()
    first = keys.iloc[np.unique(codes, return_index=True)[1]]
    vectors = ranking.unit(inputs.consensus(values, codes, statistic=statistic))
    compound, batch = (pd.factorize(first[word], sort=True)[0] for word in ("compound", "batch"))
    allowed: Flags = compound[:, None] != compound[None, :]
    if across:
        allowed &= batch[:, None] != batch[None, :]
    nearest = np.where(allowed, vectors @ vectors.T, -np.inf).argmax(axis=1)
    mechanism = pd.factorize(first["mechanism"], sort=True)[0]
    right = _right(mechanism, allowed, nearest)
    if not len(right):
        return [], pd.DataFrame()
    rng = np.random.default_rng(seed)
    chance = [_right(_shuffled(mechanism, compound, rng), allowed, nearest).mean() for _ in range(draws)]
    rule = "not same compound, not same batch" if across else "not same compound"
    name, metric = f"{rule}, 1-NN, {statistic}{doses}", f"accuracy {'NSB' if across else 'NSC'}"
    low, high = interval(right, seed=seed)
    score = Score(TASK, name, group, metric, float(right.mean()), low, high, float(np.nanmean(chance)), len(right))
    asked = np.flatnonzero(_answerable(mechanism, allowed))
    found = first.iloc[nearest[asked]]
    detail = first.iloc[asked][["compound", "treatment", "mechanism", *(["batch"] if across else [])]].reset_index(drop=True)
    detail = detail.assign(nearest=found["treatment"].to_numpy(), nearest_mechanism=found["mechanism"].to_numpy())
    return [score], detail.assign(right=right.astype(bool), metric=metric, protocol=name)


def _answerable(mechanism: npt.NDArray[np.intp], allowed: Flags) -> Flags:
    """The treatments for which some candidate has the same mechanism (n,)."""
    return np.asarray((allowed & (mechanism[:, None] == mechanism[None, :])).any(axis=1))


def _right(mechanism: npt.NDArray[np.intp], allowed: Flags, nearest: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Whether the nearest has the same mechanism, of the treatments that can be answered."""
    return (mechanism[nearest] == mechanism)[_answerable(mechanism, allowed)].astype(np.float64)


def _shuffled(mechanism: npt.NDArray[np.intp], compound: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The mechanisms shuffled over the compounds: all treatments of a compound keep one."""
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
