"""Scores of several seeds as one row each: the mean, and where it would lie with other seeds or other splits.

A seed draws the weights of a net and, in most recipes, which compounds are held out. Then the seeds are repeated splits of the same
compounds, and share most of what they trained on: their interval is the corrected one (`statistics.resplits`). Where all seeds held
out the same compounds, the interval speaks of other weights and of this split only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from impasto.evaluation.tidy import COLUMNS
from impasto.sampling import splits
from impasto.statistics import resplits
from impasto.statistics.interval import Interval, plural

KEYS = ("task", "protocol", "group", "metric")
UNIT = "seed_draws"
"""The column of a table of seeds that says what each seed draws, where that is more than weights and splits: a set of plates."""
SPLIT, TESTED, TRAINED = "split", "tested", "trained"
"""The columns of a table of seeds that say which split a seed made, and how many perturbations it tested and trained on."""


def split_columns(facts: Mapping[str, Any], /) -> dict[str, Any]:
    """What a table of seeds keeps of the split of a trained run.

    Parameters
    ----------
    facts
        Of a run's model.json.

    Returns
    -------
    dict[str, Any]
        Column of the table of seeds -> value.

    """
    parts = facts.get("split", {})
    if not parts.get("test"):
        return {}
    return {SPLIT: splits.digest(parts), TESTED: len(parts["test"]), TRAINED: len(parts["train"])}


def joined(per_seed: pd.DataFrame, /) -> pd.DataFrame:
    """One row a score from one row a score and seed.

    Parameters
    ----------
    per_seed
        Tidy numbers with `seed` and, where seeds held something out, `split`, `tested`, `trained`.

    Returns
    -------
    pd.DataFrame
        One row a score, in tidy form.

    """
    rows = []
    for key, seeds in per_seed.groupby(list(KEYS), sort=False, dropna=False):
        words = dict(zip(KEYS, key, strict=True))
        rows.append(words | (_of_one(seeds) if len(seeds) == 1 else _of_several(seeds)))
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*COLUMNS, "sd", "seeds"])


def interval_of(values: Sequence[float], seeds: pd.DataFrame, /, *, share: bool) -> Interval:
    """The interval of the mean of a score, or of a difference of two scores, over seeds.

    Parameters
    ----------
    values
        (s,) one a seed.
    seeds
        (s rows) of a table of seeds: what each held out.
    share
        Whether the values are scores in 0 to 1.

    Returns
    -------
    Interval
        Of the mean over the s seeds.

    """
    numbers = np.asarray(values, dtype=float)
    if UNIT in seeds and seeds[UNIT].notna().all():
        # Other plates for each seed: the seeds share nothing, whatever each held out.
        return resplits.of_repeats(numbers, unit=str(seeds[UNIT].iloc[0]), share=share)
    if SPLIT in seeds and len(set(seeds[SPLIT])) > 1:
        tested, trained = round(float(seeds[TESTED].mean())), round(float(seeds[TRAINED].mean()))
        return resplits.of_resplits(numbers, tested=tested, trained=trained, share=share)
    return resplits.of_repeats(numbers, unit="seed", share=share)


def about(of: Interval, seeds: pd.DataFrame, /) -> str:
    """What an interval over seeds speaks of.

    Parameters
    ----------
    of
        The interval.
    seeds
        (s rows) of a table of seeds: what each held out.

    Returns
    -------
    str
        A part of a sentence.

    """
    if of.why:
        return of.why
    if UNIT in seeds and seeds[UNIT].notna().all():
        return f"other {plural(of.unit)}"
    if of.unit == "split":
        return "other splits of these compounds"
    return "other weights, this split" if SPLIT in seeds and seeds[SPLIT].notna().any() else "other seeds"


def _of_one(seeds: pd.DataFrame) -> dict[str, Any]:
    own = {name: seeds[name].iloc[0] for name in COLUMNS if name in seeds and name not in KEYS}
    return own | {"sd": float("nan"), "seeds": 1}


def _of_several(seeds: pd.DataFrame) -> dict[str, Any]:
    values = seeds["value"].to_numpy(dtype=float)
    # A score that had an interval within 0 to 1 for every seed is one that cannot leave it.
    ends = seeds[["value", "low", "high"]].to_numpy(dtype=float)
    made = interval_of(values, seeds, share=bool(np.isfinite(ends).all() and ends.min() >= 0 and ends.max() <= 1))
    return {
        "value": float(values.mean()),
        "low": made.low if made.low is not None else float("nan"),
        "high": made.high if made.high is not None else float("nan"),
        "chance": seeds["chance"].mean(),
        "n": seeds["n"].iloc[0],
        "unit": made.unit,
        "clusters": made.clusters,
        "df": made.df,
        "interval": made.method,
        "p_chance": float("nan"),
        "about": about(made, seeds),
        "sd": float(np.std(values, ddof=1)),
        "seeds": len(values),
    }
