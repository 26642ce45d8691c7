"""One p-value a perturbation, and what is called a hit.

Reproduction is tested where 20 perturbations have two wells or more (`reproduction`, `positions`); a perturbation of one well, and any
run of fewer perturbations, by its distance to the controls (`distance`). The false discovery rate is held over the run, single doses
apart. A run is not calibrated, and calls nothing, where a correction learned from the controls that would judge, or where it calls more
than a tenth of its own spared positions at .05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.evaluation import distance, noise, plan, positions, reproduction
from impasto.evaluation.design import Design, Rows
from impasto.evaluation.noise import Centred
from impasto.evaluation.positions import Played
from impasto.evaluation.reproduction import Reproduction
from impasto.schema import InputError
from impasto.statistics import discovery

Test = Literal["auto", "reproduction", "distance"]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_ROUNDS = 6
"""So many plates of a perturbation at most are left out, one at a time."""


@dataclass(frozen=True)
class Calls:
    """The tests of one run.

    Attributes
    ----------
    per
        One row a perturbation: wells, plates, test, T, distance, p1, p2, p, q, floor, family, called, kept.
    spared
        (played,) whether each spared position is called at .05.
    calibrated
        Whether the calls can be believed.
    test, x, tested
        The test of reproduction, its centred wells, and the numbers of the perturbations it tested; None and empty without one.

    """

    per: pd.DataFrame
    spared: Flags
    calibrated: bool
    test: Reproduction | None
    x: Centred | None
    tested: list[int]


def reproduces(where: Design, test: Test, /) -> bool:
    """Whether reproduction is tested.

    Parameters
    ----------
    where
        The design.
    test
        `auto`, or the one that the user asks for.

    Returns
    -------
    bool
        True where 20 perturbations have two wells, unless distances are asked for.

    Raises
    ------
    InputError
        Where reproduction is asked for and too few perturbations have two wells.

    """
    enough = plan.can_test_reproduction(where)
    if test == "reproduction" and not enough:
        several = sum(len(rows) > 1 for rows in where.members)
        raise InputError(
            f"the test of reproduction needs {reproduction.FEWEST_SETS} perturbations with two wells, and {several} have them; "
            "compare distances to controls instead: --set test=distance"
        )
    return enough and test != "distance"


def call(
    values: npt.NDArray[np.float32],
    where: Design,
    which: Played,
    /,
    *,
    test: Test,
    components: int,
    draws: int,
    rate: float,
    seed: int,
) -> Calls:
    """Test every perturbation of a design.

    Parameters
    ----------
    values
        (n, features) of all rows.
    where
        The design.
    which
        Spared positions that play perturbations.
    test
        `auto`, or one of the two for all.
    components
        Principal components that distances are measured in.
    draws
        Size of the null of reproduction, at least.
    rate
        False discovery rate.
    seed
        Of folds and draws.

    Returns
    -------
    Calls
        The tests of the run, and what is called.

    """
    per = pd.DataFrame({schema.PERTURBATION: where.names, "wells": [len(rows) for rows in where.members]})
    per["plates"] = [len(np.unique(where.plate[rows])) for rows in where.members]
    per = per.assign(test="distance", T=np.nan, distance=np.nan, p1=np.nan, p2=np.nan, p=np.nan, floor=np.nan, family=where.families)
    pairs = [j for j, rows in enumerate(where.members) if len(rows) > 1] if reproduces(where, test) else []
    whitened, x, spared = None, None, np.zeros(0, dtype=bool)
    if pairs:
        size = plan.null_size(draws, len(where.names), rate)
        sets = [*(where.members[j] for j in pairs), *which.sets]
        x = noise.centred(values, where, _used(where, sets))
        whitened = reproduction.reproduction(x, where, sets, draws=size, seed=seed)
        judged = positions.judge(whitened, len(pairs), which)
        per.loc[pairs, ["T", "p1", "p2", "p"]] = np.column_stack([judged.statistic, judged.p1, judged.p2, judged.p])
        per.loc[pairs, "floor"] = 1 / (1 + size)
        per.loc[pairs, "test"] = "reproduction"
        spared = positions.called(whitened, len(pairs), which)
    rest = sorted(set(range(len(per))) - set(pairs))
    if rest:
        space = distance.scores_of_components(values, components)
        sets = [*(where.members[j] for j in rest), *([] if pairs else which.sets)]
        results = distance.compare_with_controls(space, sets, where, rate=rate, tested=len(per), seed=seed)
        for j, result in zip(rest, results[: len(rest)], strict=True):
            if result is not None:
                per.loc[j, ["distance", "p", "floor"]] = (result.statistic, result.p, result.floor)
        if not pairs:
            played = results[len(rest) :]
            spared = np.array([result is not None and result.p <= positions.CALLED_AT for result in played], dtype=bool)
    per["q"] = discovery.corrected_within(per["p"].to_numpy(dtype=float), where.families)
    per["called"] = per["q"] < rate
    per["kept"] = np.nan if whitened is None else _share_kept(per, whitened, pairs, which, rate=rate)
    calibrated = not where.learned and not (len(spared) and spared.mean() > positions.MOST_CALLED)
    return Calls(per, spared, calibrated, whitened, x, pairs)


def _used(where: Design, sets: Sequence[Rows]) -> Rows:
    """The rows that are tested, centre a plate, or play; those of plates without a centre are none of these."""
    centred = where.controls_of_plates() > 0
    used = where.fitting | (where.judging & centred[where.plate])
    used[np.concatenate(list(sets))] = True
    return np.flatnonzero(used)


def _share_kept(per: pd.DataFrame, test: Reproduction, pairs: list[int], which: Played, *, rate: float) -> Numbers:
    """In how many of the cases where one of its plates is left out a hit stays one (perturbations,); NaN where nothing is left."""
    plates = [np.unique(test.plate[test.sets[place]]) for place in range(len(pairs))]
    rounds = min(max(map(len, plates)), MOST_ROUNDS)
    stayed, cases = np.zeros(len(pairs)), np.zeros(len(pairs))
    if not per["called"].any() or rounds < 2:
        return np.full(len(per), np.nan)
    families = per["family"].to_numpy(dtype=str)
    for number in range(rounds):
        without = [int(own[number]) if len(own) > 1 and number < len(own) else None for own in plates]
        p = per["p"].to_numpy(dtype=float, copy=True)
        p[pairs] = positions.judge(test, len(pairs), which, without=without).p
        loses = np.array([out is not None for out in without]) & np.isfinite(p[pairs])
        # One that nothing is left of keeps its place in the family.
        p = np.where(np.isfinite(p), p, per["p"])
        stayed += loses & (discovery.corrected_within(p, families)[pairs] < rate)
        cases += loses
    kept = np.full(len(per), np.nan)
    kept[pairs] = np.where(cases > 0, stayed / np.maximum(cases, 1), np.nan)
    return np.where(per["called"], kept, np.nan)
