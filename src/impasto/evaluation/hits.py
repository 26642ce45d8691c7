"""Hits: which perturbations did something, at a stated false discovery rate?

Two wells or more: the wells of a perturbation move the same way, more than wells of different perturbations do (`reproduction`), and more
than spared control positions do (`positions`). One well, or fewer than 20 perturbations: it is farther from its plates' controls than
controls are, by exact enumeration (`distance`). What the design can show at all is said first (`plan`). The curves over doses are in
`dose_response`. A well without a perturbation is never tested.
"""

from __future__ import annotations

from typing import Literal

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import progress, schema, wells
from impasto.correction import spared
from impasto.evaluation import baselines, calls, dose_response, inputs, positions, reasons, single_wells, tidy
from impasto.evaluation import plan as plans
from impasto.evaluation.calls import Calls, Test
from impasto.evaluation.design import Design, design
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.positions import Played
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import interval

TASK = "hits"
DRAWS_OF_BASELINES = 2000
"""The size of the null of a baseline, at most."""
SPARED = "spared positions"
"""The group of control positions that play perturbations."""
Family = Literal["run", "batch"]


def evaluate(
    profiles: Table,
    /,
    *,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    test: Test = "auto",
    family: Family = "run",
    plan: bool = False,
    components: int = 50,
    draws: int = 20_000,
    rate: float = 0.05,
    benchmark: float = 1.349,
    seed: int = 0,
) -> Result:
    """Share of hits at a false discovery rate, beside the baselines and the spared control positions that the same test calls.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked, spared ones among them.
    pool_doses
        Whether all doses of a perturbation are tested as one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    test
        `reproduction` of the wells of a perturbation, `distance` to the controls, or `auto`: the first where 20 perturbations have two
        wells.
    family
        Whether the false discovery rate is held over the `run` or in each `batch`. Single doses of a compound are a family apart.
    plan
        Only say what the design can show: the smallest p-value, and how many hits or wells it needs.
    components
        Principal components that distances are measured in.
    draws
        Size of the null of reproduction, at least.
    rate
        False discovery rate below which a perturbation is a hit.
    benchmark
        Response, in standard deviations of its residuals, that a dose curve must reach.
    seed
        Of folds and draws, and of the controls that are set aside in a table where none is spared.

    Returns
    -------
    Result
        Scores: the share of hits, that of each baseline, the spared positions called at .05, and the share of hits kept without a plate.
        `per_group`: one row a perturbation and dose (T, p, p1, p2, q, hit, reason, kept). `per_well`: a conformal p-value a well. `tables`:
        `reasons`, one row a hit and part; `dose_response`, `dose_curves` and `dose_wells`; `plan`; `left_out`; `merged`.

    Raises
    ------
    InputError
        Where no plate has two negative controls, nothing is left to test, or a row is not a well of its own.

    """
    if not 0 < rate < 1:
        raise InputError(f"rate is {rate:g}; a false discovery rate lies between 0 and 1, as in --set rate=0.05")
    if draws < 1 or components < 1:
        raise InputError(f"draws is {draws} and components is {components}; both are 1 or more")
    profiles, merged = inputs.named(profiles, same_as, task="calling hits")
    wells.require_negative(profiles.obs, task="calling hits")
    where = design(profiles, pool_doses=pool_doses, by_batch=family == "batch", seed=seed)
    which = positions.played(where, seed=seed)
    reproduced = calls.reproduces(where, test)
    outlook = plans.plan(where, which, reproduction=reproduced, draws=draws, rate=rate)
    for sentence in outlook.sentences():
        progress.say(sentence)
    left_out = pd.DataFrame({"profiles": OWN, "reason": where.left_out})
    if plan:
        return Result.of(_of_plan(outlook), tables={"plan": pd.DataFrame([vars(outlook)]), "left_out": left_out})
    values = wells.finite(profiles, task="calling hits")
    made = calls.call(values, where, which, test=test, components=components, draws=draws, rate=rate, seed=seed)
    doses = inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    protocol = _protocol(where, reproduced, made, components, rate=rate, family=family) + doses
    per, parts = _explained(made, where, profiles, rate=rate)
    scores = _scores(made, protocol)
    if made.calibrated:
        fewer = min(draws, DRAWS_OF_BASELINES)
        for group, view in baselines.stand_ins(profiles):
            hits = _hits_of_stand_in(view, where, which, test=test, draws=fewer, rate=rate, seed=seed)
            scores.append(_share(hits, protocol, group, "share of hits", unit="perturbation", chance=0.0))
    curves = _curves(values, where, profiles, benchmark=benchmark, rate=rate, seed=seed)
    if not curves.tested.empty:
        called = curves.tested["curve"].to_numpy(dtype=bool)
        name = curves.protocol(benchmark, rate)
        scores.append(_share(called, name, OWN, "share with a dose curve", unit="compound", chance=None))
    dosed = {name: table.assign(profiles=OWN) for name, table in curves.tables().items()}
    tables = {"reasons": parts, **dosed, "merged": merged, "left_out": left_out}
    return Result.of(
        scores,
        per_group=per.assign(profiles=OWN),
        per_well=single_wells.table(profiles, values, where).assign(profiles=OWN),
        tables={**tables, "plan": pd.DataFrame([vars(outlook)])},
    )


def _protocol(where: Design, reproduced: bool, made: Calls, components: int, *, rate: float, family: Family) -> str:
    """What was tested, in one line; and what the calls do not exclude."""
    what = "reproduction over wells" if reproduced else f"distance to plate controls, {components} components"
    name = f"{what}, false discovery {rate:g} over {'the run' if family == 'run' else 'each batch'}"
    if reproduced and made.per.loc[made.tested, "p2"].isna().all():
        name += ", position not excluded"
    if not made.calibrated:
        name += f", {reasons.NOT_CALIBRATED}"
        progress.say(f"{reasons.NOT_CALIBRATED}, so no hit is called: {_why_not(where, made)}")
    return name


def _why_not(where: Design, made: Calls) -> str:
    if where.learned:
        return spared.NONE_JUDGES
    called, of = int(made.spared.sum()), len(made.spared)
    around = interval.wilson(called, of, unit="position")
    return (
        f"the test calls {called} of {of} spared control positions at {positions.CALLED_AT:g}; look at the position of wells "
        "(impasto correct ... --method position), or spare more controls; "
        f"of other positions it would call {around.low or 0.0:.2f} to {around.high or 1.0:.2f}, and {positions.MOST_CALLED:g} is the most"
    )


def _explained(made: Calls, where: Design, profiles: anndata.AnnData, *, rate: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of perturbations with hit and reason, and the parts behind each hit. A run that is not calibrated has no column `hit`."""
    per = made.per.copy()
    if not made.calibrated:
        return per.drop(columns=["called", "kept"]).assign(reason=reasons.NOT_CALIBRATED), pd.DataFrame()
    per["reason"] = reasons.of_misses(per, rate=rate)
    called = per["called"].to_numpy(dtype=bool)
    chosen = [place for place, j in enumerate(made.tested) if called[j]]
    parts = pd.DataFrame()
    if made.test is not None and made.x is not None:
        parts = reasons.of_hits(made.test, chosen, [where.names[made.tested[place]] for place in chosen], made.x, profiles)
    words = {str(name): reasons.in_words(own) for name, own in parts.groupby(schema.PERTURBATION)} if len(parts) else {}
    per.loc[called, "reason"] = [words.get(str(name), "farther than controls") for name in per.loc[called, schema.PERTURBATION]]
    return per.rename(columns={"called": "hit"}), parts


def _scores(made: Calls, protocol: str, /) -> list[Score]:
    """The share of hits, of spared positions called, and of hits kept without a plate."""
    scores = []
    per = made.per
    if made.calibrated:
        scores.append(_share(per["called"].to_numpy(dtype=bool), protocol, OWN, "share of hits", unit="perturbation", chance=0.0))
    if len(made.spared):
        metric = f"share with p <= {positions.CALLED_AT:g}"
        scores.append(_share(made.spared, protocol, SPARED, metric, unit="position", chance=positions.CALLED_AT))
    steady = per.loc[per["called"] & per["kept"].notna(), "kept"]
    if made.calibrated and len(steady):
        around = interval.wilson(float(steady.sum()), len(steady), unit="perturbation")
        scores.append(
            tidy.score(TASK, protocol, OWN, "share of hits kept without a plate", float(steady.mean()), around, chance=None, n=len(steady))
        )
    return scores


def _hits_of_stand_in(
    view: npt.NDArray[np.float32], where: Design, which: Played, *, test: Test, draws: int, rate: float, seed: int
) -> npt.NDArray[np.bool_]:
    """What a baseline calls; nothing where its features do not vary or its calls are not calibrated."""
    try:
        made = calls.call(view, where, which, test=test, components=view.shape[1], draws=draws, rate=rate, seed=seed)
    except InputError:
        return np.zeros(len(where.names), dtype=bool)
    return made.per["called"].to_numpy(dtype=bool) & made.calibrated


def _curves(
    values: npt.NDArray[np.float32], where: Design, profiles: anndata.AnnData, *, benchmark: float, rate: float, seed: int
) -> dose_response.Curves:
    """The curves of compounds with several doses."""
    judges = where.judges()
    controls = {name: np.flatnonzero(judges & (where.plate == code)) for code, name in enumerate(where.plates)}
    plates = np.array(where.plates, dtype=str)[where.plate]
    return dose_response.curves(values, profiles.obs, plates, controls, benchmark=benchmark, rate=rate, seed=seed)


def _of_plan(outlook: plans.Plan) -> list[Score]:
    protocol = "plan, reproduction over wells" if outlook.reproduction else "plan, distance to plate controls"
    counted = outlook.perturbations
    numbers = {
        "smallest p-value": outlook.floor,
        "hits needed at the smallest p-value": float(outlook.hits_needed),
        "spared positions": float(outlook.positions),
    }
    if outlook.controls_needed is not None:
        numbers["controls a plate for a lone hit"] = float(outlook.controls_needed)
    exact = interval.none(unit="perturbation", clusters=counted, method="counted", why="counted from the layout")
    return [tidy.score(TASK, protocol, OWN, metric, value, exact, chance=None, n=counted) for metric, value in numbers.items()]


def _share(flags: npt.NDArray[np.bool_], protocol: str, group: str, metric: str, *, unit: str, chance: float | None) -> Score:
    around = interval.wilson(int(flags.sum()), len(flags), unit=unit)
    return tidy.score(TASK, protocol, group, metric, float(flags.mean()), around, chance=chance, n=len(flags))
