"""Rows in files give what rows in memory give, and leave no file behind."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest

from impasto import mapped, ranking, wells
from impasto.schema import InputError


def both(folder: Path, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    path = folder / "values.npy"
    np.save(path, values)
    return values, np.load(path, mmap_mode="r")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "BLOCK_BYTES", 100)


def test_what_is_mapped_is_known_through_views_and_not_through_copies(tmp_path: Path) -> None:
    held, on_disk = both(tmp_path, np.arange(12, dtype=np.float32).reshape(4, 3))
    assert not mapped.is_mapped(held)
    assert all(mapped.is_mapped(view) for view in (on_disk, on_disk[1:], on_disk.T, np.asarray(on_disk)[::2]))
    assert not mapped.is_mapped(on_disk[[0, 2]])
    assert mapped.source_of(on_disk[1:]) == tmp_path / "values.npy"
    assert mapped.source_of(held) is None


def test_unit_rows_of_mapped_rows_are_the_same_and_mapped(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    values[3] = 0
    held, on_disk = both(tmp_path, values)
    scaled = ranking.unit(on_disk)
    assert mapped.is_mapped(scaled)
    assert not mapped.is_mapped(ranking.unit(held))
    np.testing.assert_array_equal(scaled, ranking.unit(held))
    assert [path.name for path in tmp_path.iterdir()] == ["values.npy"]


def test_spread_and_take(tmp_path: Path) -> None:
    held, on_disk = both(tmp_path, (np.random.default_rng(1).normal(size=(61, 5)) * 3 + 100).astype(np.float32))
    rows = np.array([60, 3, 3, 17, 22, 41])
    for chosen in (None, rows):
        for one, other in zip(mapped.spread(held, chosen), mapped.spread(on_disk, chosen), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(mapped.spread(on_disk, rows)[0], held[rows].astype(np.float64).mean(axis=0), rtol=1e-12)
    taken = mapped.take(on_disk, rows)
    assert mapped.is_mapped(taken)
    np.testing.assert_array_equal(taken, held[rows])


def test_a_missing_value_in_the_last_block_is_found(tmp_path: Path) -> None:
    values = np.ones((40, 4), dtype=np.float32)
    values[39, 2] = np.nan
    _, on_disk = both(tmp_path, values)
    with pytest.raises(InputError, match=r"1 features hold missing or infinite values \(first: 2\)"):
        wells.finite(anndata.AnnData(X=on_disk), task="a test")


def test_blocks_cover_all_rows_once(tmp_path: Path) -> None:
    held, on_disk = both(tmp_path, np.zeros((41, 4), dtype=np.float32))
    assert [(s.start, s.stop) for s in mapped.blocks(held)] == [(0, 41)]
    parts = [(s.start, s.stop) for s in mapped.blocks(on_disk)]
    assert parts[0] == (0, 6)
    assert parts[-1] == (36, 41)
    assert mapped.zeros_beside(on_disk, (0, 3)).shape == (0, 3)


def test_scratch_of_scratch_lies_in_the_folder_of_the_first_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((5, 4), dtype=np.float32))
    held = np.load(tmp_path / "a.npy", mmap_mode="r")
    first = mapped.zeros_beside(held, (3, 3))
    second = mapped.zeros_beside(first[1:], (2, 2))
    mapped_files = Path("/proc/self/maps").read_text().splitlines()
    places = {line.split()[-2].rpartition("/")[0] for line in mapped_files if line.endswith("(deleted)")}
    assert str(tmp_path) in places
    assert mapped.is_mapped(second)
    assert not mapped.is_mapped(held.copy())
    assert mapped._folder_of(second) == tmp_path
