"""Grit: by how many standard deviations of similarity to controls are the wells of a perturbation more alike to each other?

    z_ij = (r_ij - mean_c r_ic) / sd_c r_ic,     grit of well i = mean over other wells j of z_ij,     grit = mean over wells i

r is Pearson's correlation over features, c runs over negative controls, the standard deviation divides by their number (cytominer-eval's
`grit`). By default the controls are those of the plates on which the perturbation stands; with `controls = "all"` they are those of
the whole table, as in cytominer-eval.

The null is control positions: the same well of several plates plays a perturbation, against the controls without it. So a position that
is alike on all plates counts in the null as it does in the score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, control_groups, inputs, tidy
from impasto.evaluation import replicate_sets as of_replicates
from impasto.evaluation.control_groups import CONTROL_GROUPS
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.percent_replicating import correlated
from impasto.evaluation.positions import CALLED_AT, FEWEST_POSITIONS
from impasto.evaluation.replicate_sets import ReplicateSets, Rows
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError
from impasto.statistics import counted, discovery, jackknife, permutation, shuffles
from impasto.statistics.jackknife import LeftOut

TASK = "grit"
Controls = Literal["plates", "all"]
_BLOCK = 2**13
_CONSTANT = 1e-6
"""A standard deviation of correlations below it is rounding: all controls are alike."""
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    controls: Controls = "plates",
    pool_doses: bool = False,
    same_as: SameAs = "name",
    seed: int = 0,
    with_baselines: bool = True,
) -> Result:
    """Mean grit and the share of perturbations above control positions, beside the baselines.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked.
    controls
        Those of the plates of a perturbation, or all of the table.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    seed
        Of groups of units, and of the groups of controls where perturbations change their position.
    with_baselines
        Whether baselines are scored too.

    Returns
    -------
    Result
        Mean grit, whose chance is the mean grit of control positions, and the share with p of .05 or less. `per_group`: one row a
        perturbation (wells, grit, p, corrected p). `per_well`: the grit of each well.

    Raises
    ------
    InputError
        Where there are no negative controls, no perturbation has two wells, or all controls are alike.

    """
    profiles, merged = inputs.named(profiles, same_as, task=TASK)
    sets = of_replicates.replicate_sets(profiles.obs, task=TASK, pool_doses=pool_doses, least=2, with_controls=True)
    views = {OWN: wells.finite(profiles, task=TASK), **(dict(baselines.stand_ins(profiles)) if with_baselines else {})}
    everywhere = controls == "all"
    played = sets.played_by_controls(seed=seed)
    if len(played) < FEWEST_POSITIONS:
        say(f"{len(played)} control positions can play a perturbation, and {FEWEST_POSITIONS} are needed: grit has no p-values here")
        played = []
    name = f"controls of {'its plates' if controls == 'plates' else 'all plates'}"
    name += inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    scores: list[Score] = []
    per, of_wells = pd.DataFrame(), pd.DataFrame()
    for group, values in views.items():
        # Of two or three numbers less their mean little is left: stand-ins are compared by cosine, as elsewhere.
        vectors = correlated(values) if group == OWN else ranking.unit(values)
        against = Against.of(vectors, sets, everywhere=everywhere, seed=seed)
        table, each, nulls = _table(against, sets, played, everywhere=everywhere)
        if table.empty:
            if group != OWN:
                continue
            raise InputError(f"{TASK}: the controls of each plate are all alike, so nothing can be measured in their deviations")
        scores += _scores(table, nulls, against, sets, name, group, seed=seed)
        if group == OWN:
            per, of_wells = table, each
    places = profiles.obs.iloc[of_wells["row"]][
        [w for w in (*wells.keys_of_plate(profiles.obs), schema.WELL, schema.PERTURBATION) if w in profiles.obs]
    ].reset_index(drop=True)
    return Result.of(
        scores,
        per_group=per.drop(columns=["number", "reached", "null"]).assign(profiles=OWN, protocol=name),
        per_well=places.assign(grit=of_wells["grit"], profiles=OWN),
        tables={"merged": merged},
    )


@dataclass(frozen=True)
class Against:
    """How alike wells are to the controls, in sums over groups of controls.

    Attributes
    ----------
    vectors
        Unit rows (n, features).
    controls, cell
        The rows of controls, and the group of each: its plate's number times `CONTROL_GROUPS`, plus its group on the plate.
    allowed
        (n, cells) which groups a row is compared with.
    number
        (cells,) how many controls each holds.
    total, square
        (n, cells) sums of correlations and of their squares; zero for rows of no set.

    """

    vectors: Floats
    controls: Rows
    cell: Rows
    allowed: npt.NDArray[np.bool_]
    number: Numbers
    total: Numbers
    square: Numbers

    @classmethod
    def of(cls, vectors: Floats, sets: ReplicateSets, /, *, everywhere: bool, seed: int) -> Against:
        """The controls of some sets.

        Parameters
        ----------
        vectors
            Unit rows (n, features).
        sets
            The perturbations.
        everywhere
            Whether a well is compared with the controls of all plates.
        seed
            Of the groups of controls.

        Returns
        -------
        Against
            The sums of correlations, group by group.

        """
        rows = np.flatnonzero(sets.controls)
        cell = control_groups.of_wells(sets, seed=seed)[rows]
        cells = len(sets.plates) * CONTROL_GROUPS
        one_hot = (cell[:, None] == np.arange(cells)).astype(np.float64)
        total, square = np.zeros((len(vectors), cells)), np.zeros((len(vectors), cells))
        allowed = np.full((len(vectors), cells), everywhere)
        tested_rows = np.concatenate(sets.members)
        for start in range(0, len(tested_rows), _BLOCK):
            block = tested_rows[start : start + _BLOCK]
            similarity = (vectors[block] @ vectors[rows].T).astype(np.float64)
            total[block], square[block] = similarity @ one_hot, similarity**2 @ one_hot
        if not everywhere:
            for members in sets.members:
                plates = np.unique(sets.plate[members])
                allowed[np.ix_(members, (plates[:, None] * CONTROL_GROUPS + np.arange(CONTROL_GROUPS)).ravel())] = True
        return cls(vectors, rows, cell, allowed, one_hot.sum(axis=0), total, square)

    def of_wells(self, members: Rows, /, *, without: int | None = None) -> Numbers:
        """The grit of each well of a set of rows.

        Parameters
        ----------
        members
            The rows of a perturbation.
        without
            A group of controls that is left out.

        Returns
        -------
        Numbers
            (K,) grit; NaN where the controls are all alike.

        """
        own = self.vectors[members].astype(np.float64)
        replicates = ((own @ own.T).sum(axis=1) - (own**2).sum(axis=1)) / (len(members) - 1)
        used = self.allowed[members].astype(np.float64)
        if without is not None:
            used[:, without] = 0
        return _in_deviations(
            replicates, used @ self.number, (used * self.total[members]).sum(axis=1), (used * self.square[members]).sum(axis=1)
        )

    def of_played(self, members: Rows, plate: Rows, /, *, everywhere: bool) -> float:
        """The grit of a set of controls that plays a perturbation, against other controls.

        Parameters
        ----------
        members
            The rows of the set.
        plate
            (n,) the plate of each row, as a code.
        everywhere
            Whether controls of all plates are compared with, and not only those of the set's plates.

        Returns
        -------
        float
            The mean over the wells of the set.

        """
        others = self.controls[~np.isin(self.controls, members)]
        if not everywhere:
            others = others[np.isin(plate[others], plate[members])]
        own = self.vectors[members].astype(np.float64)
        similarity = own @ self.vectors[others].T.astype(np.float64)
        replicates = ((own @ own.T).sum(axis=1) - (own**2).sum(axis=1)) / (len(members) - 1)
        number = np.full(len(members), float(len(others)))
        return float(_in_deviations(replicates, number, similarity.sum(axis=1), (similarity**2).sum(axis=1)).mean())


def _in_deviations(replicates: Numbers, number: Numbers, total: Numbers, square: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / number
        deviation = np.sqrt(np.maximum(square / number - mean**2, 0))
        return np.where(deviation > _CONSTANT, (replicates - mean) / deviation, np.nan)


def _table(
    against: Against, sets: ReplicateSets, played: list[Rows], *, everywhere: bool
) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, Numbers]]:
    """One row a perturbation, one row a well, and the grit (played,) of control positions of as many wells, by their number.

    Wells whose controls are all alike are left out.
    """
    rows, each = [], []
    null_of: dict[int, Numbers] = {}
    for number, (name, members) in enumerate(zip(sets.names, sets.members, strict=True)):
        grits = against.of_wells(members)
        if np.isnan(grits).all():
            continue
        grit = float(np.nanmean(grits))
        size = len(members)
        if size not in null_of:
            # A played set of more wells is cut to this size; one of fewer varies more, so its p errs on the safe side.
            null_of[size] = np.array([against.of_played(own[:size], sets.plate, everywhere=everywhere) for own in played])
        null = null_of[size][np.isfinite(null_of[size])]
        p = permutation.p_value(grit, null) if len(null) >= FEWEST_POSITIONS else float("nan")
        reached = int((null >= grit - permutation.ROUNDING).sum())
        rows.append((number, name, size, grit, p, reached, float(null.mean()) if len(null) else float("nan")))
        each += list(zip(members, grits, strict=True))
    table = pd.DataFrame(rows, columns=["number", schema.PERTURBATION, "wells", "grit", "p_value", "reached", "null"])
    table["corrected_p_value"] = discovery.corrected(table["p_value"].to_numpy(dtype=np.float64))
    return table, pd.DataFrame(each, columns=["row", "grit"]), null_of


def _scores(
    table: pd.DataFrame, nulls: Mapping[int, Numbers], against: Against, sets: ReplicateSets, name: str, group: str, /, *, seed: int
) -> list[Score]:
    part = sets.part(table["number"].to_numpy())
    values, p = table["grit"].to_numpy(), table["p_value"].to_numpy()
    left = part.left_out(values, seed=seed)
    strata = _without_controls(against, part, float(values.mean()))
    around = jackknife.of_score([left, strata], unit=f"{part.units.word} and {control_groups.WELL}", share=False)
    chance = float(table["null"].mean()) if table["null"].notna().any() else None
    p_chance = None
    null = nulls[int(table["wells"].mode().iloc[0])]
    null = null[np.isfinite(null)]
    if len(null) >= FEWEST_POSITIONS and group == OWN:
        # Were perturbations no more than control positions, any of both could have been called perturbations.
        both = np.concatenate([values, null])
        drawn = shuffles.above_chance(float(values.mean()), lambda rng: float(rng.permutation(both)[: len(values)].mean()), seed=seed)
        p_chance = drawn.p
    scores = [
        tidy.score(
            *(TASK, name, group, "mean grit", float(values.mean()), around),
            chance=chance,
            n=len(values),
            p_chance=p_chance,
            parts=[left, *strata],
            units=part.units.digest,
        )
    ]
    if np.isfinite(p).all():
        above = p <= CALLED_AT
        metric = f"share with p <= {CALLED_AT:g} by control positions"
        beside = counted.variance(table["reached"].to_numpy(), above, of=len(null))
        left = part.left_out(above.astype(np.float64), seed=seed)
        around = jackknife.of_score(left, unit=f"{part.units.word} and {control_groups.POSITION}", beside=beside)
        scores.append(tidy.score(TASK, name, group, metric, float(above.mean()), around, chance=CALLED_AT, n=len(p)))
    return scores


def _without_controls(against: Against, sets: ReplicateSets, whole: float) -> list[LeftOut]:
    """Mean grit without a group of the controls of one plate, plate by plate."""
    strata = []
    for code in np.unique(against.cell // CONTROL_GROUPS):
        cells = [c for c in range(code * CONTROL_GROUPS, (code + 1) * CONTROL_GROUPS) if against.number[c]]
        single = [np.mean([np.nanmean(against.of_wells(rows, without=c)) for rows in sets.members]) for c in cells]
        strata.append(LeftOut(whole, np.array(single), None, int(against.number[cells].sum()), control_groups.WELL))
    return strata
