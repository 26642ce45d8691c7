"""Mechanism of action by the nearest neighbour, never of the same compound, and never of the same batch.

Treatments (a compound at a dose) are averaged over their rows. Each is given the mechanism of the nearest treatment by cosine: of
another compound (Ljosa et al. 2013, not-same-compound, NSC), and of another compound in another batch (Ando et al. 2017,
not-same-compound-or-batch, NSB). For NSB treatments are averaged within each batch. A compound is one molecule, whatever its name
and dose (`wells.compounds`). A treatment counts only where a right answer is among its candidates. Compounds were sampled: for the interval
they leave with all of their doses, as query and as candidate. `classify_by` adds a logistic regression of the mechanism on rows, trained on
all values of a column but one and tested on that one: an easier question, since one compound may stand on both sides.
"""

from __future__ import annotations

import warnings
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, tidy, units
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.units import Units
from impasto.schema import InputError
from impasto.statistics import jackknife, resplits, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "mechanism"
MOST_TREATMENTS = 3000
"""So many treatments at most are compared again without groups of compounds; a larger table gets the t interval."""
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
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
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
    shuffles
        How often mechanisms are shuffled at most to ask whether the score is above chance; 0 for never.
    seed
        Of shuffles and groups of compounds.

    Returns
    -------
    Result
        The scores; `per_group`, one row a treatment that can be answered (its nearest, and whether that is right).

    Raises
    ------
    InputError
        Where there is no mechanism, or no two compounds share one.

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
            many = shuffles if name == OWN else 0
            score, detail = _nearest(
                view[rows], keys, statistic=statistic, across=across, draws=draws, shuffles=many, seed=seed, group=name, doses=doses
            )
            scores += score
            details.append(detail.assign(profiles=name))
        if classify_by:
            obs = profiles.obs.iloc[labelled]
            scores.append(_classified(view[labelled], obs, label=label, by=classify_by, group=name))
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
    values: Floats,
    keys: pd.DataFrame,
    *,
    statistic: Statistic,
    across: bool,
    draws: int,
    shuffles: int,
    seed: int,
    group: str,
    doses: str,
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
    similarity = np.where(allowed, vectors @ vectors.T, -np.inf)
    nearest = similarity.argmax(axis=1)
    mechanism = pd.factorize(first["mechanism"], sort=True)[0]
    right = _right(mechanism, allowed, nearest)
    if not len(right):
        return [], pd.DataFrame()
    rng = np.random.default_rng(seed)
    chance = [_right(_shuffled(mechanism, compound, rng), allowed, nearest).mean() for _ in range(draws)]
    rule = "not same compound, not same batch" if across else "not same compound"
    name, metric = f"{rule}, 1-NN, {statistic}{doses}", f"accuracy {'NSB' if across else 'NSC'}"
    sampled = units.named(first["compound"].to_numpy(dtype=str), word="compound")
    interval, parts = _interval(similarity, allowed, mechanism, right, sampled, seed=seed)
    value = float(right.mean())
    score = tidy.score(
        *(TASK, name, group, metric, value, interval),
        chance=float(np.nanmean(chance)),
        n=len(right),
        p_chance=_p_chance(value, mechanism, compound, allowed, nearest, most=shuffles, seed=seed),
        parts=parts,
        units=sampled.digest,
    )
    asked = np.flatnonzero(_answerable(mechanism, allowed))
    answer = first.iloc[nearest[asked]]
    detail = first.iloc[asked][["compound", "treatment", "mechanism", *(["batch"] if across else [])]].reset_index(drop=True)
    detail = detail.assign(nearest=answer["treatment"].to_numpy(), nearest_mechanism=answer["mechanism"].to_numpy())
    return [score], detail.assign(right=right.astype(bool), metric=metric, protocol=name)


def _interval(
    similarity: Floats, allowed: Flags, mechanism: npt.NDArray[np.intp], right: npt.NDArray[np.float64], sampled: Units, *, seed: int
) -> tuple[Interval, list[LeftOut]]:
    """The interval over compounds, and the accuracy without groups of them."""
    if len(mechanism) > MOST_TREATMENTS:
        of_treatment = np.full(len(mechanism), np.nan)
        of_treatment[_answerable(mechanism, allowed)] = right
        return units.mean_over(of_treatment, sampled, value=float(right.mean())), []
    # Candidates in order, so that the nearest of those that stay is the first of them.
    order = np.argsort(-similarity, axis=1, kind="stable")
    same = allowed & (mechanism[:, None] == mechanism[None, :])

    def score(keep: Flags) -> float:
        stays = keep[sampled.of]
        nearest = order[np.arange(len(order)), (stays[order] & np.take_along_axis(allowed, order, axis=1)).argmax(axis=1)]
        asked = stays & (same & stays[None]).any(axis=1)
        return float((mechanism[nearest] == mechanism)[asked].mean()) if asked.any() else float("nan")

    left = jackknife.leave_out(score, len(sampled), seed=seed)
    return jackknife.of_score(left, unit=sampled.word), [left]


def _p_chance(
    value: float,
    mechanism: npt.NDArray[np.intp],
    compound: npt.NDArray[np.intp],
    allowed: Flags,
    nearest: npt.NDArray[np.intp],
    *,
    most: int,
    seed: int,
) -> float | None:
    """How often mechanisms shuffled over compounds are found as often; None where none are asked for."""
    if most < 1:
        return None

    def drawn(rng: np.random.Generator) -> float:
        right = _right(_shuffled(mechanism, compound, rng), allowed, nearest)
        return float(right.mean()) if len(right) else 0.0

    return shuffles.above_chance(value, drawn, seed=seed, most=most).p


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


def _classified(values: Floats, obs: pd.DataFrame, *, label: str, by: str, group: str) -> Score:
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
    # Each part is a test of a model of the others: parts share what they were trained on.
    of_part = [
        recall_score(truth[parts == p], predicted[parts == p].astype(str), labels=np.unique(truth[parts == p]), average="macro")
        for p in np.unique(parts)
    ]
    value = float(np.mean(per_class))
    interval = resplits.of_resplits(np.array(of_part), tested=1, trained=max(1, len(of_part) - 1), unit=by, share=True, value=value)
    name = f"logistic regression across {by}, rows, {len(classes)} classes"
    return tidy.score(TASK, name, group, "balanced accuracy", value, interval, chance=1 / len(classes), n=len(truth))
