"""The delete-a-group jackknife: the score again with a group of units gone, as query, candidate and label.

Units are split into G = min(20, U) groups. θ_g is the score without group g, and

    V = (G - 1)/G Σ_g (θ_g - θ̄)².

A score of pairs of units has V up to twice its variance where the pairs carry no signal. Half of the pairs' term is therefore taken
off (Efron & Stein 1981, section 4):

    Q_gh = G θ - (G - 1)(θ_g + θ_h) + (G - 2) θ_gh,    C = Σ_{g<h} (Q_gh - Q̄)² / (G (G + 1)),    V* = max(V - C/2, V/2).

The whole term covers too little and none too much; half of it was chosen on simulated designs, on seeds of their own
(docs/calibration.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.statistics import interval
from impasto.statistics.interval import FEWEST_UNITS, Interval

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_GROUPS = 20
ALLOWANCE = 2
"""Chance of reciprocal ranks among 20, 60 and 200 is then covered in .93, .95 and .96 of draws; with none in .85 to .88."""
MOST_MISSING = 0.2
"""The share of groups without which the score may be undefined; above it there is no interval."""


@dataclass(frozen=True)
class LeftOut:
    """A score without each group.

    Attributes
    ----------
    whole
        The score of all units.
    single
        (G,) the score without one group; NaN where it is not defined.
    pair
        (G, G), upper half: the score without two groups; None where it was not asked for.
    units
        How many units the groups hold.
    stratum_of
        The kind of unit that this is one stratum of (control wells, plate by plate); empty for a kind by itself.

    """

    whole: float
    single: Numbers
    pair: Numbers | None
    units: int
    stratum_of: str = ""

    @property
    def groups(self) -> int:
        """How many groups the score is defined without."""
        return int(np.isfinite(self.single).sum())


def deal(units: int, /, *, seed: int, most: int = MOST_GROUPS) -> npt.NDArray[np.intp]:
    """The group of each unit: units are permuted, then put one by one into the groups in turn.

    Parameters
    ----------
    units
        How many units there are.
    seed
        Of the permutation.
    most
        Groups at most; never more than units.

    Returns
    -------
    npt.NDArray[np.intp]
        (units,) from 0.

    """
    groups = np.empty(units, dtype=np.intp)
    groups[np.random.default_rng(seed).permutation(units)] = np.arange(units) % max(1, min(most, units))
    return groups


def leave_out(score: Callable[[Flags], float], units: int, /, *, seed: int, pairs: bool = True) -> LeftOut:
    """The score without each group of units, and without each two.

    Parameters
    ----------
    score
        Takes which units stay (units,) and gives the score of what is left: a unit that goes is neither query, nor candidate, nor
        label. NaN where the score is not defined.
    units
        How many units there are.
    seed
        Of the groups.
    pairs
        Whether the score is one of pairs of units (similarities, retrieval), so that the pairs' term is needed: 1 + G + G(G-1)/2
        evaluations instead of 1 + G.

    Returns
    -------
    LeftOut
        The score, and the scores without groups.

    """
    group = deal(units, seed=seed)
    count = int(group.max()) + 1 if units else 0
    whole = score(np.ones(units, dtype=bool))
    single = np.array([score(group != g) for g in range(count)], dtype=np.float64)
    if not pairs:
        return LeftOut(whole, single, None, units)
    pair = np.full((count, count), np.nan)
    for g, h in itertools.combinations(range(count), 2):
        pair[g, h] = score((group != g) & (group != h))
    return LeftOut(whole, single, pair, units)


def variance(left: LeftOut, /) -> float:
    """The sampling variance of the score: V*, or V where no pairs were left out.

    Parameters
    ----------
    left
        The score without groups of units; groups without a score are dropped.

    Returns
    -------
    float
        The variance; NaN where it cannot be known.

    """
    scored = np.flatnonzero(np.isfinite(left.single))
    single, groups = left.single[scored], len(scored)
    if groups < 2:
        return float("nan")
    plain = (groups - 1) / groups * float(((single - single.mean()) ** 2).sum())
    if left.pair is None:
        return plain
    first, second = np.triu_indices(groups, 1)
    both = left.pair[scored][:, scored][first, second]
    excess = groups * left.whole - (groups - 1) * (single[first] + single[second]) + (groups - 2) * both
    excess = excess[np.isfinite(excess)]
    if not len(excess):
        return plain
    term = float(((excess - excess.mean()) ** 2).sum()) / (groups * (groups + 1))
    return max(plain - term / 2, plain / 2)


def of_score(
    parts: LeftOut | Sequence[LeftOut | Sequence[LeftOut]],
    /,
    *,
    unit: str,
    share: bool = True,
    few_count: bool = False,
    beside: float = 0.0,
) -> Interval:
    """The interval of a score.

    Parameters
    ----------
    parts
        The score without groups of units. Several where several kinds of units were sampled (compounds and genes, perturbations and
        control wells): their variances add, and the kind with the fewest groups gives the degrees of freedom. A kind may itself be
        several strata (control wells, plate by plate): their variances add, and so do their degrees of freedom.
    unit
        What was sampled, in words.
    share
        Whether the score lies in 0 to 1.
    beside
        Variance that comes from elsewhere, as from a threshold that was drawn (`counted`); it is added.
    few_count
        Whether a few units make most of such a score (reciprocal ranks). Where none of them was drawn, V is far too small. So the largest
        variance that a mean over U units can have, θ(1 - θ)/U, is given `ALLOWANCE` degrees of freedom beside those of V.

    Returns
    -------
    Interval
        The t interval with (groups - 1) degrees of freedom. None with fewer than six units, or where the score is not defined without more
        than a fifth of the groups, or where a stratum is a single group.

    """
    kinds = [[parts]] if isinstance(parts, LeftOut) else [[kind] if isinstance(kind, LeftOut) else list(kind) for kind in parts]
    strata = [part for kind in kinds for part in kind]
    units = min(sum(part.units for part in kind) for kind in kinds)
    why = f"{units} units ({unit}); {FEWEST_UNITS} are needed" if units < FEWEST_UNITS else ""
    for part in strata:
        missing = len(part.single) - part.groups
        if not why and missing > MOST_MISSING * len(part.single):
            why = f"without {missing} of {len(part.single)} groups of units ({unit}) the score is not defined"
        if not why and part.groups < 2:
            why = f"a part of the units ({unit}) is a single group, so its share of the error is not known"
    if why:
        return interval.none(unit=unit, clusters=units, method="jackknife", why=why)
    df = min(sum(part.groups - 1 for part in kind) for kind in kinds)
    spread = sum(variance(part) for part in strata) + beside
    if few_count:
        whole = strata[0].whole
        spread = (df * spread + ALLOWANCE * whole * (1 - whole) / units) / (df + ALLOWANCE)
    return interval.around(strata[0].whole, spread, df=df, unit=unit, clusters=units, method="jackknife", share=share)


def difference(first: LeftOut | Sequence[LeftOut], second: LeftOut | Sequence[LeftOut], /, *, unit: str) -> Interval:
    """The interval of `first` less `second`, two scores of the same units in the same groups.

    Parameters
    ----------
    first, second
        Each score without the same groups; as many entries as kinds of units were sampled, and one a stratum.
    unit
        What was sampled.

    Returns
    -------
    Interval
        The paired interval: V of the differences group by group, without the pairs' term, t with (G - 1) degrees of freedom. Variances and
        degrees of freedom of strata of one kind add, as in `of_score`.

    """
    firsts, seconds = ([parts] if isinstance(parts, LeftOut) else list(parts) for parts in (first, second))
    kinds: dict[str, list[LeftOut]] = {}
    for number, (one, other) in enumerate(zip(firsts, seconds, strict=True)):
        paired = LeftOut(one.whole - other.whole, one.single - other.single, None, min(one.units, other.units))
        kinds.setdefault(one.stratum_of or f"{number}", []).append(paired)
    return of_score(list(kinds.values()), unit=unit, share=False)
