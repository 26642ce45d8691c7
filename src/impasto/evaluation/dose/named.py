"""Which doses a curve may name: its EC50 with an interval, its benchmark dose, and the band in which it lies.

Nothing is extrapolated. An EC50 beyond the doses tried is no number but `> 100`; so is an end of its interval there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.evaluation.dose import hill
from impasto.evaluation.dose.hill import SLOPES, STEPS, Fit
from impasto.statistics import profile

Numbers = npt.NDArray[np.float64]
POINTS = 61
"""So many doses, evenly in the logarithm, draw a curve."""


@dataclass(frozen=True)
class Ec50:
    """Where half of the effect is reached.

    Attributes
    ----------
    value
        The EC50; NaN outside the doses tried.
    low, high
        The ends of its interval; 0 and infinity where they lie outside the doses tried.
    words
        Both, to be printed: `1.2 [0.7, 2.4]`, `40 [12, > 100]`, `> 100`.

    """

    value: float
    low: float
    high: float
    words: str


def ec50(fit: Fit, /) -> Ec50:
    """The EC50 of a fit and its 95 % profile interval.

    Parameters
    ----------
    fit
        Of a compound.

    Returns
    -------
    Ec50
        Number, interval, and both in words.

    """
    doses = fit.design.shapes.doses
    lowest, highest = float(doses[0]), float(doses[-1])
    best, _ = fit.design.shapes.parameters(fit.best)
    ends = profile.by_f(fit.design.shapes.log_ec50, fit.profile, df=fit.design.df)
    low, high = float(np.exp(ends[0])), float(np.exp(ends[1]))
    value = best if lowest <= best <= highest else float("nan")
    low, high = low if low >= lowest else 0.0, high if high <= highest else float("inf")
    return Ec50(value, low, high, _words(best, low, high, lowest, highest))


def _words(best: float, low: float, high: float, lowest: float, highest: float) -> str:
    def dose(value: float) -> str:
        return f"< {lowest:g}" if value < lowest else f"> {highest:g}" if value > highest else f"{value:.2g}"

    ends = f"[{dose(low)}, {dose(high)}]"
    return dose(best) if ends == f"[{dose(best)}, {dose(best)}]" else f"{dose(best)} {ends}"


def benchmark_dose(fit: Fit, response: float, /) -> float:
    """The lowest dose, of those between the lowest and the highest tried, at which the curve reaches a response.

    Parameters
    ----------
    fit
        Of a compound.
    response
        In standard deviations of the residuals.

    Returns
    -------
    float
        The dose; the lowest one tried where the curve has reached it there already, NaN where it reaches it at no dose tried.

    """
    doses, aim = fit.design.shapes.doses, response * fit.residual_sd
    middle, slope = fit.design.shapes.parameters(fit.best)
    if fit.span <= aim:
        return float("nan")
    dose = middle * (aim / (fit.span - aim)) ** (1 / slope)
    return float("nan") if dose > doses[-1] else float(max(dose, doses[0]))


def band(fit: Fit, doses: Numbers, /) -> tuple[Numbers, Numbers, Numbers]:
    """The best curve and its pointwise 95 % band, in standard deviations of the residuals.

    Parameters
    ----------
    fit
        Of a compound.
    doses
        (k,) where the curve is wanted.

    Returns
    -------
    tuple[Numbers, Numbers, Numbers]
        Curve, low and high, each (k,). At every dose, low and high are the lowest and highest value of any curve whose sum of squares
        lies within the limit of the profile interval, its span free.

    """
    shapes = hill.curve(fit.design.shapes.log_ec50.repeat(len(SLOPES)), np.tile(SLOPES, STEPS), doses)
    spare = profile.limit(float(fit.rss[fit.best]), fit.design.df) - fit.rss
    inside = np.flatnonzero((spare >= 0) & (fit.design.weight > 0))
    reach = np.sqrt(spare[inside] / fit.design.weight[inside])[:, None]
    middle, near = fit.spans[inside][:, None], shapes[inside]
    low, high = ((middle - reach) * near).min(axis=0), ((middle + reach) * near).max(axis=0)
    sd = fit.residual_sd
    return fit.span * shapes[fit.best] / sd, low / sd, high / sd
