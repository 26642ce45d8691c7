"""Which of several methods is best, and the one sentence that says so.

Methods are scored on the same units, so differences are paired: the score of each without the same groups of units. Row i stays in
the best set unless some other row leads it by more than

    t(1 - .05/(M - 1), G - 1) se_ij        (one-sided, for M - 1 comparisons with the best)

with se_ij from the jackknife of the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from impasto.statistics import jackknife
from impasto.statistics.interval import FEWEST_UNITS, Interval, plural
from impasto.statistics.jackknife import LeftOut

ERROR = 0.05


def best_set(rows: Mapping[str, LeftOut], /, *, lowest: bool = False) -> list[str]:
    """The methods that no other is shown to beat, in the order given.

    Parameters
    ----------
    rows
        Name of a method -> its score without the same groups of the same units.
    lowest
        Whether small scores are good.

    Returns
    -------
    One name where a method stands alone, several where they are not told apart. All, where there are fewer than six units.

    """
    names = list(rows)
    if len(names) < 2 or min(rows[name].units for name in names) < FEWEST_UNITS:
        return names
    sign = -1.0 if lowest else 1.0

    def beaten(mine: LeftOut, other: LeftOut) -> bool:
        lead = sign * (other.whole - mine.whole)
        difference = LeftOut(lead, sign * (other.single - mine.single), None, mine.units)
        error = float(np.sqrt(jackknife.variance(difference)))
        return lead > float(stats.t.ppf(1 - ERROR / (len(names) - 1), difference.groups - 1)) * error

    return [name for name in names if not any(beaten(rows[name], rows[other]) for other in names if other != name)]


def say(first: str, second: str, difference: float, interval: Interval, /) -> str:
    """The sentence on two methods: what report, docs and terminal print.

    Parameters
    ----------
    first, second
        Names of the methods.
    difference
        Score of the first less that of the second.
    interval
        The paired interval of the difference.

    Returns
    -------
    `"A is above B by .05 [.01, .09] (other compounds)"`, or `"A and B are not told apart (.02 [-.03, .07], other compounds)"`.

    """
    if interval.low is None or interval.high is None:
        return f"{first} and {second} cannot be compared ({_number(difference)}; {interval.why})"
    ends = f"[{_number(interval.low)}, {_number(interval.high)}]"
    if interval.low > 0 or interval.high < 0:
        side = "above" if difference > 0 else "below"
        return f"{first} is {side} {second} by {_number(abs(difference))} {_turned(interval, difference)} (other {plural(interval.unit)})"
    return f"{first} and {second} are not told apart ({_number(difference)} {ends}, other {plural(interval.unit)})"


def _turned(interval: Interval, difference: float) -> str:
    ends = sorted((abs(interval.low or 0.0), abs(interval.high or 0.0))) if difference < 0 else [interval.low or 0.0, interval.high or 0.0]
    return f"[{_number(ends[0])}, {_number(ends[1])}]"


def _number(value: float) -> str:
    """Three digits after the point, without the leading zero: `.053`, `-.021`, `1.200`."""
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def marks(names: Sequence[str], best: Sequence[str], /) -> dict[str, str]:
    """How a table marks its rows: `**` for the one that stands alone, `·` for each of several that are not told apart."""
    return {name: "" if name not in best else "**" if len(best) == 1 else "·" for name in names}
