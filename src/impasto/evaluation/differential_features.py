"""Differential features: which features of a perturbation differ from its plates' controls, at a stated false discovery rate?

Of each perturbation and feature, the exact rank-sum test over plates (`statistics.rank_sums`), two-sided; Benjamini and Hochberg over
all perturbations and features of the run, or over the features of each perturbation. The effect is

    mean over plates of (mean of treated - median of controls) / spread of the plate's controls,

the spread being 1.4826 median absolute deviations, or the standard deviation where that is zero.

Ranks and not moderated t: features of profiles have heavy tails, and one well a plate has no mean that a t distribution knows.
Control positions play perturbations: what they are called is what a position alone does. Where a correction learned from the controls
that judge, or positions are called too often, the run is NOT CALIBRATED and calls no feature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from impasto import schema, wells
from impasto.correction import spared
from impasto.evaluation import control_groups, inputs, tidy, units
from impasto.evaluation.control_groups import CONTROL_GROUPS
from impasto.evaluation.distributions import POSITIONS
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.positions import CALLED_AT, FEWEST_POSITIONS, MOST_CALLED
from impasto.evaluation.reasons import NOT_CALIBRATED
from impasto.evaluation.replicate_sets import ReplicateSets, Rows, replicate_sets
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError, one_of
from impasto.statistics import discovery, jackknife, rank_sums

TASK = "differential-features"
Family = Literal["run", "perturbation"]
Numbers = npt.NDArray[np.float64]
Called = npt.NDArray[np.bool_]
"""(perturbations, features)"""
Ranked = tuple[Numbers, Numbers, tuple[int, int]]
"""Sums over wells of the controls below, and not above (features,), and how many wells and controls there are."""


def evaluate(
    profiles: Table,
    /,
    *,
    family: Family = "run",
    perturbations: list[str] | None = None,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    rate: float = 0.05,
    seed: int = 0,
) -> Result:
    """Features called per perturbation, and what control positions are called.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked.
    family
        Whether the false discovery rate is held over the run or over the features of each perturbation.
    perturbations
        Only these; all by default.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    rate
        False discovery rate below which a feature is called.
    seed
        Of groups of units, and of the groups of controls where perturbations change their position.

    Returns
    -------
    Result
        The mean share of features called, the share of perturbations with a called feature, and the share of features with p of .05 or
        less in control positions (chance .05). `per_group`: one row a perturbation (wells, floor, features called). `tables`:
        `features`, one row a perturbation and feature (effect, p, q, called).

    Raises
    ------
    InputError
        Where `family` or `rate` is not allowed, there are no negative controls, or a perturbation that was asked for is not there.

    """
    one_of(family, ("run", "perturbation"), what="family of differential features")
    if not 0 < rate < 1:
        raise InputError(f"rate is {rate:g}; a false discovery rate lies between 0 and 1, as in --set rate=0.05")
    profiles, merged = inputs.named(profiles, same_as, task=TASK)
    sets = replicate_sets(profiles.obs, task=TASK, pool_doses=pool_doses, least=1, with_controls=True)
    sets = _asked_for(sets, perturbations)
    values = wells.finite(profiles, task=TASK).astype(np.float64)
    tests = [_tested(values, rows, sets.plate, sets.controls) for rows in sets.members]
    table = _table(tests, sets, [str(name) for name in profiles.var_names], family=family, rate=rate)
    over = "the run" if family == "run" else "the features of each perturbation"
    name = f"rank sums over plates, false discovery {rate:g} over {over}{inputs.dose_words(profiles.obs, pool_doses=pool_doses)}"
    of_positions = _of_positions(values, sets, seed=seed)
    why_not = _why_not(profiles, of_positions)
    per = pd.DataFrame({schema.PERTURBATION: sets.names, "wells": [len(rows) for rows in sets.members], "floor": [t[2] for t in tests]})
    if why_not:
        name += f", {NOT_CALIBRATED}"
        say(f"{NOT_CALIBRATED}, so no feature is called: {why_not}")
        scores = []
        table = table.drop(columns="called")
    else:
        called = table["called"].to_numpy().reshape(len(sets.names), -1)
        leave = control_groups.of_wells(sets, seed=seed)
        without = _without_controls(values, sets, leave, np.stack([test[1] for test in tests]), family=family, rate=rate)
        scores = _scores(called, without, leave, sets, name, seed=seed)
        per["called"] = called.sum(axis=1)
    scores += _score_of_positions(of_positions, name)
    if not scores:
        scores = [_share_of_p(table["p"].to_numpy().reshape(len(sets.names), -1), sets, name, seed=seed)]
    own = {"profiles": OWN, "protocol": name}
    return Result.of(scores, per_group=per.assign(**own), tables={"features": table.assign(**own), "merged": merged})


def _asked_for(sets: ReplicateSets, names: list[str] | None) -> ReplicateSets:
    if not names:
        return sets
    absent = [name for name in names if name not in sets.names]
    if absent:
        hint = schema.nearest(absent[0], sets.names)
        raise InputError(f"no perturbation {absent[0]!r}{hint} has a well on a plate with negative controls; there are {len(sets.names)}")
    return sets.part(np.array([number for number, name in enumerate(sets.names) if name in names]))


def _tested(values: Numbers, rows: Rows, plate: Rows, controls: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers, float]:
    """The effect and p of every feature of a set of wells, and the smallest p that its plates can give."""
    effect, parts = np.zeros(values.shape[1]), []
    plates = np.unique(plate[rows])
    for code in plates:
        own, here = rows[plate[rows] == code], controls & (plate == code)
        parts.append(_ranked(values, own, here))
        others = values[here]
        effect += _in_spreads(values[own].mean(axis=0) - np.median(others, axis=0), others) / len(plates)
    return effect, _p_values(parts), rank_sums.floor([pool for _, _, pool in parts])


def _ranked(values: Numbers, rows: Rows, controls: npt.NDArray[np.bool_]) -> Ranked:
    """The wells of a perturbation on one plate among its controls."""
    below, up_to = rank_sums.counts(values[rows], values[controls])
    return below.sum(axis=0), up_to.sum(axis=0), (len(rows), int(controls.sum()))


def _p_values(parts: Sequence[Ranked]) -> Numbers:
    """The p of every feature over the plates of a perturbation."""
    below, up_to, pools = zip(*parts, strict=True)
    return rank_sums.p_values(np.sum(below, axis=0), np.sum(up_to, axis=0), list(pools))


def _in_spreads(difference: Numbers, controls: Numbers) -> Numbers:
    """A difference in spreads of the controls; zero where controls do not vary."""
    spread = stats.median_abs_deviation(controls, axis=0, scale="normal")
    spread = np.where(spread > 0, spread, controls.std(axis=0))
    return np.divide(difference, spread, out=np.zeros(len(difference)), where=spread > 0)


def _table(
    tests: list[tuple[Numbers, Numbers, float]], sets: ReplicateSets, features: list[str], *, family: Family, rate: float
) -> pd.DataFrame:
    names = np.repeat(sets.names, len(features))
    p = np.concatenate([test[1] for test in tests])
    q = _q(p.reshape(len(tests), -1), family=family).ravel()
    effect = np.concatenate([test[0] for test in tests])
    columns = {schema.PERTURBATION: names, "feature": np.tile(features, len(sets.names)), "effect": effect, "p": p, "q": q}
    return pd.DataFrame({**columns, "called": q < rate})


def _of_positions(values: Numbers, sets: ReplicateSets, *, seed: int) -> Numbers:
    """The share of features with p of .05 or less in each control position that plays a perturbation."""
    shares = []
    for rows in sets.played_by_controls(seed=seed):
        others = sets.controls.copy()
        others[rows] = False
        if all((others & (sets.plate == code)).any() for code in np.unique(sets.plate[rows])):
            shares.append(float((_tested(values, rows, sets.plate, others)[1] <= CALLED_AT).mean()))
    return np.array(shares)


def _why_not(profiles: anndata.AnnData, of_positions: Numbers) -> str:
    """Why nothing can be called, or nothing."""
    if spared.none_judges(profiles):
        return spared.NONE_JUDGES
    if len(of_positions) >= FEWEST_POSITIONS and of_positions.mean() > MOST_CALLED:
        return (
            f"in control positions {of_positions.mean():.2f} of features have p of {CALLED_AT:g} or less; correct the position of wells "
            "(impasto correct ... --method position), or read plates of other layouts"
        )
    return ""


def _without_controls(
    values: Numbers, sets: ReplicateSets, leave: Rows, p: Numbers, /, *, family: Family, rate: float
) -> dict[int, dict[str, float]]:
    """The scores without each group of control wells, by the number of the group; what is called of one group is in memory at a time."""
    on = [{int(code): rows[sets.plate[rows] == code] for code in np.unique(sets.plate[rows])} for rows in sets.members]
    ranked = [{code: _ranked(values, rows, sets.controls & (sets.plate == code)) for code, rows in own.items()} for own in on]
    scores = {}
    for number in np.unique(leave[leave >= 0]):
        code = int(number // CONTROL_GROUPS)
        fewer = sets.controls & (sets.plate == code) & (leave != number)
        of_each = p.copy()
        for place in (place for place, own in enumerate(on) if code in own):
            # A plate without controls left would have no ranks.
            parts = {**ranked[place], code: _ranked(values, on[place][code], fewer)} if fewer.any() else {}
            of_each[place] = _p_values(list(parts.values())) if parts else np.nan
        called = _q(of_each, family=family) < rate
        scores[int(number)] = {metric: float(count(called).mean()) for metric, count in COUNTS.items()}
    return scores


def _q(p: Numbers, *, family: Family) -> Numbers:
    """Corrected p of perturbations and features (perturbations, features)."""
    if family == "run":
        return discovery.corrected(p.ravel()).reshape(p.shape)
    return np.stack([discovery.corrected(line) for line in p])


COUNTS: dict[str, Callable[[Called], Numbers]] = {
    "mean share of features called": lambda called: np.asarray(called.mean(axis=1), dtype=np.float64),
    "share of perturbations with a called feature": lambda called: np.asarray(called.any(axis=1), dtype=np.float64),
}
"""What is counted of every perturbation."""


def _scores(
    called: Called, without: Mapping[int, Mapping[str, float]], leave: Rows, sets: ReplicateSets, name: str, *, seed: int
) -> list[Score]:
    scores = []
    for metric, count in COUNTS.items():
        left = sets.left_out(count(called), seed=seed)
        mean_without = {number: of_metric[metric] for number, of_metric in without.items()}
        strata = control_groups.left_out(left.whole, mean_without.__getitem__, leave)
        around = jackknife.of_score([left, strata], unit=f"{sets.units.word} and {control_groups.WELL}")
        row = (TASK, name, OWN, metric, left.whole, around)
        scores.append(tidy.score(*row, chance=0.0, n=len(called), parts=[left, *strata], units=sets.units.digest))
    return scores


def _score_of_positions(shares: Numbers, name: str) -> list[Score]:
    if not len(shares):
        return []
    of_each = units.named([f"{number:04d}" for number in range(len(shares))], word="position")
    around = units.mean_over(shares, of_each, value=float(shares.mean()))
    metric = f"mean share of features with p <= {CALLED_AT:g}"
    return [tidy.score(TASK, name, POSITIONS, metric, float(shares.mean()), around, chance=CALLED_AT, n=len(shares))]


def _share_of_p(p: Numbers, sets: ReplicateSets, name: str, *, seed: int) -> Score:
    shares = (p <= CALLED_AT).mean(axis=1)
    metric = f"mean share of features with p <= {CALLED_AT:g}"
    around = sets.mean(shares, seed=seed, share=True)
    return tidy.score(TASK, name, OWN, metric, float(shares.mean()), around, chance=CALLED_AT, n=len(shares))
