"""Harmony against stored numbers of harmonypy, against the ridge regression written out, and on planted batches."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.correction.harmony import Harmony, HarmonySettings, _intercepts, assignment, shift
from impasto.schema import InputError

STORED = Path(__file__).with_name("harmonypy_0.0.10.csv")


def stored() -> tuple[anndata.AnnData, np.ndarray]:
    """Three batches of six kinds of profile, and what harmonypy 0.0.10 (GPL-3, not installed here) made of them."""
    table = pd.read_csv(STORED)
    given = table.filter(like="x").to_numpy(dtype=np.float32)
    return anndata.AnnData(X=given, obs=table[["batch"]].rename(index=str)), table.filter(like="z").to_numpy()


@pytest.mark.parametrize("seed", [0, 1])
def test_it_corrects_as_harmonypy_does(seed: int) -> None:
    """Both start from random clusters, so they agree closely and not to the last digit: the corrections correlate above .999."""
    data, theirs = stored()
    ours = Harmony.fit(data, HarmonySettings(seed=seed)).transform(data).X
    assert np.corrcoef((data.X - ours).ravel(), (data.X - theirs).ravel())[0, 1] > 0.999
    assert np.abs(ours - theirs).mean() < 0.03 * np.abs(data.X - theirs).mean()


def test_shifts_and_intercepts_are_the_ridge_regression_solved_whole() -> None:
    rng = np.random.default_rng(0)
    values, share, batch = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2)), rng.integers(0, 3, 40)
    groups = [np.flatnonzero(batch == b) for b in range(3)]
    intercepts = _intercepts(values, share, groups, ridge=0.7)
    for k in range(2):
        design = np.concatenate([np.ones((40, 1)), np.eye(3)[batch]], axis=1)
        penalty = np.diag([0.0, 0.7, 0.7, 0.7])
        weighted = design.T * share[:, k]
        solved = np.linalg.solve(weighted @ design + penalty, weighted @ values)
        np.testing.assert_allclose(intercepts[k], solved[0], rtol=1e-9)
        for b, rows in enumerate(groups):
            np.testing.assert_allclose(shift(values[rows], share[rows], intercepts, ridge=0.7)[k], solved[1 + b], rtol=1e-9)


def test_assignment_is_the_formula() -> None:
    rng = np.random.default_rng(1)
    rows, centroids, weights = rng.normal(size=(5, 4)), rng.normal(size=(3, 4)), rng.uniform(1, 2, 3)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    found = assignment(rows, centroids, weights, sigma=0.1)
    for i in range(5):
        raw = [np.exp(-2 * (1 - centroids[k] @ rows[i] / np.linalg.norm(rows[i])) / 0.1) * weights[k] for k in range(3)]
        np.testing.assert_allclose(found[i], np.array(raw) / sum(raw), rtol=1e-9)


def test_one_batch_and_few_rows_are_sentences() -> None:
    data, _ = stored()
    with pytest.raises(InputError, match="one batch only"):
        Harmony.fit(data[:100].copy(), HarmonySettings())
    with pytest.raises(InputError, match="at least 10 rows"):
        Harmony.fit(data[95:104].copy(), HarmonySettings())
