"""Which of several methods is best, and the one sentence that says so.

Methods are scored on the same units, so differences are paired: by the score of each without the same groups of units, by the same
seeds, or by the same splits. Row i stays in the best set unless some other row leads it by more than

    t(1 - .05/(M - 1), df) se_ij        (one-sided, for M - 1 comparisons with the best)

with se_ij and df of the paired difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scipy import stats

from impasto.statistics.interval import LEVEL, Interval, plural

ERROR = 0.05


def best_set(values: Mapping[str, float], less: Callable[[str, str], Interval | None], /, *, lowest: bool = False) -> list[str]:
    """The methods that no other is shown to beat, in the order given.

    Parameters
    ----------
    values
        Name of a method -> its score.
    less
        The paired interval of the first method less the second; None, or an interval without ends, where the two cannot be compared.
    lowest
        Whether small scores are good.

    Returns
    -------
    list[str]
        One name where a method stands alone, several where none is shown to be better. None at all where no two methods can be compared.

    """
    names = list(values)
    pairs = {(i, j): less(j, i) for i in names for j in names if i != j}
    if all(pair is None or pair.low is None for pair in pairs.values()):
        return []
    sign = -1.0 if lowest else 1.0

    def beaten(name: str, other: str) -> bool:
        pair = pairs[name, other]
        if pair is None or pair.low is None or pair.high is None:
            return False
        lead = sign * (values[other] - values[name])
        return lead > float(stats.t.ppf(1 - ERROR / (len(names) - 1), pair.df)) * standard_error(pair)

    return [name for name in names if not any(beaten(name, other) for other in names if other != name)]


def standard_error(of: Interval, /) -> float:
    """The standard error behind a symmetric t interval.

    Parameters
    ----------
    of
        The interval.

    Returns
    -------
    float
        Half its length over the t quantile.

    Raises
    ------
    ValueError
        Where the interval has no ends.

    """
    if of.low is None or of.high is None:
        raise ValueError(f"no interval, so no standard error: {of.why}")
    return (of.high - of.low) / 2 / float(stats.t.ppf((1 + LEVEL) / 2, of.df))


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
    str
        `"A is above B by .05 [.01, .09] (other compounds)"`, or `"A and B are not shown to differ (.02 [-.03, .07], other compounds)"`.

    """
    if interval.low is None or interval.high is None:
        return f"{first} and {second} cannot be compared ({number(difference)}; {interval.why})"
    ends = f"[{number(interval.low)}, {number(interval.high)}]"
    if interval.low > 0 or interval.high < 0:
        side = "above" if difference > 0 else "below"
        return f"{first} is {side} {second} by {number(abs(difference))} {_turned(interval, difference)} (other {plural(interval.unit)})"
    return f"{first} and {second} are not shown to differ ({number(difference)} {ends}, other {plural(interval.unit)})"


def _turned(interval: Interval, difference: float) -> str:
    ends = sorted((abs(interval.low or 0.0), abs(interval.high or 0.0))) if difference < 0 else [interval.low or 0.0, interval.high or 0.0]
    return f"[{number(ends[0])}, {number(ends[1])}]"


def number(value: float) -> str:
    """Three digits after the point, without the leading zero: `.053`, `-.021`, `1.200`.

    Parameters
    ----------
    value
        Any number.

    Returns
    -------
    str
        The text.

    """
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def marks(names: Sequence[str], best: Sequence[str], /) -> dict[str, str]:
    """How a table marks its rows.

    Parameters
    ----------
    names
        All methods.
    best
        The best set.

    Returns
    -------
    dict[str, str]
        Name -> `**` for a best method that stands alone, `·` for each of several, nothing for the others.

    """
    return {name: "" if name not in best else "**" if len(best) == 1 else "·" for name in names}
