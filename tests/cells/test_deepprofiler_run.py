from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cells.test_gather import cells_of

from impasto.cells.deepprofiler_run import READER
from impasto.schema import InputError


class Writes:
    """A pickle that would write a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def made(folder: Path, trap: Path) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(0)
    features = {}
    for well, site, count in (("A01", "1", 4), ("A01", "2", 0), ("B03", "1", 3)):
        values = rng.normal(size=(count, 6)).astype(np.float32)
        path = folder / "features" / "P1" / well / f"{site}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = np.array({"Metadata_Batch": "b7", "trap": Writes(trap)}, dtype=object)
        np.savez(path, features=values, locations=rng.uniform(0, 99, (count, 2)), metadata=metadata)
        features[well, site] = values
    return features


def test_a_row_a_cell_and_no_pickle_is_loaded(tmp_path: Path) -> None:
    features = made(tmp_path / "dp", tmp_path / "trap")
    cells = cells_of(tmp_path / "dp", tmp_path / "cells")
    assert cells.plates == ["b7/P1"]
    np.testing.assert_allclose(cells.well("P1", "A01").X, features["A01", "1"], rtol=4e-5)
    np.testing.assert_allclose(cells.well("P1", "B03").X, features["B03", "1"], rtol=4e-5)
    assert cells.well("P1", "B03").obs["object"].tolist() == [1, 2, 3]
    assert cells.well("P1", "B03").obs["center_x"].between(0, 99).all()
    assert cells.features == [f"emb_{i:04d}" for i in range(6)]
    assert not (tmp_path / "trap").exists()


def test_files_of_two_models_are_refused(tmp_path: Path) -> None:
    made(tmp_path / "dp", tmp_path / "trap")
    np.savez(tmp_path / "dp" / "features" / "P1" / "B03" / "2.npz", features=np.zeros((2, 9)))
    with pytest.raises(InputError, match=r"differ in the number of features \(\[6, 9\]\)"):
        READER.open(tmp_path / "dp")
