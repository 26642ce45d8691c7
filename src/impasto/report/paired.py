"""Rows of a table compared pair by pair: on the same units, or by the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from impasto import border
from impasto.report import repeats
from impasto.statistics import jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

Key: TypeAlias = tuple[str, str, str, str]
LEFT_OUT, PER_SEED = "left_out.parquet", "per_seed.csv"


@dataclass(frozen=True)
class Evidence:
    """What the differences of a table rest on.

    Attributes
    ----------
    left_out
        The scores without groups of units (`evaluation.tidy.left_out`), of all evaluations.
    per_seed
        The scores of every seed, of all sweeps.

    """

    left_out: pd.DataFrame
    per_seed: pd.DataFrame

    @cached_property
    def _units(self) -> Mapping[Key, pd.DataFrame]:
        return _by_score(self.left_out)

    @cached_property
    def _seeds(self) -> Mapping[Key, pd.DataFrame]:
        return _by_score(self.per_seed)

    def less(self, first: pd.Series, second: pd.Series, /) -> tuple[float, Interval] | None:
        """One score less another.

        Parameters
        ----------
        first, second
            Rows of `scores`: task, protocol, group, metric.

        Returns
        -------
        tuple[float, Interval] | None
            The difference with its paired interval: over the seeds that both were run with, else over the units that both scored. None
            where they share neither.

        """
        return self._by_seeds(first, second) or self._by_units(first, second)

    def _by_seeds(self, first: pd.Series, second: pd.Series) -> tuple[float, Interval] | None:
        one, other = self._seeds.get(_key(first)), self._seeds.get(_key(second))
        if one is None or other is None:
            return None
        rows, others = np.nonzero(one["seed"].to_numpy()[:, None] == other["seed"].to_numpy())
        if len(rows) < 2:
            return None
        steps = one["value"].to_numpy(dtype=float)[rows] - other["value"].to_numpy(dtype=float)[others]
        return float(steps.mean()), repeats.interval_of(steps.tolist(), one.iloc[rows], share=False)

    def _by_units(self, first: pd.Series, second: pd.Series) -> tuple[float, Interval] | None:
        one, other = self._units.get(_key(first)), self._units.get(_key(second))
        if one is None or other is None or set(one["units"]) != set(other["units"]) or "" in set(one["units"]):
            return None
        parts, others = self._parts_of(one, first), self._parts_of(other, second)
        if [part.units for part in parts] != [part.units for part in others]:
            return None
        return parts[0].whole - others[0].whole, jackknife.difference(parts, others, unit=str(first["unit"]))

    @cached_property
    def _made(self) -> dict[tuple[Key, float], list[LeftOut]]:
        return {}

    def _parts_of(self, rows: pd.DataFrame, score: pd.Series) -> list[LeftOut]:
        """The parts of a score, made once: a table of methods compares every two of its rows."""
        at = _key(score), float(score["value"])
        if at not in self._made:
            self._made[at] = _parts(rows, at[1])
        return self._made[at]


def read(folders: Sequence[Path], /) -> Evidence:
    """What evaluations and sweeps left for comparing rows.

    Parameters
    ----------
    folders
        Of evaluations and sweeps.

    Returns
    -------
    Evidence
        What differences can rest on.

    """
    left = [border.parquet(path) for folder in folders if (path := folder / LEFT_OUT).exists()]
    seeds = [pd.read_csv(path) for folder in folders if (path := folder / PER_SEED).exists()]
    return Evidence(_stacked(left), _stacked(seeds))


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(repeats.KEYS))


def _by_score(table: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    """The rows of each score, by its four words. Grouped once, since a table of methods compares every two of its rows."""
    words = [table[key].astype(str) for key in repeats.KEYS]
    return {(str(a), str(b), str(c), str(d)): rows for (a, b, c, d), rows in table.groupby(words, sort=False)}


def _key(row: pd.Series) -> Key:
    task, protocol, group, metric = (str(row[key]) for key in repeats.KEYS)
    return task, protocol, group, metric


def _parts(rows: pd.DataFrame, whole: float) -> list[LeftOut]:
    # Earlier evaluations do not say which parts are strata: each then counts as a kind by itself, and the interval is wider.
    kind = rows["stratum_of"].fillna("") if "stratum_of" in rows else ""
    ordered = rows.assign(stratum_of=kind).sort_values(["part", "without"])
    return [
        LeftOut(whole, part["value"].to_numpy(dtype=float), None, int(part["of"].iloc[0]), str(part["stratum_of"].iloc[0]))
        for _, part in ordered.groupby("part")
    ]
