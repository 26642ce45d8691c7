"""Moments from parts against NumPy on all rows, in whatever chunks; the same bits for the same chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.scale import columns, sums
from impasto.scale.sums import Moments, Part


def rows_of(plates: int, width: int, *, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(width, width))
    return [(1e4 + rng.normal(size=width) + rng.normal(size=(int(n), width)) @ mix).astype(np.float32) for n in rng.integers(3, 30, plates)]


def moments(plates: list[np.ndarray], chunk: int, **how: bool) -> Moments:
    width = plates[0].shape[1]
    return sums.merged(sums.moments_of(plates[i : i + chunk], width=width, **how) for i in range(0, len(plates), chunk))


@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize("keep_rows", [True, False])
def test_means_squares_and_cross_products_are_those_of_all_rows(chunk: int, keep_rows: bool) -> None:
    plates = rows_of(7, 5)
    whole = moments(plates, chunk, cross=True, keep_rows=keep_rows)
    x = np.concatenate(plates).astype(np.float64)
    z = x - x.mean(axis=0)
    assert whole.count == len(x)
    np.testing.assert_allclose(whole.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(whole.squares_of_all, (z**2).sum(axis=0), rtol=1e-9)
    assert whole.rows is None
    np.testing.assert_allclose(whole.cross, z.T @ z, rtol=1e-8, atol=1e-6)
    np.testing.assert_array_equal(whole.cross, whole.cross.T)


def test_a_mean_of_a_million_costs_no_digits() -> None:
    rng = np.random.default_rng(0)
    plates = [(1e6 + np.round(rng.normal(size=(50, 3)) * 8) / 8).astype(np.float32) for _ in range(4)]
    x = np.concatenate(plates).astype(np.float64) - 1e6
    np.testing.assert_allclose(moments(plates, 2, cross=True).squares_of_all, ((x - x.mean(axis=0)) ** 2).sum(axis=0), rtol=1e-10)


def test_rows_are_kept_while_they_are_no_more_than_the_features() -> None:
    plates = rows_of(3, 200)
    whole = moments(plates, 2, cross=True, keep_rows=True)
    assert whole.cross is None
    np.testing.assert_array_equal(whole.rows, np.concatenate(plates))
    more = rows_of(40, 200)
    whole = moments(more, 4, cross=True, keep_rows=True)
    assert whole.rows is None
    x = np.concatenate(more).astype(np.float64)
    z = x - x.mean(axis=0)
    np.testing.assert_allclose(whole.cross, z.T @ z, rtol=1e-6, atol=1e-4)


def test_squares_alone_need_no_cross_products() -> None:
    whole = moments(rows_of(5, 4), 2, cross=False)
    assert whole.cross is None
    assert whole.rows is None
    assert whole.squares.shape == (5, 4)


def test_a_plate_without_rows_changes_nothing() -> None:
    plates = rows_of(4, 5)
    empty = np.empty((0, 5), dtype=np.float32)
    one = moments(plates, 2, cross=True)
    other = moments([plates[0], empty, *plates[1:]], 2, cross=True)
    np.testing.assert_allclose(one.cross, other.cross, rtol=1e-12)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-14)


def test_more_rows_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    plates = rows_of(9, 6)
    expected = moments(plates, 9, cross=True).cross
    monkeypatch.setattr(sums, "_BLOCK", 20)
    np.testing.assert_allclose(moments(plates, 9, cross=True).cross, expected, rtol=1e-10)


def test_parts_come_back_from_disk_to_the_same_bits(tmp_path: Path) -> None:
    plates = rows_of(6, 5)
    parts = [sums.moments_of(plates[i : i + 2], width=5, cross=True) for i in (0, 2, 4)]
    for number, arrays in enumerate(parts):
        sums.save(Part(arrays, {"plates": [f"P{number}", "ß"]}), tmp_path / f"{number}.safetensors")
    loaded = [sums.load(tmp_path / f"{number}.safetensors") for number in range(3)]
    assert loaded[1].words == {"plates": ["P1", "ß"]}
    np.testing.assert_array_equal(sums.merged(p.arrays for p in loaded).cross, sums.merged(parts).cross)
    with pytest.raises(KeyError):
        loaded[0].arrays["rows"]
    sums.save(Part({}), tmp_path / "empty.safetensors")
    assert dict(sums.load(tmp_path / "empty.safetensors").arrays) == {}


def test_medians_of_columns_in_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(31, 130)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, 7] = np.nan
    parts = [{"v": values[:10]}, {"v": values[10:]}]
    for number, part in enumerate(parts):
        sums.save(Part(part), tmp_path / f"{number}")
    expected = np.array([np.nanmedian(c) if not np.isnan(c).all() else 0.0 for c in values.astype(np.float64).T])
    for given in (parts, [sums.load(tmp_path / f"{n}").arrays for n in (0, 1)]):
        np.testing.assert_array_equal(columns.medians(given, "v", 130), expected)
