"""A planner: how many of perturbations like these would be called hits on n plates of c controls each?

Effects and noise are those of the table. x = features in units of their spread about their plate, in principal components, about the mean
of the plate's controls; of a perturbation of K wells

    effect = mean of x, its length made unbiased: times sqrt(max(T, 0)) / |mean of x|,   T = mean over pairs of wells of x_a . x_b
    noise  = residuals (x - mean of x) sqrt(K / (K - 1)),  less what all residuals of a plate share

A simulated perturbation is one effect and one residual a plate. A simulated control position is the effect of a control position (what its
place does on all plates) and residuals. Each simulated screen is put to `hits` as it is. The row `no effect` gives perturbations the
effect of control positions instead: what is called there is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.correction import spared
from impasto.evaluation import calls, inputs, positions, tidy
from impasto.evaluation.clouds import Clouds
from impasto.evaluation.design import design
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.positions import CALLED_AT
from impasto.evaluation.replicate_sets import ReplicateSets, Rows, replicate_sets
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError
from impasto.statistics import resplits

TASK = "power"
NO_EFFECT = "no effect"
MOST = 200
"""So many perturbations at most are simulated: more give no other power, and take longer."""
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    plates: list[int] | None = None,
    controls: list[int] | None = None,
    wells_a_plate: int = 1,
    runs: int = 10,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    components: int = 50,
    draws: int = 5000,
    rate: float = 0.05,
    seed: int = 0,
) -> Result:
    """Power of `hits` at numbers of plates and controls, simulated by the effects and residuals of this table.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked and perturbations of two wells.
    plates
        Numbers of plates; 2, 3 and 4 by default.
    controls
        Numbers of negative controls a plate; 16, 32 and 64 by default.
    wells_a_plate
        Wells of a perturbation on each plate.
    runs
        Screens that are simulated for each design.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    components
        Principal components of effects and noise.
    draws
        Size of the null of `hits`.
    rate
        False discovery rate below which a perturbation is a hit.
    seed
        Of the simulation.

    Returns
    -------
    Result
        Scores, one protocol a design: `power`, the share of perturbations with an effect that are called, and of those without one the
        share with p of .05 or less (chance .05). `per_group`: one row a perturbation and design.

    Raises
    ------
    InputError
        Without controls or replicates, where a correction learned from all controls, so that none shows what nothing looks like, or where
        no perturbation has an effect.

    """
    plates, controls = plates or [2, 3, 4], controls or [16, 32, 64]
    numbers = {"plates": (plates, 1), "controls": (controls, 2), "wells_a_plate": ([wells_a_plate], 1), "runs": ([runs], 2)}
    for word, (values, least) in numbers.items():
        if min(values) < least:
            raise InputError(f"{word} is {min(values)}; it is {least} or more")
    if MOST * wells_a_plate + max(controls) > schema.ROWS * schema.COLUMNS:
        raise InputError(
            f"{max(controls)} controls and {MOST} perturbations in {wells_a_plate} wells are more than a plate holds "
            f"({schema.ROWS * schema.COLUMNS}); ask for fewer"
        )
    if min(plates) * wells_a_plate < 2:
        raise InputError("one plate of one well is no replicate, and hits needs two; say --set plates=[2,3], or --set wells_a_plate=2")
    profiles = inputs.as_profiles(profiles, task=TASK)
    wells.require(profiles.obs, [schema.PERTURBATION], task=TASK)
    if spared.none_judges(profiles):
        raise InputError(f"nothing can be planned by these profiles: {spared.NONE_JUDGES}")
    profiles, merged = inputs.merged(profiles, same_as)
    sets = replicate_sets(profiles.obs, task=TASK, pool_doses=pool_doses, least=2, with_controls=True)
    measured = Measured.of(profiles, sets, components=components, seed=seed)
    acting = int(measured.acts.sum())
    say(f"{acting} of {len(measured.acts)} perturbations have an effect beyond control positions; the others count as inert")
    if not measured.acts.any():
        raise InputError("no perturbation is more alike over its wells than control positions are, so there is no effect to plan for")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(sets.names))[:MOST])
    scores: list[Score] = []
    details = []
    for number in plates:
        for count in controls:
            design_of = Planned(number, count, wells_a_plate)
            called, p = np.zeros(len(chosen)), np.zeros((runs, len(chosen)))
            for run in range(runs):
                hit, p[run] = _run(measured, chosen, design_of, draws=draws, rate=rate, seed=seed + run)
                called += hit / runs
            scores += _scores(measured.acts[chosen], called, p, sets.part(chosen), design_of, rate=rate, seed=seed)
            of_design = {"plates": number, "controls": count, "profiles": OWN, "protocol": design_of.protocol(rate)}
            columns = {schema.PERTURBATION: [sets.names[i] for i in chosen], "acts": measured.acts[chosen], "called": called}
            details.append(pd.DataFrame(columns).assign(**of_design))
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True), tables={"merged": merged})


@dataclass(frozen=True)
class Planned:
    """A design: plates, controls a plate, and wells of a perturbation a plate.

    Attributes
    ----------
    plates
        How many.
    controls
        Negative controls a plate.
    wells
        Wells of a perturbation a plate.

    """

    plates: int
    controls: int
    wells: int

    def protocol(self, rate: float, /) -> str:
        """The design in words.

        Parameters
        ----------
        rate
            The false discovery rate.

        Returns
        -------
        str
            The words.

        """
        of_plate = f", {self.wells} wells of each a plate" if self.wells > 1 else ""
        return f"hits on {self.plates} plates of {self.controls} controls{of_plate}, false discovery {rate:g} over the run"


@dataclass(frozen=True)
class Measured:
    """What a table shows of effects and noise, in d components.

    Attributes
    ----------
    effects
        (perturbations, d).
    acts
        (perturbations,) whose wells are more alike than those of 95 in 100 control positions; of any length above 0 without such.
    of_positions
        (positions, d) effects of control positions; one of zero where none can be measured.
    residuals
        (wells, d) noise of a well.

    """

    effects: Numbers
    acts: npt.NDArray[np.bool_]
    of_positions: Numbers
    residuals: Numbers

    @classmethod
    def of(cls, profiles: anndata.AnnData, sets: ReplicateSets, /, *, components: int, seed: int) -> Measured:
        """Measure a table.

        Parameters
        ----------
        profiles
            n wells.
        sets
            Its perturbations.
        components
            How many at most.
        seed
            Of dealing controls where perturbations change their position.

        Returns
        -------
        Measured
            Effects and noise.

        Raises
        ------
        InputError
            Where no feature varies.

        """
        used = sets.controls.copy()
        used[np.concatenate(sets.members)] = True
        cloud = Clouds(profiles.obs, np.arange(len(profiles))[:, None])
        points = cloud.points(wells.finite(profiles, task=TASK), sets.plate, used, components=components)
        if points is None:
            raise InputError(f"none of {profiles.n_vars} features varies between wells of a plate, so there is nothing to plan by")
        x = points[:, 0]
        for code in np.unique(sets.plate[used]):
            x[used & (sets.plate == code)] -= x[sets.controls & (sets.plate == code)].mean(axis=0)
        played = sets.played_by_controls(seed=seed)
        effects, likeness = _effects(x, sets.members)
        of_positions, of_controls = _effects(x, played) if played else (np.zeros((1, x.shape[1])), np.zeros(1))
        residuals = _residuals(x, [*sets.members, *played], sets.plate)
        return cls(effects, likeness > np.quantile(of_controls, 1 - CALLED_AT), of_positions, residuals)


def _effects(x: Numbers, sets: list[Rows]) -> tuple[Numbers, Numbers]:
    """The effect of each set of wells, and its squared length without bias."""
    means = np.stack([x[rows].mean(axis=0) for rows in sets])
    likeness = np.array([((x[r].sum(axis=0) ** 2).sum() - (x[r] ** 2).sum()) / (len(r) * (len(r) - 1)) for r in sets])
    lengths = np.sqrt((means**2).sum(axis=1))
    scale = np.sqrt(np.maximum(likeness, 0)) / np.where(lengths > 0, lengths, 1)
    return means * scale[:, None], likeness


def _residuals(x: Numbers, sets: list[Rows], plate: Rows) -> Numbers:
    """Residuals of all wells of the sets, each with the variance of a well."""
    rest = np.concatenate([(x[r] - x[r].mean(axis=0)) * np.sqrt(len(r) / (len(r) - 1)) for r in sets])
    codes = plate[np.concatenate(sets)]
    for code in np.unique(codes):
        rest[codes == code] -= rest[codes == code].mean(axis=0)
    return rest


def simulated(measured: Measured, chosen: Rows, design_of: Planned, /, *, seed: int) -> anndata.AnnData:
    """One screen of a design.

    Parameters
    ----------
    measured
        Effects and noise.
    chosen
        Which perturbations it holds; inert ones are given the effect of a control position.
    design_of
        The design.
    seed
        Of the drawing.

    Returns
    -------
    anndata.AnnData
        Profiles: every perturbation and control position at one place on all plates.

    """
    rng = np.random.default_rng(seed)
    positions_drawn = measured.of_positions[rng.integers(0, len(measured.of_positions), len(chosen) + design_of.controls)]
    of_perturbations = np.where(measured.acts[chosen, None], measured.effects[chosen], positions_drawn[: len(chosen)])
    effects = np.concatenate([np.repeat(of_perturbations, design_of.wells, axis=0), positions_drawn[len(chosen) :]])
    names = [f"p{i:05d}" for i in chosen for _ in range(design_of.wells)] + ["control"] * design_of.controls
    kinds = [schema.TRT] * (len(names) - design_of.controls) + [schema.NEGCON] * design_of.controls
    places = [schema.format_well(*divmod(at, schema.COLUMNS)) for at in range(len(names))]
    values = [effects + measured.residuals[rng.integers(0, len(measured.residuals), len(names))] for _ in range(design_of.plates)]
    one = pd.DataFrame({schema.WELL: places, schema.PERTURBATION: names, schema.CONTROL_TYPE: kinds})
    obs = pd.concat([one.assign(**{schema.PLATE: f"P{plate}"}) for plate in range(design_of.plates)], ignore_index=True)
    return anndata.AnnData(X=np.concatenate(values).astype(np.float32), obs=obs.rename(index=str))


def _run(
    measured: Measured, chosen: Rows, design_of: Planned, /, *, draws: int, rate: float, seed: int
) -> tuple[npt.NDArray[np.bool_], Numbers]:
    """Which perturbations are called on one simulated screen, and their p. A screen that is not calibrated calls none."""
    data = simulated(measured, chosen, design_of, seed=seed)
    where = design(data, pool_doses=False, by_batch=False, seed=seed)
    which = positions.played(where, seed=seed)
    made = calls.call(data.X, where, which, test="auto", components=data.n_vars, draws=draws, rate=rate, seed=seed)
    per = made.per.set_index(schema.PERTURBATION).loc[[f"p{i:05d}" for i in chosen]]
    return per["called"].to_numpy(dtype=bool) & made.calibrated, per["p"].to_numpy(dtype=np.float64)


def _scores(
    acts: npt.NDArray[np.bool_], called: Numbers, p: Numbers, sets: ReplicateSets, design_of: Planned, /, *, rate: float, seed: int
) -> list[Score]:
    scores = []
    protocol = design_of.protocol(rate)
    with_effect = np.flatnonzero(acts)
    if len(with_effect):
        part = sets.part(with_effect)
        values = called[with_effect]
        row = (TASK, protocol, OWN, "power", float(values.mean()), part.mean(values, seed=seed, share=True))
        parts = [part.left_out(values, seed=seed)]
        scores.append(tidy.score(*row, chance=0.0, n=len(values), parts=parts, units=part.units.digest))
    inert = np.flatnonzero(~acts)
    if len(inert):
        # Perturbations of one screen are judged by the same controls, so screens are what was sampled.
        values = (p[:, inert] <= CALLED_AT).mean(axis=1)
        around = resplits.of_repeats(values, unit="simulated screen", share=True)
        row = (TASK, protocol, NO_EFFECT, f"share with p <= {CALLED_AT:g}", float(values.mean()), around)
        scores.append(tidy.score(*row, chance=CALLED_AT, n=len(inert)))
    return scores
