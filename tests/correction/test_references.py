"""Mean, spread and directions of reference rows, from rows or from cross-products, are the same."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto import dataset
from impasto.correction import references
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.tvn import Tvn, TvnSettings
from impasto.scale import sums
from impasto.schema import InputError


@pytest.mark.parametrize("width", [6, 90])
@pytest.mark.parametrize("chunk", [1, 2, 9])
def test_moments_are_those_of_the_controls(width: int, chunk: int) -> None:
    data = plates(plates=4, width=width)
    own = list(dataset.plates_of(data))
    parts = [references.summarise(Tvn, own[i : i + chunk], TvnSettings(), cross=True) for i in range(0, 4, chunk)]
    merged = references.merged(Tvn, parts, TvnSettings())
    whole = references.moments(merged)
    x = data.X[control_rows(data)].astype(np.float64)
    np.testing.assert_allclose(whole.mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(references.deviation(whole), x.std(axis=0, ddof=1), rtol=1e-6)
    variances, directions = references.principal(whole, references.deviation(whole))
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    np.testing.assert_allclose((directions * variances) @ directions.T, z.T @ z / (len(x) - 1), atol=1e-6)
    assert (whole.rows is None) == (width == 6)
    assert list(merged.words["plate"]) == ["P0", "P1", "P2", "P3"]
    assert list(merged.words["features"]) == list(data.var_names)


def test_a_chunk_without_plates_adds_nothing() -> None:
    data = plates(plates=2)
    own = list(dataset.plates_of(data))
    parts = [references.summarise(Tvn, chunk, TvnSettings(), cross=True) for chunk in ([], own, [])]
    assert references.moments(references.merged(Tvn, parts, TvnSettings())).count == 40


def test_a_plate_with_too_few_controls_is_named() -> None:
    data = plates(plates=2, controls=1)
    with pytest.raises(InputError, match="rows of B0/P0 hold 1 negative controls"):
        references.summarise(Tvn, dataset.plates_of(data), TvnSettings(), cross=True)


def test_rows_in_memory_have_the_moments_of_one_plate() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 9)).astype(np.float32)
    whole = references.moments_of_rows(rows)
    assert isinstance(whole, sums.Moments)
    np.testing.assert_array_equal(whole.rows, rows)
    np.testing.assert_allclose(whole.mean, rows.mean(axis=0, dtype=np.float64))


def test_too_few_controls_in_all_are_a_sentence() -> None:
    data = plates(plates=2, controls=1)
    settings = SpheringSettings()
    part = references.summarise(Sphering, dataset.plates_of(data), settings, cross=True)
    with pytest.raises(InputError, match="sphering: the 80 rows hold 2 negative controls, at least 3 are needed; use --set on=all"):
        references.merged(Sphering, [part], settings)
    with pytest.raises(InputError, match="no plate to learn from"):
        references.merged(Sphering, [sums.Part({})], settings)
