"""Ways to get features side by side, each with its setting chosen without the treatments that it is scored on.

A way (an encoder, a set of measures) comes in several settings (corrections, numbers of components). The best of them in hindsight is
too good. So for each outer unit u, a compound or a whole mechanism:

    setting(u) = argmax over settings of  mean AP NSC + mean AP NSB  of the treatments not in u, among candidates not in u
    the treatments of u are scored by setting(u)

(nested cross-validation: Varma & Simon 2006; Cawley & Talbot 2010). Two ways are compared by the mean difference of average precisions
of the treatments that both scored, jackknifed over mechanisms, with a t distribution, and Holm's correction over the pairs that were listed
beforehand. Equal features were called different in .05 of simulated tables so, and in .22 to .25 where compounds were the units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from impasto import schema
from impasto.evaluation import tidy, units
from impasto.evaluation.result import Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.treatments import Numbers, mean
from impasto.evaluation.units import Units
from impasto.evaluation.ways import KEYS, OUTER, Candidate, Outer
from impasto.schema import InputError
from impasto.statistics import compare, familywise, jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

TASK = "choose"
QUESTIONS = {"NSC": "not same compound", "NSB": "not same compound, not same batch"}
"""What treatments are asked, and among which candidates."""
Scored = Mapping[tuple[Outer, str, str], pd.DataFrame]
"""Outer unit, question and way -> the treatments, each scored by the setting that was chosen without it."""
CHOSEN, AS_IT_IS = "setting chosen without the query's {}", "as it is"
"""The ends of the two kinds of protocol."""
ALL = "any of them"
"""The way that may choose among the settings of all ways."""


def nested(candidates: Sequence[Candidate], outer: Outer, name: str, /) -> pd.DataFrame:
    """The treatments of each outer unit, scored by the setting that was chosen without it.

    Parameters
    ----------
    candidates
        The settings among which is chosen.
    outer
        The kind of unit that is left out of the choice.
    name
        `NSC` or `NSB`: which scores are returned. The choice looks at both.

    Returns
    -------
    DataFrame
        One row a treatment: `KEYS`, right, precision, way, setting.

    """
    parts = []
    for unit in sorted({str(unit) for one in candidates for unit in one.asked(name).treatments[outer]}):
        best = chosen(candidates, outer, unit)
        of_unit = best.asked(name).treatments
        parts.append(of_unit[of_unit[outer] == unit].assign(way=best.way, setting=best.setting))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEYS, "right", "precision", "way", "setting"])


def chosen(candidates: Sequence[Candidate], outer: Outer, unit: str, /) -> Candidate:
    """The setting that is best without a unit; of equal ones the first.

    Parameters
    ----------
    candidates
        The settings.
    outer, unit
        Kind and name of what is not looked at.

    Returns
    -------
    Candidate
        One of them.

    """
    return max(candidates, key=lambda one: one.without(outer, unit))


def compared(first: pd.DataFrame, second: pd.DataFrame, /, *, seed: int = 0) -> tuple[float, Interval, int]:
    """The mean difference of average precisions of the treatments that both scored, over mechanisms.

    Parameters
    ----------
    first, second
        Of `nested`, or the treatments of an `Asked`.
    seed
        Of the groups of mechanisms, where there are more than twenty.

    Returns
    -------
    difference : float
        First less second.
    interval : Interval
        The jackknife over mechanisms.
    treatments : int
        How many both scored.

    """
    both = first.merge(second, on=KEYS, suffixes=("", "_other"))
    of = units.named(both["mechanism"].to_numpy(dtype=str), word="mechanism")
    left = _without_each((both["precision"] - both["precision_other"]).to_numpy(dtype=float), of, seed=seed)
    return left.whole, jackknife.of_score(left, unit=of.word, share=False), len(both)


def _without_each(values: Numbers, of: Units, *, seed: int) -> LeftOut:
    """The mean of the treatments without each mechanism, as queries."""
    return jackknife.leave_out(lambda keep: mean(values[keep[of.of]]), len(of), seed=seed, pairs=False)


def choose(
    candidates: Iterable[Candidate],
    /,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    beside: Sequence[Candidate] = (),
    seed: int = 0,
) -> Result:
    """Score each way with its setting chosen without the query, and compare ways.

    Parameters
    ----------
    candidates
        All tables.
    pairs
        Names of two ways, or of two tables `WAY: SETTING`, listed before anybody looked; by default each way and the first.
    beside
        Shortcuts, such as the position alone: scored as they are, never chosen.
    seed
        Of groups of mechanisms.

    Returns
    -------
    Result
        Scores of each way (protocol "setting chosen without the query's ...") and of each table as it is. Tables: `picks` (what was
        chosen where), `pairs`, `treatments`.

    Raises
    ------
    InputError
        Where there is no table, or a pair names no way.

    """
    pool = list(candidates)
    if not pool:
        raise InputError("nothing to choose from: give tables of profiles")
    ways = {way: [one for one in pool if one.way == way] for way in dict.fromkeys(one.way for one in pool)}
    groups = {**ways, **({ALL: pool} if len(ways) > 1 else {})}
    listed = [(way, next(iter(ways))) for way in list(ways)[1:]] if pairs is None else list(pairs)
    _refuse_unknown(listed, groups, pool)
    scored = {(outer, name, way): nested(members, outer, name) for outer, name, (way, members) in product(OUTER, QUESTIONS, groups.items())}
    scores: list[Score] = []
    for (outer, name, way), table in scored.items():
        scores += _scores(table, CHOSEN.format(outer), way, name, chance=groups[way][0].asked(name).chance, seed=seed)
    for one, name in product([*pool, *beside], QUESTIONS):
        asked = one.asked(name)
        scores += _scores(asked.treatments, AS_IT_IS, one.way if one in beside else one.name, name, chance=asked.chance, seed=seed)
    rows = pd.concat(
        [table.assign(outer=outer, question=name, ways=way) for (outer, name, way), table in scored.items()], ignore_index=True
    )
    return Result.of(scores, tables={"picks": _picks(rows), "pairs": _pairs(listed, pool, scored, seed=seed), "treatments": rows})


def _refuse_unknown(pairs: Sequence[tuple[str, str]], groups: Iterable[str], pool: Sequence[Candidate]) -> None:
    known = dict.fromkeys([*groups, *(one.name for one in pool)])
    for name in (name for pair in pairs for name in pair):
        schema.one_of(name, known, what="way to compare")


def _picks(rows: pd.DataFrame) -> pd.DataFrame:
    """Which setting was chosen without each outer unit, and for how many treatments."""
    left_out = rows["compound"].where(rows["outer"] == "compound", rows["mechanism"])
    keys = ["outer", "ways", "left_out", "way", "setting"]
    return rows.assign(left_out=left_out).groupby(keys, sort=False).size().rename("treatments").reset_index()


def _scores(table: pd.DataFrame, rule: str, group: str, name: str, *, chance: float, seed: int) -> list[Score]:
    """Accuracy and mean average precision of some treatments, over mechanisms."""
    if table.empty:
        return []
    of = units.named(table["mechanism"].to_numpy(dtype=str), word="mechanism")
    made = []
    for column, metric in (("right", "accuracy"), ("precision", "mAP")):
        left = _without_each(table[column].to_numpy(dtype=float), of, seed=seed)
        made.append(
            tidy.score(
                *(TASK, f"{QUESTIONS[name]}, {rule}", group, f"{metric} {name}", left.whole, jackknife.of_score(left, unit=of.word)),
                chance=chance if metric == "mAP" else None,
                n=len(table),
                parts=[left],
                units=of.digest,
            )
        )
    return made


def _pairs(listed: Sequence[tuple[str, str]], pool: Sequence[Candidate], scored: Scored, *, seed: int) -> pd.DataFrame:
    """Each pair under both questions; Holm's correction is over the pairs of one question."""
    tables = {one.name: one for one in pool}
    made = []
    for name in QUESTIONS:
        sides = [
            [tables[way].asked(name).treatments if way in tables else scored["mechanism", name, way] for way in pair] for pair in listed
        ]
        differences = [compared(first, second, seed=seed) for first, second in sides]
        alone = np.array([familywise.p_of_difference(value, of) for value, of, _ in differences], dtype=float)
        for pair, (value, of, count), p, holm in zip(listed, differences, alone, familywise.holm(alone), strict=True):
            row = {"first": pair[0], "second": pair[1], "metric": f"mAP {name}", "value": value, "low": of.low, "high": of.high}
            made.append(
                row | {"p": p, "p_holm": holm, "treatments": count, "mechanisms": of.clusters, "sentence": say(*pair, value, of, p=holm)}
            )
    return pd.DataFrame(made)


def say(first: str, second: str, difference: float, of: Interval, /, *, p: float) -> str:
    """The sentence on two ways: above only where Holm's p says so.

    Parameters
    ----------
    first, second
        Their names.
    difference, of
        The difference and its interval.
    p
        Holm's.

    Returns
    -------
    str
        As `compare.say`; where the interval leaves out zero and Holm's p is above .05, the ways "lean apart".

    """
    plain = compare.say(first, second, difference, of)
    if of.low is None or of.high is None or of.low <= 0 <= of.high or p <= compare.ERROR:
        return plain
    ends = f"[{compare.number(of.low)}, {compare.number(of.high)}]"
    return (
        f"{first} and {second} lean apart ({compare.number(difference)} {ends}, other mechanisms), and are not shown to differ "
        f"among all pairs (Holm's p {compare.number(p)})"
    )
