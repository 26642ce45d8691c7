"""Replicate saturation: how do mAP and the share retrieved grow with plates, and would one more plate help?

Of each set of plates that perturbations share, n plates are drawn again and again. Replicates are ranked among the controls of their plate
(`replicates`, protocol plate-controls), and each perturbation is tested at a false discovery rate. A perturbation counts with its mean
over the draws. All numbers of plates are scored on the same perturbations, those with `most` plates, so the steps between them are
paired. The row `shuffled labels` is the same curve for wells of different perturbations: what it gains, more plates give without any
replicate. Where a correction learned from all negative controls, none of them can judge: the run says NOT CALIBRATED and has no share
retrieved.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.correction import spared
from impasto.evaluation import baselines, control_groups, inputs, permutation, retrieved, tidy
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.layout import Layout, layout
from impasto.evaluation.reasons import NOT_CALIBRATED
from impasto.evaluation.replicate_sets import ReplicateSets, Rows, replicate_sets
from impasto.evaluation.replicates import average_precisions, of_detail
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut

TASK = "saturation"
MAP, RETRIEVED = "mAP", "share retrieved"
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    most: int = 0,
    subsets: int = 5,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    draws: int = 1000,
    seed: int = 0,
    with_baselines: bool = True,
) -> Result:
    """MAP and the share retrieved at 2, 3, ... plates, each step from the number before, and the same under shuffled labels.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked.
    most
        The largest number of plates; by default the largest that half of the perturbations have.
    subsets
        How many choices of n plates at most are averaged.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    draws
        Permutations of the p-values of perturbations.
    seed
        Of choices, permutations and groups of units.
    with_baselines
        Whether the curves of position only, cell count only and shuffled labels are made too.

    Returns
    -------
    Result
        Scores: mAP and share retrieved at each number of plates, and the paired step to it. `per_group`: one row a perturbation and number
        of plates. Without the share retrieved where no control can judge.

    Raises
    ------
    InputError
        Where fewer than two plates share a perturbation.

    """
    if most < 0 or most == 1 or subsets < 1 or draws < 19:
        raise InputError(f"most is {most}, subsets is {subsets} and draws is {draws}; they are 2 or more, 1 or more, and 19 or more")
    profiles, merged = inputs.named(profiles, same_as, task=TASK)
    sets = replicate_sets(profiles.obs, task=TASK, pool_doses=pool_doses, least=2, with_controls=True)
    plates = np.array([len(set(pattern)) for pattern in sets.patterns])
    largest = most if most else int(np.median(plates))
    enough = np.flatnonzero(plates >= largest)
    if largest < 2 or not len(enough):
        raise InputError(
            f"no perturbation stands on {max(2, largest)} plates with negative controls (the most is {plates.max()}), so nothing can grow "
            "with plates; read more plates"
        )
    sets = sets.part(enough)
    where = layout(profiles.obs, level="any", pool_doses=pool_doses)
    doses = inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    metrics: tuple[str, ...] = (MAP, RETRIEVED)
    if spared.none_judges(profiles):
        metrics, doses = (MAP,), f"{doses}, {NOT_CALIBRATED}"
        say(f"{NOT_CALIBRATED}, so nothing counts as retrieved: {spared.NONE_JUDGES}")
    views = [(OWN, wells.finite(profiles, task=TASK), where)]
    if with_baselines:
        views += [(name, values, where) for name, values in baselines.stand_ins(profiles)]
        views.append((baselines.SHUFFLED, views[0][1], _shuffled(where, sets, seed=seed)))
    scores: list[Score] = []
    details = []
    for group, values, spots in views:
        before: dict[str, list[LeftOut]] = {}
        whole: dict[str, float] = {}
        for number in range(2, largest + 1):
            curve = Curve(ranking.unit(values), spots, sets, profiles.obs, subsets, draws, seed)
            per, chance, of_controls = curve.at(number, metrics, controls=group == OWN)
            protocol = f"{number} plates, plate-controls{doses}"
            for metric in metrics:
                of_each = per[metric].to_numpy()
                left = sets.left_out(of_each, seed=seed)
                strata = of_controls.get(metric, [])
                unit = f"{sets.units.word} and {control_groups.WELL}" if strata else sets.units.word
                around = jackknife.of_score([left, strata] if strata else left, unit=unit)
                by_chance = chance if metric == MAP else 0.0
                row = (TASK, protocol, group, metric, left.whole, around)
                scores.append(tidy.score(*row, chance=by_chance, n=len(per), parts=[left, *strata], units=sets.units.digest))
                if metric in before and group == OWN:
                    step = jackknife.difference([left, *strata], before[metric], unit=unit)
                    row = (TASK, protocol, group, f"{metric}, step from {number - 1} plates", left.whole - whole[metric], step)
                    scores.append(tidy.score(*row, chance=0.0, n=len(per)))
                before[metric], whole[metric] = [left, *strata], left.whole
            if group == OWN:
                details.append(per[[schema.PERTURBATION, *metrics]].assign(plates=number, profiles=OWN, protocol=protocol))
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True), tables={"merged": merged})


@dataclass(frozen=True)
class Curve:
    """Scores at each number of plates.

    Attributes
    ----------
    vectors
        Unit rows (n, features).
    where, sets, obs
        Who stands where.
    subsets, draws, seed
        As `evaluate` takes them.

    """

    vectors: Floats
    where: Layout
    sets: ReplicateSets
    obs: pd.DataFrame
    subsets: int
    draws: int
    seed: int

    def at(self, number: int, metrics: Sequence[str], /, *, controls: bool) -> tuple[pd.DataFrame, float, dict[str, list[LeftOut]]]:
        """The means over choices of `number` plates.

        Parameters
        ----------
        number
            Of plates.
        metrics
            Which scores are made without groups of controls.
        controls
            Whether any are.

        Returns
        -------
        per : pd.DataFrame
            One row a perturbation.
        chance : float
            Of its rankings.
        of_controls : dict[str, list[LeftOut]]
            The mean over perturbations without groups of control wells, by metric, one entry a plate.

        """
        names = self.sets.names
        group = control_groups.of_wells(self.sets, seed=self.seed)
        total = {MAP: np.zeros(len(names)), RETRIEVED: np.zeros(len(names))}
        less = {metric: np.zeros(int(group.max()) + 1) for metric in metrics}
        chances, count = [], np.zeros(len(names))
        choices = _choices(self.sets, number, subsets=self.subsets, seed=self.seed)
        for round_, stays in enumerate(choices):
            part = replace(self.where, treated=self.where.treated & stays)
            detail = average_precisions(self.vectors, part, protocol="plate-controls")
            per = detail.groupby(schema.PERTURBATION)[["average_precision", "chance"]].mean().reindex(names)
            p = permutation.p_values(self.vectors, part, names, draws=self.draws, seed=self.seed + round_)
            called = retrieved.called(p)
            total[MAP] += per["average_precision"].fillna(0).to_numpy()
            total[RETRIEVED] += called
            count += per["average_precision"].notna().to_numpy()
            chances.append(float(per["chance"].mean()))
            if controls:
                less[MAP] += self._map_without(detail, part, group)
                if RETRIEVED in metrics:
                    less[RETRIEVED] += self._called_without(part, group, p, round_) - called.mean()
        times = np.maximum(count, 1)
        table = pd.DataFrame({schema.PERTURBATION: names, MAP: total[MAP] / times, RETRIEVED: total[RETRIEVED] / times})
        strata = {
            metric: control_groups.left_out(whole, lambda g, m=metric, w=whole: w + float(less[m][g]) / len(choices), group)  # type: ignore[misc]
            for metric in metrics
            for whole in [float(table[metric].mean())]
        }
        return table, float(np.mean(chances)), strata if controls else {}

    def _map_without(self, detail: pd.DataFrame, part: Layout, group: Rows) -> Numbers:
        """(groups,) what mAP gains by the loss of each group of control wells."""
        scored = of_detail(detail, self.vectors, part, self.obs, protocol="plate-controls", seed=self.seed)
        gained = np.zeros(int(group.max()) + 1)
        for plate, left in scored.of_controls().items():
            numbers = np.unique(group[part.controls[plate]])
            gained[numbers] = left.single - left.whole
        return gained

    def _called_without(self, part: Layout, group: Rows, p: Numbers, round_: int) -> Numbers:
        """(groups,) the share called without each group of control wells; a group that no perturbation is compared with changes nothing."""
        without = permutation.p_values_without(self.vectors, part, self.sets.names, group, draws=self.draws, seed=self.seed + round_)
        without = np.where(np.isfinite(without), without, p[:, None])
        return np.array([retrieved.called(column).mean() for column in without.T])


def _choices(sets: ReplicateSets, number: int, /, *, subsets: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Which wells stay (n,), choice by choice: of each set of plates, the wells of its perturbations on `number` of them."""
    rng = np.random.default_rng(seed)
    of_pattern: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for pattern in sorted({tuple(sorted(set(p))) for p in sets.patterns}):
        combined = list(itertools.islice(itertools.combinations(pattern, number), 5000))
        order = rng.permutation(len(combined))
        of_pattern[pattern] = [combined[i] for i in order]
    rounds = min(subsets, max(len(combined) for combined in of_pattern.values()))
    choices = []
    for round_ in range(rounds):
        stays = np.zeros(len(sets.plate), dtype=bool)
        for rows, pattern in zip(sets.members, sets.patterns, strict=True):
            combined = of_pattern[tuple(sorted(set(pattern)))]
            stays[rows[np.isin(sets.plate[rows], combined[round_ % len(combined)])]] = True
        choices.append(stays)
    return choices


def _shuffled(where: Layout, sets: ReplicateSets, /, *, seed: int) -> Layout:
    """The same places with labels shuffled among the perturbations that share their plates, plate by plate."""
    rng = np.random.default_rng(seed)
    given = np.arange(len(where.plate))
    patterns = [tuple(sorted(set(pattern))) for pattern in sets.patterns]
    for pattern in sorted(set(patterns)):
        members = np.concatenate([rows for rows, own in zip(sets.members, patterns, strict=True) if own == pattern])
        for code in pattern:
            rows = members[sets.plate[members] == code]
            given[rows] = rng.permutation(rows)
    return replace(where, perturbation=where.perturbation[given], compound=where.compound[given])
