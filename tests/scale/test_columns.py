"""Some columns of a part, from memory and from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.scale import columns, sums


def test_a_block_is_the_same_from_memory_and_from_disk(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(6, 10)
    sums.save(sums.Part({"v": values}), tmp_path / "part")
    for arrays in ({"v": values}, sums.load(tmp_path / "part").arrays):
        np.testing.assert_array_equal(columns.block_of(arrays, "v", 3, 7), values[:, 3:7])


@pytest.mark.parametrize("width", [1, 8, 9, 17, 64, 65, 130])
def test_columns_of_plates_are_those_of_the_rows_together(width: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plates = [(rng.normal(size=(n, width)).astype(np.float32), rng.uniform(size=n) < 0.5) for n in (5, 1, 0, 7)]
    folders = [tmp_path / name for name in "abc"]
    for folder, own in zip(folders, (plates[:2], [], plates[2:]), strict=True):  # the second chunk has lost all its plates
        folder.mkdir()
        columns.scatter(iter(own), folder)
    held = columns.Scattered(folders)
    together = np.concatenate([values for values, _ in plates])
    np.testing.assert_array_equal(held.references, np.concatenate([flags for _, flags in plates]))
    from_files, from_memory = list(held.few()), list(columns.few_of(together, np.arange(13)))
    assert [few.shape[1] for few in from_files] == [min(8, width - start) for start in range(0, width, 8)]
    assert all(few.flags.c_contiguous for few in (*from_files, *from_memory)), "sums of one layout have the same bits"
    np.testing.assert_array_equal(np.concatenate(from_files, axis=1), together)
    for one, other in zip(from_files, from_memory, strict=True):
        np.testing.assert_array_equal(one, other)
    assert max(path.stat().st_size for path in folders[0].glob("*.f32")) == 6 * min(width, 64) * 4


def test_columns_of_no_plate_are_none(tmp_path: Path) -> None:
    columns.scatter([], tmp_path)
    assert list(columns.Scattered([tmp_path]).few()) == []
    assert len(columns.Scattered([tmp_path]).references) == 0


def test_some_rows_in_another_order() -> None:
    values = np.arange(60, dtype=np.float32).reshape(6, 10)
    rows = np.array([4, 0, 5])
    np.testing.assert_array_equal(np.concatenate(list(columns.few_of(values, rows)), axis=1), values[rows])
