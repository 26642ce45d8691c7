"""Do the wells of a perturbation come from where its plates' controls come from? Energy distance, or sliced 2-Wasserstein.

Both see a shift, a spread and a split alike, where a mean sees the shift only. Wells are first written about the mean of all wells of their
plate, in units of the spread about it, in the first principal components: nothing of this knows which wells were treated. Under the null
hypothesis the treated wells of a plate could be any of its treated wells and controls, so the p-value counts such choices
(`statistics.choices`), plate by plate. Benjamini and Hochberg over the run.

In a table of cells a well is a cloud of as many cells as every other, and wells change places, not cells: cells of one well are no
replicates of each other.

Where a correction learned from the controls that judge, or control positions are called too often, the run is NOT CALIBRATED and calls
no perturbation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.correction import spared
from impasto.evaluation import baselines, control_groups, inputs, sliced_wasserstein, tidy
from impasto.evaluation.clouds import Clouds
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.layout import by_place
from impasto.evaluation.measures import Energy, Measure, Sliced
from impasto.evaluation.positions import CALLED_AT, FEWEST_POSITIONS, MOST_CALLED
from impasto.evaluation.protocols import Distributions
from impasto.evaluation.reasons import NOT_CALIBRATED
from impasto.evaluation.replicate_sets import ReplicateSets, Rows, replicate_sets
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError, one_of
from impasto.statistics import choices, discovery, interval, jackknife
from impasto.statistics.choices import of_choices
from impasto.statistics.permutation import Permuted

TASK = "distributions"
PROTOCOLS = get_args(Distributions)
NAMES = {"energy": "energy distance", "wasserstein": "sliced 2-Wasserstein"}
POSITIONS = "control positions"
"""The group of control wells that play perturbations: what the test calls for a position alone."""
MOST_COUNTED = 20_000
"""So many choices at most are counted one by one, and so many drawn by default: a p-value below one in as many is never needed here."""
MOST_COUNTED_WITHOUT, FEWEST_DRAWN_WITHOUT, _FINER = 2_000, 999, 4
"""The same without groups of controls, of a distance that takes long: with 64 controls on three plates there are 24 groups."""
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Distributions = "energy",
    least: int = 3,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    components: int = 50,
    directions: int = 32,
    cells: int = 50,
    draws: int = 9999,
    rate: float = 0.05,
    seed: int = 0,
    with_baselines: bool = True,
) -> Result:
    """The share of perturbations whose wells differ in distribution from their plates' controls, beside the baselines.

    Parameters
    ----------
    profiles
        One row a well, or a cell, with negative controls marked.
    protocol
        `energy` or `wasserstein` distance.
    least
        How many wells a perturbation needs.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    components
        Principal components that distances are measured in.
    directions
        Of the sliced distance.
    cells
        In a table of cells, how many a well are compared; wells with fewer than most have are left out and counted.
    draws
        How many choices are drawn at most where they are too many to be counted.
    rate
        False discovery rate below which a perturbation is called.
    seed
        Of draws, cells and directions.
    with_baselines
        Whether baselines are scored too.

    Returns
    -------
    Result
        The share called, and the share with p of .05 or less (chance .05). `per_group`: one row a perturbation (wells, controls,
        distance, p, floor, exact, q, called).

    Raises
    ------
    InputError
        Where an option is out of its range, there are no negative controls, no perturbation has `least` wells, or no feature varies.

    """
    one_of(protocol, PROTOCOLS, what="protocol of distributions")
    for word, value, smallest in (("least", least, 2), ("components", components, 1), ("directions", directions, 1), ("cells", cells, 1)):
        if value < smallest:
            raise InputError(f"{word} is {value}; it is {smallest} or more")
    if draws < 19 or not 0 < rate < 1:
        raise InputError(f"draws is {draws} and rate is {rate:g}; draws is 19 or more, and rate lies between 0 and 1")
    profiles, merged = inputs.named(profiles, same_as, task=TASK)
    clouds = Clouds.of(profiles, cells=cells, seed=seed)
    sets = replicate_sets(clouds.obs, task=TASK, pool_doses=pool_doses, least=least, with_controls=True)
    name = f"{NAMES[protocol]}, {components} components, false discovery {rate:g} over the run"
    name += inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    own = wells.finite(profiles, task=TASK)
    views = {OWN: own, **(dict(baselines.stand_ins(profiles)) if with_baselines else {})}
    leave = control_groups.of_wells(sets, seed=seed)
    scores: list[Score] = []
    per, why_not = pd.DataFrame(), ""
    for group, values in views.items():
        points = clouds.points(values, sets.plate, sets.treated | sets.controls, components=components)
        if points is None:
            if group == OWN:
                raise InputError(f"none of {values.shape[1]} features varies between wells of a plate, so no distribution can differ")
            continue
        measure: Measure
        if protocol == "energy":
            at = pd.Series(sets.controls.astype(np.intp)).groupby(sets.plate).cumsum().to_numpy(dtype=np.intp) - 1
            measure = Energy(points, sets.plate, sets.controls, at)
        else:
            axes = sliced_wasserstein.directions(points.shape[2], directions, seed=seed)
            measure = Sliced(points @ axes)
        tests = [_tested(rows, sets, sets.controls, measure, draws=draws, seed=seed) for rows in sets.members]
        p = np.array([test.p for test in tests])
        q = discovery.corrected(p)
        rows: list[tuple[str, Callable[[Numbers], npt.NDArray[np.bool_]], float]] = [
            ("share called", lambda of: discovery.corrected(of) < rate, 0.0),
            (f"share with p <= {CALLED_AT:g}", lambda of: of <= CALLED_AT, CALLED_AT),
        ]
        if group == OWN:
            played = _called_positions(sets, measure, draws=draws, seed=seed)
            why_not = _why_not(profiles, played)
            if why_not:
                name += f", {NOT_CALIBRATED}"
                say(f"{NOT_CALIBRATED}, so no perturbation is called: {why_not}")
            scores += _of_positions(played, name)
            per = _table(sets, tests, q, rate=rate).assign(profiles=OWN, protocol=name)
            per = per.drop(columns="called") if why_not else per
        without = _without_controls(sets, measure, leave, p, draws=draws, rate=rate, seed=seed)
        for metric, called, chance in rows[1:] if why_not else rows:
            scores.append(_score(sets, metric, called, p, without, leave, (TASK, name, group), chance=chance, seed=seed))
    return Result.of(scores, per_group=per, tables={"merged": merged})


def _score(
    sets: ReplicateSets,
    metric: str,
    called: Callable[[Numbers], npt.NDArray[np.bool_]],
    p: Numbers,
    without: Numbers,
    leave: Rows,
    where: tuple[str, str, str],
    /,
    *,
    chance: float,
    seed: int,
) -> Score:
    """The share called; its interval is over perturbations and control wells."""
    flags = called(p)
    value, left = float(flags.mean()), sets.left_out(flags.astype(np.float64), seed=seed)
    column = {number: place for place, number in enumerate(np.unique(leave[leave >= 0]))}
    strata = control_groups.left_out(value, lambda number: float(called(without[:, column[number]]).mean()), leave)
    around = jackknife.of_score([left, strata], unit=f"{sets.units.word} and {control_groups.WELL}")
    row = (*where, metric, value, around)
    return tidy.score(*row, chance=chance, n=len(flags), parts=[left, *strata], units=sets.units.digest)


def _table(sets: ReplicateSets, tests: list[Permuted], q: Numbers, *, rate: float) -> pd.DataFrame:
    """One row a perturbation."""
    controls = [int(np.isin(sets.plate[sets.controls], sets.plate[rows]).sum()) for rows in sets.members]
    per = pd.DataFrame({schema.PERTURBATION: sets.names, "wells": [len(rows) for rows in sets.members], "controls": controls})
    per = per.assign(distance=[t.statistic for t in tests], p=[t.p for t in tests], floor=[t.floor for t in tests])
    return per.assign(exact=[t.exact for t in tests], q=q, called=q < rate)


def _called_positions(sets: ReplicateSets, measure: Measure, /, *, draws: int, seed: int) -> npt.NDArray[np.bool_]:
    """Of each control position that plays a perturbation, whether the same test calls it at .05; none where too few can."""
    played = sets.played_by_controls(seed=seed)
    if len(played) < FEWEST_POSITIONS:
        return np.empty(0, dtype=bool)
    called = []
    for rows in played:
        others = sets.controls.copy()
        others[rows] = False
        called.append(_tested(rows, sets, others, measure, draws=draws, seed=seed).p <= CALLED_AT)
    return np.array(called, dtype=bool)


def _why_not(profiles: anndata.AnnData, called: npt.NDArray[np.bool_]) -> str:
    """Why nothing can be called, or nothing."""
    if spared.none_judges(profiles):
        return spared.NONE_JUDGES
    if len(called) and called.mean() > MOST_CALLED:
        return (
            f"{int(called.sum())} of {len(called)} control positions have p of {CALLED_AT:g} or less; correct the position of wells "
            "(impasto correct ... --method position), or read plates of other layouts"
        )
    return ""


def _of_positions(called: npt.NDArray[np.bool_], name: str) -> list[Score]:
    """The share of control positions that the test calls; none where too few could play a perturbation."""
    if not len(called):
        return []
    around = interval.wilson(int(called.sum()), len(called), unit="position")
    metric = f"share with p <= {CALLED_AT:g}"
    return [tidy.score(TASK, name, POSITIONS, metric, float(called.mean()), around, chance=CALLED_AT, n=len(called))]


def _tested(rows: Rows, sets: ReplicateSets, controls: npt.NDArray[np.bool_], measure: Measure, /, *, draws: int, seed: int) -> Permuted:
    pool, pools = _pool(rows, sets, controls)
    return of_choices(pools, measure(pool), most_draws=draws, seed=seed, most_counted=MOST_COUNTED)


def _pool(rows: Rows, sets: ReplicateSets, controls: npt.NDArray[np.bool_]) -> tuple[Rows, list[tuple[int, int]]]:
    """The members of the test of one perturbation, plate by plate, the treated wells of each first, and how many are of each."""
    members: list[Rows] = []
    pools: list[tuple[int, int]] = []
    for code in np.unique(sets.plate[rows]):
        treated = rows[sets.plate[rows] == code]
        others = by_place(controls & (sets.plate == code), sets.order)
        members += [treated, others]
        pools.append((len(treated), len(others)))
    return np.concatenate(members), pools


def _without_controls(sets: ReplicateSets, measure: Measure, group: Rows, p: Numbers, /, *, draws: int, rate: float, seed: int) -> Numbers:
    """(perturbations, groups) p without each group of control wells; a perturbation on other plates keeps its own."""
    numbers = np.unique(group[group >= 0])
    without = np.repeat(p[:, None], len(numbers), axis=1)
    counted, drawn = MOST_COUNTED, np.full(len(p), draws)
    if measure.is_costly:
        counted, drawn = MOST_COUNTED_WITHOUT, np.minimum(draws, _enough(p, rate=rate))
    for number, rows in enumerate(sets.members):
        pool, pools = _pool(rows, sets, sets.controls)
        numbers_here, at = np.unique(group[pool], return_inverse=True)
        statistic = measure.without_groups(pool, at.ravel() - int(numbers_here[0] < 0))
        p_without = choices.without_groups(pools, statistic, most_draws=int(drawn[number]), seed=seed, most_counted=counted)
        without[number, np.searchsorted(numbers, numbers_here[numbers_here >= 0])] = p_without
    return without


def _enough(p: Numbers, *, rate: float) -> Rows:
    """(perturbations,) how many choices tell whether each is called: more where p is small, as many as one more call needs."""
    most = FEWEST_DRAWN_WITHOUT if not (called_at := discovery.largest_called(p, rate=rate)) else int(np.ceil(_FINER / called_at))
    return np.where(p > 2 * CALLED_AT, FEWEST_DRAWN_WITHOUT, max(FEWEST_DRAWN_WITHOUT, most)).astype(np.intp)
