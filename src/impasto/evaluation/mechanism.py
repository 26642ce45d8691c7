"""Mechanism of action by the nearest neighbour, never of the same compound, and never of the same batch.

Treatments (a compound at a dose) are averaged over their rows. Each is given the mechanism of the nearest treatment by cosine: of
another compound (Ljosa et al. 2013, not-same-compound, NSC), and of another compound in another batch (Ando et al. 2017,
not-same-compound-or-batch, NSB). For NSB treatments are averaged within each batch. A compound is one molecule, whatever its name
and dose (`wells.compounds`). A treatment counts only where a right answer is among its candidates. Beside the accuracy stands the mean
average precision over the same candidates, which uses the whole order and tells methods apart better.

Compounds were sampled: for the interval of an accuracy they leave with all of their doses, as query and as candidate. With
`unit = "mechanism"` whole mechanisms leave, as queries: compounds of one mechanism find each other, so they are no independent evidence of
which of two methods is better. `classify_by` adds a logistic regression of the mechanism on rows, trained on all values of a column but one
and tested on that one: an easier question, since one compound may stand on both sides.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from impasto import schema, wells
from impasto.evaluation import baselines, inputs, tidy, treatments, units
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.treatments import Flags, Floats, Numbers, Rows, Treatments
from impasto.evaluation.units import Units
from impasto.schema import InputError
from impasto.statistics import jackknife, resplits, shuffles
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "mechanism"
MOST_TREATMENTS = 3000
"""So many treatments at most are compared again without groups of compounds; a larger table gets the t interval."""
Unit = Literal["compound", "mechanism"]


@dataclass(frozen=True)
class Question:
    """How treatments are asked.

    Attributes
    ----------
    across
        Whether only other batches answer (NSB).
    statistic
        How the rows of a treatment are averaged.
    unit
        What leaves for the interval.
    doses
        What is done with doses, in words.
    draws
        Shuffles that give chance.
    seed
        Of shuffles and groups of units.

    """

    across: bool
    statistic: Statistic
    unit: Unit
    doses: str
    draws: int
    seed: int

    @property
    def name(self) -> str:
        """`NSB` across batches, else `NSC`."""
        return "NSB" if self.across else "NSC"

    def protocol(self, rule: str, /) -> str:
        """The protocol of a score.

        Parameters
        ----------
        rule
            `1-NN` or `ranked`.

        Returns
        -------
        str
            Candidates, rule, statistic and doses in words.

        """
        candidates = "not same compound, not same batch" if self.across else "not same compound"
        return f"{candidates}, {rule}, {self.statistic}{self.doses}"


def evaluate(
    profiles: Table,
    /,
    *,
    label: str = schema.MOA,
    batch: str = "auto",
    batch_pattern: str = "",
    pool_doses: bool = False,
    statistic: Statistic = "mean",
    unit: Unit = "compound",
    classify_by: str = "",
    draws: int = 200,
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
    seed: int = 0,
) -> Result:
    """NSC and NSB accuracy and mean average precision; with `classify_by` the balanced accuracy of a classifier.

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
    unit
        What leaves for the interval: compounds, or mechanisms, by which methods are compared.
    classify_by
        The column whose values the classifier is tested over; none by default.
    draws
        Shuffles that give chance.
    shuffles
        How often mechanisms are shuffled at most to ask whether the score is above chance; 0 for never.
    seed
        Of shuffles and groups of units.

    Returns
    -------
    Result
        The scores; `per_group`, one row a treatment that can be answered: its nearest, whether that is right, and its average precision.

    Raises
    ------
    InputError
        Where there is no mechanism, or no two compounds share one.

    """
    profiles = inputs.as_profiles(profiles, task="matching mechanisms")
    wells.require(profiles.obs, [schema.PERTURBATION, label], task="matching mechanisms")
    values = wells.finite(profiles, task="matching mechanisms")
    known = profiles.obs[label].notna().to_numpy()
    rows = treatments.asked_rows(profiles.obs, label=label)
    keys = treatments.keys_of(profiles.obs, rows, label=label, batch=batch, pattern=batch_pattern, pool_doses=pool_doses)
    doses = inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    asked = [treatments.of_keys(keys, across=across) for across in (False, True)]
    questions = [Question(across, statistic, unit, doses, draws, seed) for across in (False, True)]
    labelled = np.flatnonzero(known & ~wells.unknown(profiles.obs))
    scores: list[Score] = []
    details: list[pd.DataFrame] = []
    for name, view in [(OWN, values), *baselines.stand_ins(profiles)]:
        for one, question in zip(asked, questions, strict=True):
            many = shuffles if name == OWN else 0
            made, detail = _nearest(view[rows], one, question=question, shuffles=many, group=name)
            scores += made
            details.append(detail.assign(profiles=name))
        if classify_by:
            obs = profiles.obs.iloc[labelled]
            scores.append(_classified(view[labelled], obs, label=label, by=classify_by, group=name))
    if not scores:
        raise InputError(f"no two compounds share a {label}, so none can be found by another")
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True))


def _nearest(values: Floats, asked: Treatments, *, question: Question, group: str, shuffles: int) -> tuple[list[Score], pd.DataFrame]:
    """The accuracy and the mean average precision (none where nothing can be answered), and one row a treatment."""
    similarity = asked.similarity(values, statistic=question.statistic)
    nearest = similarity.argmax(axis=1)
    right = asked.answered(nearest)
    if not len(right):
        return [], pd.DataFrame()
    rng = np.random.default_rng(question.seed)
    shuffles_of = [asked.shuffled(rng) for _ in range(question.draws)]
    sampled = units.named(asked.names[question.unit].to_numpy(dtype=str), word=question.unit)
    interval, parts = _interval(similarity, asked, right, sampled, question=question)
    value = float(right.mean())
    score = tidy.score(
        *(TASK, question.protocol("1-NN"), group, f"accuracy {question.name}", value, interval),
        chance=float(np.nanmean([one.answered(nearest).mean() for one in shuffles_of])),
        n=len(right),
        p_chance=_p_chance(value, asked, nearest, most=shuffles, seed=question.seed),
        parts=parts,
        units=sampled.digest,
    )
    per, detail = asked.precision(similarity), _detail(asked, nearest)
    detail = detail.assign(average_precision=per[asked.answerable], metric=score.metric, protocol=score.protocol)
    return [score, _precision(per, asked, sampled, question=question, group=group)], detail


def _detail(asked: Treatments, nearest: Rows) -> pd.DataFrame:
    """The treatments that can be answered, with the nearest of each."""
    rows = np.flatnonzero(asked.answerable)
    answer = asked.names.iloc[nearest[rows]]
    words = ["compound", "treatment", "mechanism", "batch"] if "batch" in asked.names else ["compound", "treatment", "mechanism"]
    detail = asked.names.iloc[rows][words].reset_index(drop=True)
    detail = detail.assign(nearest=answer["treatment"].to_numpy(), nearest_mechanism=answer["mechanism"].to_numpy())
    return detail.assign(right=(asked.mechanism[nearest] == asked.mechanism)[rows])


def _precision(per: Numbers, asked: Treatments, sampled: Units, *, question: Question, group: str) -> Score:
    """The mean average precision; units leave as queries, for a candidate less would make each rank easier."""
    left = jackknife.leave_out(lambda keep: treatments.mean(per[keep[sampled.of]]), len(sampled), seed=question.seed, pairs=False)
    return tidy.score(
        *(TASK, question.protocol("ranked"), group, f"mAP {question.name}", left.whole),
        jackknife.of_score(left, unit=sampled.word),
        chance=asked.chance_precision,
        n=int(asked.answerable.sum()),
        parts=[left],
        units=sampled.digest,
    )


def _interval(
    similarity: Floats, asked: Treatments, right: Numbers, sampled: Units, *, question: Question
) -> tuple[Interval, list[LeftOut]]:
    """The interval over units, and the accuracy without groups of them."""
    if question.unit == "mechanism":
        # The compounds of a mechanism find each other: it leaves with its queries, and stays among the candidates.
        per = np.full(len(asked), np.nan)
        per[asked.answerable] = right
        left = jackknife.leave_out(lambda keep: treatments.mean(per[keep[sampled.of]]), len(sampled), seed=question.seed, pairs=False)
        return jackknife.of_score(left, unit=sampled.word), [left]
    if len(asked) > MOST_TREATMENTS:
        of_treatment = np.full(len(asked), np.nan)
        of_treatment[asked.answerable] = right
        return units.mean_over(of_treatment, sampled, value=float(right.mean())), []
    # Candidates in order, so that the nearest of those that stay is the first of them.
    order = np.argsort(-similarity, axis=1, kind="stable")
    same = asked.right

    def score(keep: Flags) -> float:
        stays = keep[sampled.of]
        nearest = order[np.arange(len(order)), (stays[order] & np.take_along_axis(asked.allowed, order, axis=1)).argmax(axis=1)]
        rows = stays & (same & stays[None]).any(axis=1)
        return float((asked.mechanism[nearest] == asked.mechanism)[rows].mean()) if rows.any() else float("nan")

    left = jackknife.leave_out(score, len(sampled), seed=question.seed)
    return jackknife.of_score(left, unit=sampled.word), [left]


def _p_chance(value: float, asked: Treatments, nearest: Rows, *, most: int, seed: int) -> float | None:
    """How often mechanisms shuffled over compounds are found as often; None where none are asked for."""
    if most < 1:
        return None

    def drawn(rng: np.random.Generator) -> float:
        right = asked.shuffled(rng).answered(nearest)
        return float(right.mean()) if len(right) else 0.0

    return shuffles.above_chance(value, drawn, seed=seed, most=most).p


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
