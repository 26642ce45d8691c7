"""Some columns of a part, from memory and from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from impasto.scale import columns, sums


def test_a_block_is_the_same_from_memory_and_from_disk(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(6, 10)
    sums.save(sums.Part({"v": values}), tmp_path / "part")
    for arrays in ({"v": values}, sums.load(tmp_path / "part").arrays):
        np.testing.assert_array_equal(columns.block_of(arrays, "v", 3, 7), values[:, 3:7])
