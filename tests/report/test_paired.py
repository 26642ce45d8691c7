"""Differences of two rows: over the units that both scored, over the seeds of both, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impasto.evaluation import tidy
from impasto.report import paired, repeats
from impasto.statistics import jackknife

RNG = np.random.default_rng(4)
COMMON = RNG.normal(0.5, 0.05, 12)
OF = {"raw": COMMON, "corrected": COMMON + 0.1 + RNG.normal(0, 0.01, 12), "others": RNG.normal(0.4, 0.1, 12)}


def score(group: str, *, units: str) -> tidy.Score:
    left = jackknife.leave_out(lambda keep: float(OF[group][keep].mean()), 12, seed=0, pairs=False)
    made = jackknife.of_score(left, unit="compound")
    return tidy.score("t", "p", group, "mAP", left.whole, made, chance=0.1, n=12, parts=[left], units=units)


def evaluated(folder: Path) -> Path:
    scores = [score("raw", units="a"), score("corrected", units="a"), score("others", units="b")]
    tidy.frame(scores).to_csv(folder / "results.csv", index=False)
    tidy.left_out(scores).to_parquet(folder / "left_out.parquet")
    return folder


def test_rows_of_the_same_units_are_compared_unit_by_unit(tmp_path: Path) -> None:
    scores = tidy.frame([score(name, units="a") for name in OF])
    compared = paired.read([evaluated(tmp_path)]).less(scores.iloc[1], scores.iloc[0])
    assert compared is not None
    value, made = compared
    steps = OF["corrected"] - OF["raw"]
    reach = stats.t.ppf(0.975, 11) * steps.std(ddof=1) / np.sqrt(12)
    assert value == pytest.approx(steps.mean())
    assert (made.low, made.high) == pytest.approx((steps.mean() - reach, steps.mean() + reach))
    assert (made.unit, made.clusters) == ("compound", 12)
    # Much narrower than each interval by itself: the compounds are the same.
    assert reach < 0.3 * (scores["high"] - scores["low"])[0]


def test_rows_of_other_units_are_not_compared(tmp_path: Path) -> None:
    scores = tidy.frame([score(name, units="a") for name in OF])
    evidence = paired.read([evaluated(tmp_path)])
    assert evidence.less(scores.iloc[2], scores.iloc[0]) is None
    assert paired.read([tmp_path / "nothing"]).less(scores.iloc[1], scores.iloc[0]) is None


def test_rows_of_a_sweep_are_compared_seed_by_seed(tmp_path: Path) -> None:
    words = {
        "task": "t",
        "protocol": "p",
        "metric": "mAP",
        "chance": 0.1,
        "n": 9,
        "tested": 20,
        "trained": 80,
        "low": np.nan,
        "high": np.nan,
    }
    values = {"raw": [0.3, 0.5, 0.4], "corrected": [0.35, 0.56, 0.44]}
    of_group = {group: {**words, "group": group, "value": of, "seed": range(3), "split": ["a", "b", "c"]} for group, of in values.items()}
    per_seed = pd.concat([pd.DataFrame(columns) for columns in of_group.values()])
    per_seed.to_csv(tmp_path / "per_seed.csv", index=False)
    scores = repeats.joined(per_seed)
    compared = paired.read([tmp_path]).less(scores.iloc[1], scores.iloc[0])
    assert compared is not None
    steps = np.array([0.05, 0.06, 0.04])
    reach = stats.t.ppf(0.975, 2) * np.sqrt(steps.var(ddof=1) * (1 / 3 + 0.25))
    assert compared[0] == pytest.approx(0.05)
    assert (compared[1].low, compared[1].high) == pytest.approx((0.05 - reach, 0.05 + reach))


def test_seeds_meet_by_their_number_in_any_order_and_those_of_one_row_alone_are_left_out() -> None:
    words = {"task": "t", "protocol": "p", "metric": "mAP", "tested": 20, "trained": 80}
    first = {"seed": [0, 1, 2], "value": [0.1, 0.5, 0.9], "split": ["a", "b", "b"]}
    second = {"seed": [2, 3, 1], "value": [0.4, 0.0, 0.2], "split": ["b", "c", "b"]}
    of_group = {"one": first, "two": second, "three": {"seed": [2, 7, 8], "value": [0.1, 0.2, 0.3], "split": ["b", "b", "b"]}}
    per_seed = pd.concat([pd.DataFrame({**words, "group": group, **columns}) for group, columns in of_group.items()])
    evidence = paired.Evidence(pd.DataFrame(columns=list(repeats.KEYS)), per_seed)
    scores = {group: pd.Series({**words, "group": group, "value": 0.5}) for group in of_group}
    compared = evidence.less(scores["one"], scores["two"])
    assert compared is not None
    # Seed 1: .5 - .2; seed 2: .9 - .4. Both held out the same.
    assert compared[0] == pytest.approx(0.4)
    assert (compared[1].unit, compared[1].clusters) == ("seed", 2)
    assert evidence.less(scores["one"], scores["three"]) is None, "one seed is no interval"


def test_equal_scores_have_parts_of_their_own(tmp_path: Path) -> None:
    left = {name: jackknife.leave_out(lambda keep, of=of: float(of[keep].mean()), 12, seed=0, pairs=False) for name, of in OF.items()}
    made = {
        name: tidy.score("t", "p", name, "mAP", 0.5, jackknife.of_score(parts, unit="compound"), chance=0.1, n=12, parts=[parts], units="a")
        for name, parts in left.items()
    }
    tidy.left_out(list(made.values())).to_parquet(tmp_path / "left_out.parquet")
    scores = tidy.frame(list(made.values()))
    compared = paired.read([tmp_path]).less(scores.iloc[0], scores.iloc[2])
    assert compared is not None
    assert compared[0] == 0
    assert compared[1].low is not None
    assert compared[1].low < -0.02, "the same value, from other parts"
