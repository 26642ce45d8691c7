"""Beyond controls: the share of a perturbation's wells that lie farther out than nearly all negative controls of their plate.

The distance of a well is that from the mean of the plate's negative controls. A well lies beyond them where it is farther than the
quantile (.95) of the controls' own distances. Chance is one minus the quantile. Controls that no correction learned from are used
where there are some. The mean is taken over perturbations, and so is its interval.
"""

from __future__ import annotations

from typing import Annotated

import anndata
import numpy as np
import numpy.typing as npt
from pydantic import Field

from impasto import wells
from impasto.evaluation import inputs
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

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
        Of the bootstrap.

    Returns
    -------
    The mean share; `per_group`, one row a perturbation; `per_well`, one row a treated well. Raises InputError where a plate has
    treated wells and no negative controls.

    """
    profiles = inputs.as_profiles(profiles, task=TASK)
    treated = wells.treated(profiles.obs)
    if not treated.any():
        raise InputError(f"{TASK} needs treated wells, and the table has none; join the annotation with --platemap")
    beyond = _beyond(profiles, quantile=quantile)[treated]
    names = wells.replicates(profiles.obs)[treated]
    per_well = profiles.obs[treated].assign(perturbation=names, beyond=beyond)
    per_group = per_well.groupby("perturbation")["beyond"].agg(share="mean", wells="size").reset_index()
    low, high = interval(per_group["share"].to_numpy(), seed=seed)
    protocol = f"quantile {quantile:g}{inputs.dose_words(profiles.obs, pool_doses=False)}"
    score = Score(TASK, protocol, OWN, "share beyond", float(per_group["share"].mean()), low, high, 1 - quantile, len(per_group))
    return Result.of([score], per_group=per_group, per_well=per_well)


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
