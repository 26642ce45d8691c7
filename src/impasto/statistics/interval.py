"""An interval with what it speaks of: its unit, how many units there were, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
FEWEST_UNITS = 6
"""With fewer units no interval is given: it would say more than is known."""

MOST_RARE, MANY_UNITS = 3, 50
"""So many successes at most are rare, one less where there are no more units than that."""
NO_VARIANCE = 1e-18
"""Of a share; what rounding leaves of none."""


@dataclass(frozen=True)
class Interval:
    """Where a score would lie with other units, at 95 %.

    Attributes
    ----------
    low, high
        The ends; None where none can be given.
    unit
        What was sampled: `compound`, `plate`, `seed`.
    clusters
        How many units there were.
    df
        Degrees of freedom of the t distribution; 0 where it was not used.
    method
        How it was made: `jackknife`, `wilson`, `t`, `corrected t`.
    why
        Why there is none, in words; empty where there is one.

    """

    low: float | None
    high: float | None
    unit: str
    clusters: int
    df: float
    method: str
    why: str = ""


def none(*, unit: str, clusters: int, method: str, why: str) -> Interval:
    """An interval that cannot be given, and the reason.

    Parameters
    ----------
    unit, clusters, method, why
        As in `Interval`.

    Returns
    -------
    Interval
        An interval without ends.

    """
    return Interval(None, None, unit, clusters, 0.0, method, why)


def around(value: float, variance: float, /, *, df: float, unit: str, clusters: int, method: str, share: bool) -> Interval:
    """The t interval of a score from its variance.

    Parameters
    ----------
    value
        The score.
    variance
        Its sampling variance.
    df
        Degrees of freedom.
    unit, clusters, method
        As in `Interval`.
    share
        Whether the score lies in 0 to 1. Then the interval is made on the logit, so that it never leaves that range; a score of
        exactly 0 or 1 gets Wilson's interval over the units.

    Returns
    -------
    Interval
        value ± t(.975, df) sqrt(variance), or the same on the logit, where the variance becomes V / (value (1 - value))². None for a share
        without any variance.

    """
    if share and 0 < value < 1 and variance < NO_VARIANCE:
        # All ties, or one number for all: a point would say that nothing is uncertain.
        return none(
            unit=unit, clusters=clusters, method=method, why="the score is the same whatever is left out, so its error is not known"
        )
    reach = float(stats.t.ppf((1 + LEVEL) / 2, df)) * float(np.sqrt(variance))
    if not share:
        return Interval(value - reach, value + reach, unit, clusters, df, method)
    if value <= 0 or value >= 1:
        return wilson(clusters if value >= 1 else 0, clusters, unit=unit)
    middle, scaled = float(np.log(value / (1 - value))), reach / (value * (1 - value))
    # exp overflows to infinity, which the two forms below turn into 0 and 1.
    with np.errstate(over="ignore"):
        low, high = 1 / (1 + np.exp(-(middle - scaled))), 1 / (1 + np.exp(-(middle + scaled)))
    return Interval(float(low), float(high), unit, clusters, df, method)


def wilson(successes: float, of: int, /, *, unit: str) -> Interval:
    """The interval of a share of units (Wilson 1927); never outside 0 to 1, and honest at 0 and 1.

    With one to three successes the lower end is Poisson's, since Wilson's covers too seldom there (Brown, Cai & DasGupta 2001,
    section 4.1.1): half the .05 quantile of chi-squared with 2 x degrees of freedom, over n. So is the upper end with as few failures.

    Parameters
    ----------
    successes
        How many of the units succeeded.
    of
        How many units there were.
    unit
        What was sampled.

    Returns
    -------
    Interval
        The interval; without ends where there are no units.

    """
    if of == 0:
        return none(unit=unit, clusters=0, method="wilson", why=f"there is no {unit}")
    z = float(stats.norm.ppf((1 + LEVEL) / 2))
    share = successes / of
    centre = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * float(np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)))
    low, high = max(0.0, centre - reach), min(1.0, centre + reach)
    return Interval(min(low, _rare(successes, of)), max(high, 1 - _rare(of - successes, of)), unit, of, 0.0, "wilson")


def _rare(successes: float, of: int) -> float:
    """The lower end of a share of few successes by Poisson's law; 1 where they are not few, 0 where there are none."""
    if successes <= 0:
        return 0.0
    few = MOST_RARE if of > MANY_UNITS else MOST_RARE - 1
    return float(stats.chi2.ppf(1 - LEVEL, 2 * successes)) / 2 / of if successes <= few else 1.0


def plural(unit: str, /) -> str:
    """Several of a unit: `compounds`, `batches`.

    Parameters
    ----------
    unit
        One unit, or two kinds joined by " and ".

    Returns
    -------
    str
        Each of them in the plural.

    """
    return " and ".join(_several(word) for word in unit.split(" and "))


def _several(word: str) -> str:
    if word.endswith(("ss", "ch", "sh", "x")):
        return word + "es"
    return word if word.endswith("s") else word + "s"
