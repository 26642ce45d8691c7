"""The best set and the sentence on two methods."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.statistics import compare, jackknife
from impasto.statistics.interval import Interval, around
from impasto.statistics.jackknife import LeftOut


def scored(values: np.ndarray) -> LeftOut:
    return jackknife.leave_out(lambda keep: float(values[keep].mean()), len(values), seed=0, pairs=False)


def rows(leads: list[float], *, noise: float, seed: int) -> dict[str, LeftOut]:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=40)
    return {f"m{i}": scored(common + lead + noise * rng.normal(size=40)) for i, lead in enumerate(leads)}


def best_set(rows: dict[str, LeftOut], *, lowest: bool = False) -> list[str]:
    def less(first: str, second: str) -> Interval:
        return jackknife.difference(rows[first], rows[second], unit="compound")

    return compare.best_set({name: left.whole for name, left in rows.items()}, less, lowest=lowest)


def test_a_method_far_ahead_stands_alone_and_either_end_may_be_good() -> None:
    made = rows([0.0, 0.5, 0.0], noise=0.1, seed=1)
    assert best_set(made) == ["m1"]
    assert "m1" not in best_set(made, lowest=True)


def test_equal_methods_are_rarely_told_apart() -> None:
    alone = sum(len(best_set(rows([0.0] * 6, noise=0.3, seed=s))) == 1 for s in range(60))
    assert alone <= 3
    holds = sum("m2" in best_set(rows([0.0, 0.0, 0.15, 0.0], noise=0.3, seed=s)) for s in range(60))
    assert holds >= 57


def test_what_cannot_be_compared_is_not_marked() -> None:
    assert best_set({"a": scored(np.arange(5.0)), "b": scored(np.arange(5.0) + 9)}) == []
    assert best_set({"a": scored(np.arange(9.0))}) == []
    # A method that stands on other units is not shown to be worse.
    ahead = Interval(1.0, 2.0, "compound", 20, 19, "jackknife")
    behind = Interval(-2.0, -1.0, "compound", 20, 19, "jackknife")
    pairs = {("b", "a"): ahead, ("a", "b"): behind}
    values = {"a": 0.0, "b": 1.5, "other units": 0.0}
    assert compare.best_set(values, lambda one, other: pairs.get((one, other))) == ["b", "other units"]


def test_the_standard_error_is_read_back_from_a_t_interval() -> None:
    error = 0.03
    made = around(0.1, error**2, df=11, unit="compound", clusters=12, method="jackknife", share=False)
    assert compare.standard_error(made) == pytest.approx(error)
    with pytest.raises(ValueError, match="no standard error: 2 seeds"):
        compare.standard_error(Interval(None, None, "seed", 2, 0, "t", "2 seeds"))


def test_the_threshold_is_that_of_all_comparisons() -> None:
    # One lead of exactly t(1 - .05/2, 9) standard errors among three methods: on either side of it.
    base = np.zeros(10)
    noise = np.array([1.0, -1.0] * 5)
    error = np.sqrt((noise**2).sum() / 90)
    for factor, told_apart in ((2.25, False), (2.28, True)):  # t(.975, 9) = 2.262
        made = {"a": scored(base), "b": scored(base + factor * error + noise), "c": scored(base - 9)}
        assert (best_set(made) == ["b"]) is told_apart


@pytest.mark.parametrize(
    ("difference", "low", "high", "sentence"),
    [
        (0.05, 0.01, 0.09, "A is above B by .050 [.010, .090] (other compounds)"),
        (-0.05, -0.09, -0.01, "A is below B by .050 [.010, .090] (other compounds)"),
        (0.02, -0.03, 0.07, "A and B are not shown to differ (.020 [-.030, .070], other compounds)"),
        (1.2, 0.4, 2.0, "A is above B by 1.200 [.400, 2.000] (other compounds)"),
    ],
)
def test_the_sentence_says_what_the_interval_carries(difference: float, low: float, high: float, sentence: str) -> None:
    assert compare.say("A", "B", difference, Interval(low, high, "compound", 20, 19, "jackknife")) == sentence


def test_without_an_interval_the_sentence_says_why() -> None:
    none = Interval(None, None, "seed", 2, 0, "t", "2 seeds; 6 are needed")
    assert compare.say("A", "B", 0.02, none) == "A and B cannot be compared (.020; 2 seeds; 6 are needed)"


def test_marks_of_a_table() -> None:
    assert compare.marks(["a", "b", "c"], ["b"]) == {"a": "", "b": "**", "c": ""}
    assert compare.marks(["a", "b", "c"], ["a", "b"]) == {"a": "·", "b": "·", "c": ""}
