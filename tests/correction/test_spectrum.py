"""Blocked sums against NumPy's own, on tall and on wide tables."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.correction import spectrum


@pytest.mark.parametrize("shape", [(70, 9), (9, 30), (10, 10)])
@pytest.mark.parametrize("block", [4, 1000])
def test_moments_and_spectrum_are_numpys(shape: tuple[int, int], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "BLOCK", block)
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=shape) * rng.uniform(0.1, 10, shape[1]) + 100).astype(np.float32)
    x = rows.astype(np.float64)
    mean, sd = spectrum.mean_and_sd(rows)
    np.testing.assert_allclose(mean, x.mean(axis=0))
    np.testing.assert_allclose(sd, x.std(axis=0, ddof=1))
    variances, directions = spectrum.spectrum(rows, mean, sd)
    expected = np.linalg.eigvalsh(np.corrcoef(x, rowvar=False))
    rank = min(shape[0] - 1, shape[1])
    np.testing.assert_allclose(variances, expected[-rank:], atol=1e-10)
    np.testing.assert_allclose((directions * variances) @ directions.T, np.corrcoef(x, rowvar=False), atol=1e-10)
    np.testing.assert_allclose(directions.T @ directions, np.eye(rank), atol=1e-8)


def test_a_constant_feature_becomes_zero_and_rows_are_not_changed() -> None:
    rows = np.ones((5, 2), dtype=np.float32)
    ((_, z),) = spectrum.standardized(rows, np.zeros(2), np.array([np.inf, 2.0]))
    assert z.tolist() == [[0.0, 0.5]] * 5
    assert (rows == 1).all()
