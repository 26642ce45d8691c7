from __future__ import annotations

import numpy as np

from impasto.cells.pools import POOLS, pooled


def test_a_feature_without_values_is_missing_and_does_not_hide_the_others() -> None:
    values = np.array([[1.0, 2, 9], [np.nan, np.nan, np.nan], [np.nan, 4, 6]])
    np.testing.assert_allclose(pooled(POOLS["median"], values), [[2, np.nan, 5]])
    np.testing.assert_allclose(pooled(POOLS["mean"], values), [[4, np.nan, 5]])


def test_one_cell_is_its_own_profile() -> None:
    values = np.array([[3.0], [7.0]])
    for name in ("median", "clipped", "mean", "trimmed"):
        np.testing.assert_array_equal(pooled(POOLS[name], values), [[3, 7]])
    np.testing.assert_array_equal(pooled(POOLS["median+mad"], values), [[3, 7], [0, 0]])


def test_trimming_leaves_out_a_tenth_at_each_end() -> None:
    values = np.array([[*range(19), 1000.0]])
    assert pooled(POOLS["trimmed"], values)[0, 0] == np.mean(range(2, 18))
    assert POOLS["clipped"].needs_controls
    assert [name for name in POOLS if POOLS[name].needs_controls] == ["clipped"]
