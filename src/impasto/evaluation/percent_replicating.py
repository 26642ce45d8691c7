"""Percent replicating: how many perturbations have wells that are more alike than wells of different perturbations?

    s = median over pairs of wells of Pearson's correlation over features;
    replicating: s > the 95th percentile of s of non-replicate sets of as many wells on the same plates       (Way et al. 2022)

A non-replicate set holds wells of different compounds: one drawing of labels shuffled within plates. Chance is .05. Wells that share a
position on all plates are alike for that reason too; the row `position only` says how far that goes.

Departure: the published null draws wells of any plate, so that a plate effect counts against replicates on different plates, or for
those on one. Here a null set stands on the plates of its perturbation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, tidy
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.layout import by_place
from impasto.evaluation.replicate_sets import Pattern, ReplicateSets, Rows, replicate_sets
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import discovery, jackknife, permutation
from impasto.statistics import shuffles as shuffled_labels
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "percent-replicating"
METRIC = "share replicating"
CHANCE = 0.05
MOST_KEPT = 6000
"""So many treated wells at most have all correlations kept; a larger table is not shuffled for `p_chance`."""
_BLOCK = 2**22
_ROUNDS = 50
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def correlated(values: npt.NDArray[np.floating], /) -> Floats:
    """Rows whose inner products are Pearson's correlations.

    Parameters
    ----------
    values
        (n, features).

    Returns
    -------
    Floats
        (n, features) less the mean of each row, at unit length.

    """
    return ranking.unit((values - values.mean(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32))


def evaluate(
    profiles: Table,
    /,
    *,
    pool_doses: bool = False,
    same_as: SameAs = "name",
    draws: int = 1000,
    shuffles: int = MOST_SHUFFLES,
    seed: int = 0,
    with_baselines: bool = True,
) -> Result:
    """Percent replicating, beside position only, cell count only and shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    draws
        Non-replicate sets that each null is made of.
    shuffles
        How often labels are shuffled within plates at most to ask whether the share is above chance; 0 for never.
    seed
        Of the null, shuffles and groups of units.
    with_baselines
        Whether baselines are scored too.

    Returns
    -------
    Result
        Scores: the share replicating, with the jackknife over compounds, which leave the null sets too. `per_group`:
        one row a perturbation (wells, median correlation, threshold, p, corrected p, replicating).

    Raises
    ------
    InputError
        Where no perturbation has two wells, or none can be compared with other compounds.

    """
    if draws < 20:
        raise InputError(f"draws is {draws}; the 95th percentile of a null needs 20 or more, as in --set draws=1000")
    profiles, merged = inputs.named(profiles, same_as, task=TASK)
    sets = replicate_sets(profiles.obs, task=TASK, pool_doses=pool_doses, least=2, with_controls=False)
    name = f"median correlation, null within plates{inputs.dose_words(profiles.obs, pool_doses=pool_doses)}"
    views = {OWN: wells.finite(profiles, task=TASK), **(dict(baselines.stand_ins(profiles)) if with_baselines else {})}
    nulls = _null_sets(sets, draws=draws, seed=seed)
    scores: list[Score] = []
    per = pd.DataFrame()
    for group, values in views.items():
        # Of two or three numbers less their mean little is left: stand-ins are compared by cosine, as elsewhere.
        alike = Alike.of(correlated(values) if group == OWN else ranking.unit(values), sets)
        table = _table(alike, sets, nulls)
        if table.empty:
            raise InputError(f"{TASK}: no plate holds wells of different compounds to compare with; read plates with several compounds")
        if group == OWN:
            per = table
        scores.append(_score(table, alike, sets, nulls, name, group, shuffles=shuffles if group == OWN else 0, seed=seed))
        if group == OWN and with_baselines:
            scores.append(_of_shuffled_labels(table, alike, sets, name, seed=seed))
    return Result.of(scores, per_group=per.drop(columns="number").assign(profiles=OWN, protocol=name), tables={"merged": merged})


@dataclass(frozen=True)
class Alike:
    """The correlations of treated wells.

    Attributes
    ----------
    vectors
        Unit rows (n, features).
    kept
        (treated, treated) all correlations; None where there are too many.
    at
        (n,) the place of a row in `kept`.

    """

    vectors: Floats
    kept: Floats | None
    at: Rows

    @classmethod
    def of(cls, vectors: Floats, sets: ReplicateSets, /) -> Alike:
        """The correlations of the treated wells of some sets.

        Parameters
        ----------
        vectors
            Unit rows (n, features).
        sets
            The perturbations.

        Returns
        -------
        Alike
            The correlations, all of them where the table is small enough.

        """
        rows = np.flatnonzero(sets.treated)
        at = np.full(len(vectors), -1, dtype=np.intp)
        at[rows] = np.arange(len(rows))
        return cls(vectors, vectors[rows] @ vectors[rows].T if len(rows) <= MOST_KEPT else None, at)

    def medians(self, sets: Rows, /) -> Numbers:
        """The median correlation of the pairs of wells of each set.

        Parameters
        ----------
        sets
            (sets, K) rows.

        Returns
        -------
        Numbers
            (sets,)

        """
        first, second = np.triu_indices(sets.shape[1], 1)
        step = max(1, _BLOCK // (sets.shape[1] * (len(first) if self.kept is not None else self.vectors.shape[1])))
        parts = []
        for start in range(0, len(sets), step):
            block = sets[start : start + step]
            if self.kept is not None:
                pairs = self.kept[self.at[block[:, first]], self.at[block[:, second]]]
            else:
                own = self.vectors[block]
                pairs = (own @ own.transpose(0, 2, 1))[:, first, second]
            parts.append(np.median(pairs, axis=1).astype(np.float64))
        return np.concatenate(parts) if parts else np.empty(0)


def _null_sets(sets: ReplicateSets, *, draws: int, seed: int) -> dict[Pattern, Rows]:
    """Of every pattern of plates, sets (draws, K) of wells of different compounds; a pattern that has none is left out."""
    rng = np.random.default_rng(seed)
    pool = {code: by_place(sets.treated & (sets.plate == code), sets.order) for code in np.unique(sets.plate[sets.treated])}
    nulls: dict[Pattern, Rows] = {}
    for pattern in sorted(set(sets.patterns)):
        drawn: list[Rows] = []
        count = 0
        for _ in range(_ROUNDS):
            candidates = np.concatenate([_picked(pool[code], pattern.count(code), draws, rng) for code in sorted(set(pattern))], axis=1)
            compounds = np.sort(sets.compound[candidates], axis=1)
            different = candidates[(np.diff(compounds, axis=1) != 0).all(axis=1)]
            drawn.append(different[: draws - count])
            count += len(drawn[-1])
            if count == draws:
                nulls[pattern] = np.concatenate(drawn)
                break
    return nulls


def _picked(rows: Rows, wells_of_set: int, draws: int, rng: np.random.Generator) -> Rows:
    """So many different rows, drawn at random (draws, wells of a set)."""
    if wells_of_set == 1:
        return rows[rng.integers(0, len(rows), (draws, 1))]
    return rows[np.argsort(rng.random((draws, len(rows))), axis=1)[:, :wells_of_set]]


def _table(alike: Alike, sets: ReplicateSets, nulls: dict[Pattern, Rows]) -> pd.DataFrame:
    """One row a perturbation that has a null."""
    null_of = {pattern: alike.medians(rows) for pattern, rows in nulls.items()}
    rows = []
    for number, (name, members, pattern) in enumerate(zip(sets.names, sets.members, sets.patterns, strict=True)):
        if pattern in null_of:
            null = null_of[pattern]
            median, threshold = float(alike.medians(members[None])[0]), float(np.quantile(null, 1 - CHANCE))
            p = permutation.p_value(median, null)
            rows.append((number, name, len(members), median, threshold, p, _exceeds(np.array([median]), np.array([threshold]))[0]))
    columns = ["number", schema.PERTURBATION, "wells", "median_correlation", "threshold", "p_value", "replicating"]
    table = pd.DataFrame(rows, columns=columns)
    if not table.empty:
        table.insert(6, "corrected_p_value", discovery.corrected(table["p_value"].to_numpy(dtype=np.float64)))
    return table


def _exceeds(medians: Numbers, thresholds: Numbers) -> npt.NDArray[np.bool_]:
    # Wells that are all alike differ by rounding only, and do not replicate.
    return np.asarray(medians > thresholds + 1e-6)


def _shuffled_share(table: pd.DataFrame, alike: Alike, sets: ReplicateSets, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which perturbations replicate when labels are shuffled within plates; thresholds stay, since they depend on no label."""
    given = sets.shuffled(rng)
    members = [given[sets.members[number]] for number in table["number"]]
    sizes = np.array([len(rows) for rows in members])
    medians = np.empty(len(members))
    for size in np.unique(sizes):
        of_size = np.flatnonzero(sizes == size)
        medians[of_size] = alike.medians(np.stack([members[i] for i in of_size]))
    return _exceeds(medians, table["threshold"].to_numpy())


def _score(
    table: pd.DataFrame,
    alike: Alike,
    sets: ReplicateSets,
    nulls: dict[Pattern, Rows],
    name: str,
    group: str,
    /,
    *,
    shuffles: int,
    seed: int,
) -> Score:
    flags = table["replicating"].to_numpy(dtype=bool)
    part = sets.part(table["number"].to_numpy())
    value = float(flags.mean())
    p = None
    if shuffles and alike.kept is not None:
        p = shuffled_labels.above_chance(
            value, lambda rng: float(_shuffled_share(table, alike, sets, rng).mean()), seed=seed, most=shuffles
        ).p
    left = _left_out(table, alike, sets, nulls, part, seed=seed)
    around = jackknife.of_score(left, unit=part.units.word)
    return tidy.score(
        *(TASK, name, group, METRIC, value, around), chance=CHANCE, n=len(flags), p_chance=p, parts=[left], units=part.units.digest
    )


def _left_out(
    table: pd.DataFrame, alike: Alike, sets: ReplicateSets, nulls: dict[Pattern, Rows], part: ReplicateSets, /, *, seed: int
) -> LeftOut:
    """The share without groups of compounds, which leave as perturbations and with every null set that they are in."""
    unit_of_row = np.full(len(sets.plate), -1, dtype=np.intp)
    of_compound = {int(sets.compound[rows[0]]): int(unit) for rows, unit in zip(part.members, part.units.of, strict=True)}
    for compound, unit in of_compound.items():
        unit_of_row[sets.compound == compound] = unit
    of_null = {pattern: (alike.medians(rows), unit_of_row[rows]) for pattern, rows in nulls.items()}
    medians = table["median_correlation"].to_numpy(dtype=np.float64)

    def score(keep: npt.NDArray[np.bool_]) -> float:
        stays, own = keep[part.units.of], np.append(keep, True)
        if not stays.any():
            return float("nan")
        threshold = {
            pattern: float(np.quantile(null[own[members].all(axis=1)], 1 - CHANCE)) if own[members].all(axis=1).any() else np.nan
            for pattern, (null, members) in of_null.items()
        }
        thresholds = np.array([threshold[pattern] for pattern in part.patterns])
        return float(_exceeds(medians[stays], thresholds[stays]).mean()) if np.isfinite(thresholds[stays]).all() else float("nan")

    return jackknife.leave_out(score, len(part.units), seed=seed, pairs=False)


def _of_shuffled_labels(table: pd.DataFrame, alike: Alike, sets: ReplicateSets, name: str, /, *, seed: int) -> Score:
    flags = _shuffled_share(table, alike, sets, np.random.default_rng(seed))
    part = sets.part(table["number"].to_numpy())
    row = (TASK, name, baselines.SHUFFLED, METRIC, float(flags.mean()), part.share(flags, seed=seed))
    return tidy.score(*row, chance=CHANCE, n=len(flags))
