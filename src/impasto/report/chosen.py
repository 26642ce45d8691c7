"""What the validation part chose in the search of a sweep, shown below its table: the trials and the settings of each row and seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impasto.report.table import Lines

FILE = "search.csv"
"""Where a sweep leaves its trials (`stages.sweep_search.table`)."""
HEADING = "settings that validation chose"


def text(results: Sequence[Path], /) -> Lines | None:
    """The choices of the sweeps among some results.

    Parameters
    ----------
    results
        Folders that evaluations or sweeps left.

    Returns
    -------
    Lines | None
        A row for each row and seed: trials, validation score beside its chance, and the value of each setting. None where nothing was
        searched.

    """
    tables = [pd.read_csv(path) for folder in results if (path := folder / FILE).exists()]
    if not tables:
        return None
    trials = pd.concat(tables, ignore_index=True)
    counts = trials.groupby(["row", "seed"], sort=False).size()
    best = trials[trials["chosen"]]
    values = [json.loads(settings) for settings in best["settings"]]
    keys = list(dict.fromkeys(key for one in values for key in one))
    lines = [
        [f"{row}, seed {seed}", str(counts[row, seed]), _score(score, chance), *(str(one.get(key, "")) for key in keys)]
        for row, seed, score, chance, one in zip(best["row"], best["seed"], best["validation"], best["chance"], values, strict=True)
    ]
    return ["", "trials", "validation", *keys], lines


def _score(score: float, chance: float) -> str:
    return f"{score:.3f}" if pd.isna(chance) else f"{score:.3f} (chance {chance:.3f})"
