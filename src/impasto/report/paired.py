"""Rows of a table compared pair by pair: on the same units, or by the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from impasto.report import repeats
from impasto.statistics import jackknife
from impasto.statistics.interval import Interval
from impasto.statistics.jackknife import LeftOut

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
    scores
        The scores that the table shows.

    """

    left_out: pd.DataFrame
    per_seed: pd.DataFrame
    scores: pd.DataFrame

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
        one, other = _of(self.per_seed, first), _of(self.per_seed, second)
        if not len(one) or not len(other):
            return None
        both = one.merge(other[["seed", "value"]], on="seed", suffixes=("", "_other"))
        if len(both) < 2:
            return None
        steps = (both["value"] - both["value_other"]).to_numpy(dtype=float)
        return float(steps.mean()), repeats.interval_of(steps.tolist(), both, share=False)

    def _by_units(self, first: pd.Series, second: pd.Series) -> tuple[float, Interval] | None:
        one, other = _of(self.left_out, first), _of(self.left_out, second)
        if not len(one) or not len(other) or set(one["units"]) != set(other["units"]) or "" in set(one["units"]):
            return None
        parts, others = _parts(one, float(first["value"])), _parts(other, float(second["value"]))
        if [part.units for part in parts] != [part.units for part in others]:
            return None
        return parts[0].whole - others[0].whole, jackknife.difference(parts, others, unit=str(first["unit"]))


def read(folders: Sequence[Path], scores: pd.DataFrame, /) -> Evidence:
    """What evaluations and sweeps left for comparing rows.

    Parameters
    ----------
    folders
        Of evaluations and sweeps.
    scores
        Their tidy numbers.

    Returns
    -------
    Evidence
        What differences can rest on.

    """
    left = [pd.read_parquet(path) for folder in folders if (path := folder / LEFT_OUT).exists()]
    seeds = [pd.read_csv(path) for folder in folders if (path := folder / PER_SEED).exists()]
    return Evidence(_stacked(left), _stacked(seeds), scores)


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(repeats.KEYS))


def _of(table: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The rows of a table that belong to one score."""
    chosen = np.ones(len(table), dtype=bool)
    for key in repeats.KEYS:
        chosen &= (table[key].astype(str) == str(row[key])).to_numpy()
    return table[chosen]


def _parts(rows: pd.DataFrame, whole: float) -> list[LeftOut]:
    ordered = rows.sort_values(["part", "without"])
    return [LeftOut(whole, part["value"].to_numpy(dtype=float), None, int(part["of"].iloc[0])) for _, part in ordered.groupby("part")]
