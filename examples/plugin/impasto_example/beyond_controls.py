"""Beyond controls: the share of a perturbation's wells that lie farther out than nearly all negative controls of their plate.

The distance of a well is that from the mean of the plate's negative controls. A well lies beyond them where it is farther than the
quantile (.95) of the controls' own distances. Chance is one minus the quantile. Controls that no correction learned from are used
where there are some. The mean is taken over perturbations, and its interval leaves groups of them out, with all of their doses.
"""

from __future__ import annotations

from typing import Annotated

import anndata
import numpy as np
import numpy.typing as npt
from pydantic import Field

from impasto import schema, wells
from impasto.evaluation import inputs, tidy, units
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.schema import InputError
from impasto.statistics import jackknife

TASK = "beyond-controls"


def evaluate(profiles: Table, /, *, quantile: Annotated[float, Field(gt=0, lt=1)] = 0.95, seed: int = 0) -> Result:
    """Score how many wells lie beyond the controls of their plate.

    Parameters
    ----------
    profiles
        One row a well.
    quantile
        Of the controls' distances, 0 to 1.
    seed
        Of the groups of perturbations.

    Returns
    -------
    The mean share; `per_group`, one row a perturbation; `per_well`, one row a treated well. Raises InputError where a plate has
    treated wells and no negative controls.

    """
    profiles = inputs.as_profiles(profiles, task=TASK)
    wells.require(profiles.obs, [schema.PERTURBATION], task=TASK)
    treated = wells.treated(profiles.obs)
    if not treated.any():
        raise InputError(f"{TASK} needs treated wells, and the table has none; join the annotation with --platemap")
    beyond = _beyond(profiles, quantile=quantile)[treated]
    names = wells.replicates(profiles.obs)[treated]
    per_well = profiles.obs[treated].assign(perturbation=names, beyond=beyond)
    per_well["unit"] = wells.compounds(profiles.obs)[treated].astype(str)
    per_group = (
        per_well.groupby("perturbation").agg(share=("beyond", "mean"), wells=("beyond", "size"), unit=("unit", "first")).reset_index()
    )
    share, sampled = per_group["share"].to_numpy(), units.named(per_group["unit"].to_numpy(dtype=str), word="perturbation")

    def score(keep: npt.NDArray[np.bool_]) -> float:
        return float(share[keep[sampled.of]].mean())

    left = jackknife.leave_out(score, len(sampled), seed=seed, pairs=False)
    around = jackknife.of_score(left, unit=sampled.word)
    protocol = f"quantile {quantile:g}{inputs.dose_words(profiles.obs, pool_doses=False)}"
    row = (TASK, protocol, OWN, "share beyond", float(share.mean()), around)
    mean = tidy.score(*row, chance=1 - quantile, n=len(share), parts=[left], units=sampled.digest)
    per_group, per_well = per_group.drop(columns="unit"), per_well.drop(columns="unit")
    return Result.of([mean], per_group=per_group, per_well=per_well)


def _beyond(profiles: anndata.AnnData, /, *, quantile: float) -> npt.NDArray[np.bool_]:
    """Whether each row (n,) is farther from the controls' mean of its plate than the quantile of the controls' own distances."""
    values = wells.finite(profiles, task=TASK).astype(np.float64)
    treated, controls = wells.treated(profiles.obs), wells.unseen_negative(profiles.obs)
    codes, names = wells.plates(profiles.obs)
    beyond = np.zeros(len(values), dtype=bool)
    for plate in np.unique(codes[treated]):
        rows, reference = codes == plate, (codes == plate) & controls
        if not reference.any():
            raise InputError(f"{TASK}: the plate {names[plate]} has no negative controls; mark them when you read the table: --negcon DMSO")
        distance = np.linalg.norm(values - values[reference].mean(axis=0), axis=1)
        beyond[rows] = distance[rows] > np.quantile(distance[reference], quantile)
    return beyond
