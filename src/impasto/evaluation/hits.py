"""Hits: which perturbations differ from their plates' negative controls, and from which dose on?

Distance. On each plate, the mean of the perturbation's wells minus the mean of the plate's controls; averaged over plates; its
length, in the space of the first principal components of all wells. The p-value is that of a joint permutation: on every plate the
treated wells exchange with the plate's controls, and the length is computed again. Benjamini-Hochberg over perturbations and doses.
A well without a perturbation is never tested. The curves over doses are in `dose_response`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation import baselines, dose_response, inputs, permutation
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

TASK = "hits"
DRAWS_OF_BASELINES = 200
"""So many permutations at most for a baseline."""
PLAYED = 3
"""One in so many negative controls plays a treatment."""
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Plates:
    """What is compared: the name (n,) of what was done to each well, which wells are tested, the plate of each, and its controls."""

    names: npt.NDArray[np.str_]
    treated: npt.NDArray[np.bool_]
    plate: npt.NDArray[np.str_]
    controls: dict[str, Rows]

    @classmethod
    def of(cls, obs: pd.DataFrame, /, *, pool_doses: bool) -> Plates:
        """The plates of a table. Raises InputError where none has two negative controls."""
        codes, plates = wells.plates(obs)
        negative = np.flatnonzero(wells.unseen_negative(obs))
        controls = {plate: negative[codes[negative] == number] for number, plate in enumerate(plates)}
        if max(map(len, controls.values())) < 2:
            raise InputError("no plate has two negative controls, so nothing can be called a hit; mark them in the column control_type")
        names = wells.replicates(obs, pool_doses=pool_doses).fillna("").to_numpy(dtype=str)
        return cls(names, wells.treated(obs), np.array(plates, dtype=str)[codes], controls)


def evaluate(
    profiles: Table,
    /,
    *,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    components: int = 50,
    draws: int = 1000,
    rate: float = 0.05,
    benchmark: float = 1.349,
    seed: int = 0,
) -> Result:
    """Share of hits at a false discovery rate, beside the baselines and control wells that play a treatment.

    Parameters
    ----------
    profiles
        One row a well, with negative controls marked.
    pool_doses
        Whether all doses of a perturbation are tested as one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    components
        Principal components that distances are measured in.
    draws
        Permutations of the p-value.
    rate
        False discovery rate below which a perturbation is a hit.
    benchmark
        Response, in standard deviations of the controls, that a curve must reach.
    seed
        Of permutations and bootstrap.

    Returns
    -------
    Scores: the share of hits, that of each baseline, and how many controls played as treatments have p < `rate`.
    `per_group`: one row a perturbation and dose (distance, p, corrected p, hit). `tables`: `dose_response`, one row a curve; `merged`.
    Raises InputError where no plate has two negative controls.

    """
    profiles = inputs.as_profiles(profiles, task="calling hits")
    wells.require(profiles.obs, [schema.PERTURBATION], task="calling hits")
    wells.require_negative(profiles.obs, task="calling hits")
    profiles, merged = inputs.merged(profiles, same_as)
    plates = Plates.of(profiles.obs, pool_doses=pool_doses)
    space = scores_of_components(wells.finite(profiles, task="calling hits"), components)
    doses = inputs.dose_words(profiles.obs, pool_doses=pool_doses)
    name = f"distance to plate controls, {space.shape[1]} components, false discovery {rate:g}{doses}"
    per = _table(space, plates, draws=draws, seed=seed)
    per["hit"] = per["corrected_p_value"] < rate
    scores = [_share(per["hit"], name, OWN, "share of hits", 0.0, seed=seed)]
    for group, view in baselines.stand_ins(profiles):
        other = _table(view.astype(np.float64), plates, draws=min(draws, DRAWS_OF_BASELINES), seed=seed)
        scores.append(_share(other["corrected_p_value"] < rate, name, group, "share of hits", 0.0, seed=seed))
    played = _table(space, _controls_as_treatments(plates, seed=seed), draws=draws, seed=seed)
    if not played.empty:
        scores.append(_share(played["p_value"] < rate, name, "controls played as treatments", f"share with p < {rate:g}", rate, seed=seed))
    curves = dose_response.curves(space, profiles.obs, plates.plate, plates.controls, benchmark=benchmark)
    if not curves.empty:
        reached = curves["benchmark_concentration"].notna()
        scores.append(_share(reached, f"Hill curve, benchmark {benchmark:g} sd", OWN, "share with a benchmark dose", None, seed=seed))
    return Result.of(scores, per_group=per.assign(profiles=OWN), tables={"dose_response": curves.assign(profiles=OWN), "merged": merged})


def scores_of_components(values: Floats, components: int, /) -> Numbers:
    """The first principal components (n, k) of all rows, features scaled to one variance: treated and controls alike."""
    spread = values.std(axis=0, dtype=np.float64)
    scaled = (values[:, spread > 0] - values[:, spread > 0].mean(axis=0, dtype=np.float64)) / spread[spread > 0]
    _, vectors = np.linalg.eigh(scaled.T @ scaled)
    return np.asarray(scaled @ vectors[:, ::-1][:, :components])


def distance(space: Numbers, pools: list[tuple[Rows, Rows]], /, *, draws: int, seed: int) -> tuple[float, Numbers]:
    """The length of the mean difference from controls, and its null (draws,). `pools`: treated rows, control rows of each plate."""
    rng = np.random.default_rng(seed)
    shift = np.zeros((draws + 1, space.shape[1]))
    for treated, controls in pools:
        rows = np.concatenate([treated, controls])
        k, c = len(treated), len(controls)
        weights = np.full((draws + 1, k + c), -1 / c)
        weights[0, :k] = 1 / k
        chosen = rng.random((draws, k + c)).argpartition(k - 1, axis=1)[:, :k]
        np.put_along_axis(weights[1:], chosen, 1 / k, axis=1)
        shift += weights @ space[rows]
    lengths = np.linalg.norm(shift, axis=1) / len(pools)
    return float(lengths[0]), lengths[1:]


def _table(space: Numbers, plates: Plates, *, draws: int, seed: int) -> pd.DataFrame:
    """One row a perturbation: distance, its expectation, p, corrected p, how many wells on how many plates."""
    rows = []
    chosen = np.flatnonzero(plates.treated)
    for name, members in pd.Series(chosen).groupby(plates.names[chosen], sort=True):
        own = members.to_numpy()
        on = plates.plate[own]
        sides = [(own[on == plate], plates.controls[plate]) for plate in np.unique(on) if len(plates.controls[plate])]
        if sides:
            length, null = distance(space, sides, draws=draws, seed=seed)
            count = sum(len(treated) for treated, _ in sides)
            rows.append((name, length, float(null.mean()), permutation.p_value(length, null), count, len(sides)))
    per = pd.DataFrame(rows, columns=[schema.PERTURBATION, "distance", "expected_distance", "p_value", "wells", "plates"])
    return per.assign(corrected_p_value=permutation.corrected(per["p_value"].to_numpy(dtype=float)))


def _controls_as_treatments(plates: Plates, *, seed: int) -> Plates:
    """A third of each plate's controls, one a plate to each made-up treatment: their p-values must be uniform."""
    rng = np.random.default_rng(seed)
    names, played, rest = plates.names.astype(object), np.zeros(len(plates.treated), dtype=bool), {}
    for plate, rows in plates.controls.items():
        shuffled = rng.permutation(rows)
        taken = shuffled[: len(rows) // PLAYED]
        names[taken] = [f"control {i}" for i in range(len(taken))]
        played[taken] = True
        rest[plate] = np.sort(shuffled[len(rows) // PLAYED :])
    return Plates(names.astype(str), played, plates.plate, rest)


def _share(flags: pd.Series, name: str, group: str, metric: str, chance: float | None, *, seed: int) -> Score:
    values = flags.to_numpy(dtype=float)
    low, high = interval(values, seed=seed)
    return Score(TASK, name, group, metric, float(values.mean()), low, high, chance, len(values))
