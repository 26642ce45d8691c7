from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cells.test_gather import cells_of

from impasto import progress
from impasto.object_tables.deepprofiler_run import READER
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


@pytest.mark.parametrize("shape", [(0,), (0, 0), (0, 6)])
def test_an_empty_array_of_any_form_is_a_site_without_cells(shape: tuple[int, ...], tmp_path: Path) -> None:
    features = made(tmp_path / "dp", tmp_path / "trap")
    np.savez(tmp_path / "dp" / "features" / "P1" / "A01" / "2.npz", features=np.zeros(shape), locations=np.zeros((0,)))
    cells = cells_of(tmp_path / "dp", tmp_path / "cells")
    assert sum(well.n_obs for well in cells.iter_wells()) == sum(map(len, features.values()))


def test_metadata_that_contradict_the_path_and_missing_places_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dp" / "P1" / "a1"
    folder.mkdir(parents=True)
    said = [{"Metadata_Plate": "P1", "Metadata_Well": "A01"}, {"Metadata_Plate": "P2", "Metadata_Well": "A01"}, {"Metadata_Well": "A02"}]
    for number, metadata in enumerate(said, start=1):
        places = np.zeros((2 if number == 1 else 1, 2))
        np.savez(folder / f"{number}.npz", features=np.ones((2, 3)), locations=places, metadata=np.array(metadata, dtype=object))
    with progress.silent(False):
        cells = cells_of(tmp_path / "dp", tmp_path / "cells")
    lines = " ".join(capsys.readouterr().out.split())
    assert "the metadata of 2 sites say another plate or well than their path; the path counts" in lines
    assert "2 sites do not say a place for each cell" in lines
    assert cells.well("P1", "A01").obs["center_x"].isna().sum() == 4


def test_a_folder_without_one_cell_is_refused(tmp_path: Path) -> None:
    (tmp_path / "P1" / "A01").mkdir(parents=True)
    np.savez(tmp_path / "P1" / "A01" / "1.npz", features=np.zeros((0, 4)))
    with pytest.raises(InputError, match="not one of its files holds a cell"):
        READER.open(tmp_path)
