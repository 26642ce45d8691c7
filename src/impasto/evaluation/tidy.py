"""Tidy numbers: the rows that every evaluation gives, and the bootstrap interval beside each score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = ("task", "protocol", "group", "metric", "value", "low", "high", "chance", "n")


@dataclass(frozen=True)
class Score:
    """One number with what is needed to believe it. `low`, `high`: 95 % bootstrap interval; `chance`: what knowing nothing scores."""

    task: str
    protocol: str
    group: str
    metric: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    n: int


def frame(scores: Sequence[Score]) -> pd.DataFrame:
    """The rows as a frame with the columns of the contract."""
    rows = pd.DataFrame([{c: getattr(s, c) for c in COLUMNS} for s in scores], columns=list(COLUMNS))
    return rows.astype(dict.fromkeys(("value", "low", "high", "chance"), float))


def interval(values: npt.NDArray[np.floating], /, *, seed: int, draws: int = 1000) -> tuple[float | None, float | None]:
    """95 % percentile bootstrap interval of the mean of independent values; None for fewer than three."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 3:
        return None, None
    rng = np.random.default_rng(seed)
    # In blocks, so that 1,000 draws of 50,000 values never stand in memory at once.
    means = [values[rng.integers(0, len(values), (min(50, draws), len(values)))].mean(axis=1) for _ in range(0, draws, 50)]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)
