"""Dose and response: the curve of a compound over its doses, and the dose from which on it does something.

Where a compound has four doses or more, a well's response is its distance to the mean of its plate's other controls, in
units of how the controls themselves scatter: z = (d - median of controls) / (1.4826 MAD of controls). The Hill curve
f(x) = top x^h / (ec50^h + x^h) is fitted by least squares, ec50 within the doses tried and a decade beyond, h in .3 to 8. The
benchmark concentration is the dose at which the curve reaches the benchmark response (1.349 sd of controls, as is usual in
high-throughput profiling); none where it does not within the doses tried.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import least_squares

from impasto import schema, wells

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
FEWEST_DOSES = 4
"""A curve of three parameters is not fitted to fewer doses."""
FEWEST_CONTROLS = 4
"""The scatter of fewer controls says nothing."""
MAD_TO_SD = 1.4826
"""Of a normal distribution, sd = 1.4826 times the median absolute deviation."""
STEEPEST, FLATTEST = 8.0, 0.3
"""Between these the slope of a curve is sought."""


def responses(space: Numbers, plates: npt.NDArray[np.str_], controls_of: Mapping[str, Rows], /) -> Numbers:
    """The z of each well's distance to the mean of its plate's (other) controls; NaN on plates with fewer than four controls."""
    z = np.full(len(space), np.nan)
    for plate, controls in controls_of.items():
        c = len(controls)
        if c < FEWEST_CONTROLS:
            continue
        rows = np.flatnonzero(plates == plate)
        total = space[controls].sum(axis=0)
        own = np.isin(rows, controls)[:, None]
        # A control is compared with the others only; scaled so that both kinds of distance expect the same.
        means = np.where(own, (total - space[rows]) / (c - 1), total / c)
        d = np.linalg.norm(space[rows] - means, axis=1) / np.sqrt(1 + 1 / np.where(own[:, 0], c - 1, c))
        of_controls = d[own[:, 0]]
        middle = np.median(of_controls)
        spread = MAD_TO_SD * np.median(np.abs(of_controls - middle))
        z[rows] = (d - middle) / spread if spread > 0 else np.nan
    return z


def hill(dose: Numbers, /, *, top: float, ec50: float, slope: float) -> Numbers:
    """f(x) = top x^h / (ec50^h + x^h)."""
    return np.asarray(top / (1 + (ec50 / dose) ** slope))


def fit_hill(dose: Numbers, response: Numbers, /) -> tuple[float, float, float]:
    """Top, ec50 and slope by bounded least squares from the best of several starts."""
    low, high = np.log(dose.min() / 10), np.log(dose.max() * 10)
    reach = max(1.0, 3 * float(np.abs(response).max()))
    bounds = ([-reach, low, FLATTEST], [reach, high, STEEPEST])

    def miss(p: Numbers) -> Numbers:
        return hill(dose, top=p[0], ec50=float(np.exp(p[1])), slope=p[2]) - response

    starts = [
        (float(np.clip(response[dose == dose.max()].mean(), -reach, reach)), at, 1.5) for at in np.quantile(np.log(dose), [0.2, 0.5, 0.8])
    ]
    best = min((least_squares(miss, start, bounds=bounds) for start in starts), key=lambda fit: float(fit.cost))
    return float(best.x[0]), float(np.exp(best.x[1])), float(best.x[2])


def benchmark_concentration(*, top: float, ec50: float, slope: float, response: float, highest: float) -> float:
    """The dose at which the curve reaches a response; NaN where that lies above the highest dose tried, or nowhere."""
    if top <= response:
        return float("nan")
    dose = ec50 * (response / (top - response)) ** (1 / slope)
    return float(dose) if dose <= highest else float("nan")


def curves(
    space: Numbers, obs: pd.DataFrame, plates: npt.NDArray[np.str_], controls_of: Mapping[str, Rows], /, *, benchmark: float
) -> pd.DataFrame:
    """The curve of every compound with four doses or more.

    Parameters
    ----------
    space
        Wells as points (n, k), controls among them.
    obs
        Their annotation. A compound is one whatever name it stands under (`wells.compounds`).
    plates
        The plate (n,) of each well.
    controls_of
        Plate -> rows of its negative controls.
    benchmark
        Response, in standard deviations of the controls, at which the benchmark concentration lies.

    Returns
    -------
    One row a compound: top, ec50, slope, benchmark concentration, R^2, the number of doses and of wells.

    """
    columns = [schema.PERTURBATION, "top", "ec50", "slope", "benchmark_concentration", "r_squared", "doses", "wells"]
    if schema.CONCENTRATION not in obs:
        return pd.DataFrame(columns=columns)
    z = responses(space, plates, controls_of)
    dose = pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    usable = np.flatnonzero(wells.treated(obs) & np.isfinite(z) & (dose > 0))
    rows = []
    for name, members in pd.Series(usable).groupby(wells.compounds(obs).to_numpy(dtype=str, na_value="")[usable], sort=True):
        own = members.to_numpy()
        tried = len(np.unique(dose[own]))
        if tried >= FEWEST_DOSES:
            rows.append((name, *_curve(dose[own], z[own], benchmark=benchmark), tried, len(own)))
    return pd.DataFrame(rows, columns=columns)


def _curve(dose: Numbers, response: Numbers, *, benchmark: float) -> tuple[float, float, float, float, float]:
    """Top, ec50, slope, benchmark concentration and R^2 of one compound."""
    top, ec50, slope = fit_hill(dose, response)
    rest = float(((response - hill(dose, top=top, ec50=ec50, slope=slope)) ** 2).sum())
    total = float(((response - response.mean()) ** 2).sum())
    reached = benchmark_concentration(top=top, ec50=ec50, slope=slope, response=benchmark, highest=float(dose.max()))
    return top, ec50, slope, reached, 1 - rest / total if total > 0 else float("nan")
