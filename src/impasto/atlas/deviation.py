"""How far a well lies from the negative controls of its plate, in their own spread.

    z = (d - median of d over the controls) / (1.4826 median |d - median|)

d is the distance to the mean of the plate's controls in the first principal components of all wells; for a control, to the mean of the
others. It ranks wells for the eye (a map, a plate); hits are called by `evaluate hits`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import mapped, wells
from impasto.evaluation.distance import scores_of_components
from impasto.evaluation.layout import parted

Numbers = npt.NDArray[np.float64]
COMPONENTS = 50
FEWEST = 3
"""A plate with fewer controls has no spread."""
TO_SD = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""


def of_wells(values: npt.NDArray[np.float32], obs: pd.DataFrame, /) -> Numbers:
    """The deviation of every well.

    Parameters
    ----------
    values
        (n, features), finite.
    obs
        Annotation of the n wells.

    Returns
    -------
    Numbers
        (n,) in standard deviations of the plate's controls; NaN on a plate with fewer than three, or where they do not differ.

    """
    z = np.full(len(obs), np.nan)
    controls = wells.unseen_negative(obs)
    plate, _ = wells.plates(obs)
    if not controls.any() or not (mapped.spread(values)[1] > 0).any():
        return z
    space = scores_of_components(values, COMPONENTS)
    judging = parted(np.flatnonzero(controls), plate)
    for code, here in parted(np.arange(len(plate)), plate).items():
        judges = judging.get(code, here[:0])
        if len(judges) >= FEWEST:
            z[here] = _of_plate(space, here, judges)
    return z


def _of_plate(space: Numbers, here: npt.NDArray[np.intp], judges: npt.NDArray[np.intp]) -> Numbers:
    total, count = space[judges].sum(axis=0), len(judges)
    is_judge = np.isin(here, judges)[:, None]
    centre = np.where(is_judge, (total - space[here]) / (count - 1), total / count)
    distance = np.linalg.norm(space[here] - centre, axis=1)
    own = distance[is_judge[:, 0]]
    middle = np.median(own)
    spread = TO_SD * np.median(np.abs(own - middle))
    return (distance - middle) / spread if spread > 0 else np.full(len(here), np.nan)
