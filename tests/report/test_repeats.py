"""Seeds as one row: the mean, and its interval over seeds or over splits, beside the formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impasto.report import repeats

VALUES = np.array([0.31, 0.41, 0.54])


def per_seed(**columns: object) -> pd.DataFrame:
    words = {"task": "cross-modal", "protocol": "p", "group": "raw", "metric": "R@1", "chance": 0.1, "n": 9}
    whole = {**words, "value": VALUES, "low": VALUES - 0.1, "high": VALUES + 0.1, "seed": range(3), **columns}
    return pd.DataFrame(whole)


def on_the_logit(middle: float, variance: float, df: int) -> tuple[float, float]:
    reach = stats.t.ppf(0.975, df) * np.sqrt(variance) / (middle * (1 - middle))
    low, high = (1 / (1 + np.exp(-(np.log(middle / (1 - middle)) + side * reach))) for side in (-1, 1))
    return float(low), float(high)


def test_seeds_of_one_split_give_a_t_interval_of_other_weights() -> None:
    row = repeats.joined(per_seed(split="same", tested=20, trained=80)).iloc[0]
    assert (row["value"], row["sd"], row["seeds"]) == (pytest.approx(VALUES.mean()), pytest.approx(VALUES.std(ddof=1)), 3)
    assert (row["low"], row["high"]) == pytest.approx(on_the_logit(VALUES.mean(), VALUES.var(ddof=1) / 3, 2))
    assert (row["unit"], row["interval"], row["about"]) == ("seed", "t", "other weights, this split")


def test_seeds_that_hold_out_other_compounds_give_the_corrected_interval() -> None:
    row = repeats.joined(per_seed(split=["a", "b", "c"], tested=20, trained=80)).iloc[0]
    # Nadeau & Bengio: s^2 (1/R + tested / trained).
    assert (row["low"], row["high"]) == pytest.approx(on_the_logit(VALUES.mean(), VALUES.var(ddof=1) * (1 / 3 + 0.25), 2))
    assert (row["unit"], row["interval"], row["about"]) == ("split", "corrected t", "other splits of these compounds")


def test_a_number_that_is_no_share_gets_a_plain_interval() -> None:
    row = repeats.joined(per_seed(low=np.nan, high=np.nan)).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, 2, loc=VALUES.mean(), scale=stats.sem(VALUES)))
    assert row["about"] == "other seeds"


def test_a_single_seed_keeps_its_own_interval() -> None:
    own = per_seed(unit="compound", about="other compounds").iloc[:1]
    row = repeats.joined(own).iloc[0]
    assert (row["low"], row["high"], row["about"], row["seeds"]) == (own["low"].iloc[0], own["high"].iloc[0], "other compounds", 1)
    assert np.isnan(row["sd"])


def test_the_split_of_a_run_is_remembered() -> None:
    parts = {"train": ["a", "b", "c"], "validation": [], "test": ["d"]}
    kept = repeats.split_columns({"split": parts})
    assert (kept["tested"], kept["trained"]) == (1, 3)
    assert kept == repeats.split_columns({"split": {**parts, "train": ["c", "a", "b"]}})
    assert kept["split"] != repeats.split_columns({"split": {**parts, "test": ["e"]}})["split"]
    assert repeats.split_columns({"split": {"train": ["a"], "test": []}}) == repeats.split_columns({}) == {}
