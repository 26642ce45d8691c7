"""The mapped rows are those of the plates at unit length, made once, and again for other values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.correction.plated import plates

import impasto as im
from impasto import dataset


def test_rows_at_unit_length(tmp_path: Path) -> None:
    data = plates(plates=3)
    data.X[5] = 0.0
    data.X[6, 2] = np.nan
    im.write(data, tmp_path / "a.plates")
    opened = im.open(tmp_path / "a.plates")
    mapped = opened.matrix()
    assert isinstance(mapped, np.memmap)
    expected = data.X / np.linalg.norm(data.X, axis=1, keepdims=True).clip(1e-30)
    expected[5:7] = 0.0
    np.testing.assert_allclose(mapped, expected, rtol=1e-6)
    (made,) = (tmp_path / "a.plates" / "cache").iterdir()
    before = made.stat().st_mtime_ns
    im.open(tmp_path / "a.plates").matrix()
    assert made.stat().st_mtime_ns == before
    assert im.open(tmp_path / "a.plates").check() == []


def test_added_plates_are_in_it(tmp_path: Path) -> None:
    data = plates(plates=3)
    im.write(data[data.obs["plate"].ne("P1").to_numpy()].copy(), tmp_path / "a.plates")
    assert im.open(tmp_path / "a.plates").matrix().shape == (80, 6)
    dataset.append(tmp_path / "a.plates", dataset.plates_of(data))
    assert im.open(tmp_path / "a.plates").matrix().shape == (120, 6)
    assert len(list((tmp_path / "a.plates" / "cache").iterdir())) == 1
