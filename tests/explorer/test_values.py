"""Values for JSON: what is missing is None, 0 for a count, or an empty word."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto.explorer.values import number, shortest, whole, word


def test_a_number_is_finite_or_none() -> None:
    assert [number(value) for value in (1, np.float32(0.5), "2", float("nan"), np.inf, None, "x", pd.NA)] == [
        1.0,
        0.5,
        2.0,
        *[None] * 5,
    ]


def test_counts_and_words() -> None:
    assert [whole(value) for value in (3.0, np.int64(2), float("nan"), None)] == [3, 2, 0, 0]
    assert [word(value) for value in ("a", None, float("nan"), pd.NA, 3)] == ["a", "", "", "", ""]


def test_a_number_of_single_precision_has_the_fewest_digits() -> None:
    assert [shortest(np.float32(value)) for value in (0.1, 5e-4, 33.3, 1e-9, 1e6)] == [0.1, 5e-4, 33.3, 1e-9, 1e6]
    assert shortest(float("nan")) is None
