"""How far a perturbation's wells lie from their plates' controls, and how far chance alone would put them.

    d = |Σ_plates (mean of treated - mean of controls)| / (P √features)
    c² = Σ_plates tr(S_p) (1/k_p + 1/c_p) / (P² features)

S_p is the covariance of the judging controls of plate p, k_p treated wells stand beside c_p controls, on P plates. Where treated wells are
just more controls, the mean of d² is c². Both are in units of the profiles: of standardized ones, the standard deviation of a feature.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto.evaluation.design import Design
from impasto.evaluation.distance import pools

Numbers = npt.NDArray[np.float64]


def shifts(values: npt.NDArray[np.floating], where: Design, /) -> tuple[Numbers, Numbers]:
    """Distance and distance by chance of every perturbation of a design.

    Parameters
    ----------
    values
        (n, features) of all wells.
    where
        The design.

    Returns
    -------
    distances, by_chance : Numbers
        (perturbations,) NaN where no plate has controls; by chance also where each plate has a single one.

    """
    judges = where.judges()
    scatter = {code: _scatter(values[judges & (where.plate == code)]) for code in np.unique(where.plate[judges])}
    distances, by_chance = (np.full(len(where.members), np.nan) for _ in range(2))
    for number, rows in enumerate(where.members):
        sides = pools(rows, judges, where)
        if not sides:
            continue
        apart = [values[own].mean(axis=0, dtype=np.float64) - values[controls].mean(axis=0, dtype=np.float64) for own, controls in sides]
        spread = [scatter[int(where.plate[own[0]])] * (1 / len(own) + 1 / len(controls)) for own, controls in sides]
        distances[number] = np.linalg.norm(np.mean(apart, axis=0)) / np.sqrt(values.shape[1])
        by_chance[number] = np.sqrt(np.sum(spread) / values.shape[1]) / len(sides)
    return distances, by_chance


def _scatter(controls: npt.NDArray[np.floating]) -> float:
    """The trace of the covariance of some wells; NaN of a single one."""
    return float(controls.var(axis=0, ddof=1, dtype=np.float64).sum()) if len(controls) > 1 else float("nan")
