from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.cells import made_h5sc
from tests.cells.test_gather import cells_of

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells.h5sc_run import READER
from impasto.schema import InputError

RADII = ((4, 8), (5, 9), (3, 7), (6, 20), (4, 0))
"""The fourth cell is larger than its crop; the fifth has an empty mask."""


def obs_of(wells: str = "A01 A01 B02 B02 B02") -> pd.DataFrame:
    return pd.DataFrame({"plate": "P1", "well": wells.split(), "score": np.arange(5.0)})


def test_shapes_are_those_of_the_masks_and_cells_keep_their_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crops = made_h5sc.discs(RADII)
    made_h5sc.write(tmp_path / "single_cells.h5sc", obs_of(), crops, numbers=[7, 3, 11, 2, 40])
    cells = cells_of(tmp_path / "single_cells.h5sc", tmp_path / "cells")
    first, second = cells.well("P1", "A01"), cells.well("P1", "B02")
    assert first.obs["object"].tolist() == [3, 7]
    assert second.obs["object"].tolist() == [2, 11, 40]
    for data, rows in ((first, (1, 0)), (second, (3, 2, 4))):
        for compartment, mask in (("Nuclei", 0), ("Cells", 1)):
            area = data[:, f"{compartment}_AreaShape_Area"].X.ravel()
            expected = [crops[row, mask].sum() or np.nan for row in rows]
            np.testing.assert_allclose(area, expected, rtol=4e-5)
    assert second.obs["qc"].tolist() == [4, 0, 0]
    assert "score" not in cells.wells
    assert not [name for name in cells.features if "Intensity" in name]
    said = capsys.readouterr().out
    assert "1 cells reach the border of their crop; they carry the bit edge" in said
    assert "1 masks are empty" in said


def test_a_folder_of_files_is_read_file_by_file_and_one_mask_is_the_cell(tmp_path: Path) -> None:
    crops = made_h5sc.discs(RADII)
    for number in (1, 2):
        one = np.delete(crops, 1, axis=1)
        (tmp_path / "files").mkdir(exist_ok=True)
        made_h5sc.write(tmp_path / "files" / f"{number}.h5sc", obs_of().assign(site=str(number)), one, masks=["mask"], number="cell_id")
    cells = cells_of(tmp_path / "files", tmp_path / "cells")
    assert cells.wells["cell_count_all"].tolist() == [4, 6]
    assert cells.features[0] == "Cells_AreaShape_Area"
    assert not [name for name in cells.features if name.startswith("Nuclei")]


def test_what_does_not_say_its_well_or_its_crops_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.h5sc"
    crops = made_h5sc.discs(RADII)
    made_h5sc.write(path, obs_of().drop(columns="well"), crops)
    with pytest.raises(InputError, match=r"no column of its images says the well .*--set columns.well=NAME"):
        cells_of(path, tmp_path / "cells")
    made_h5sc.write(path, obs_of().rename(columns={"well": "where"}), crops)
    assert cells_of(path, tmp_path / "named", columns={"well": "where"}).wells["well"].tolist() == ["A01", "B02"]
    made_h5sc.write(path, obs_of().rename(columns={word: f"Metadata_{word}" for word in ("plate", "well", "site")}), crops)
    assert cells_of(path, tmp_path / "prefixed").wells["well"].tolist() == ["A01", "B02"]
    made_h5sc.write(path, obs_of(), crops[:, 2:], masks=[])
    with pytest.raises(InputError, match="none of its channels is a mask"):
        READER.open(path)
    made_h5sc.write(path, obs_of().iloc[:0], crops[:0])
    with pytest.raises(InputError, match="holds no cell; leave it out"):
        READER.open(path)
    made_h5sc.write(path, obs_of(), crops, numbers=[1, 2, 3, 4, 2**31])
    with pytest.raises(InputError, match="not whole numbers below"):
        READER.open(path)
    made_h5sc.write(path, obs_of(), crops, numbers=[1, 1, 2, 3, 4])
    with pytest.raises(InputError, match="twice"):
        cells_of(path, tmp_path / "twice")
    made_h5sc.write(path, obs_of(), crops, channels=["DAPI", "Hoechst", "ER"])
    with pytest.raises(InputError, match="two of its channels have one name"):
        READER.open(path)
    made_h5sc.write(path, obs_of(), crops, number="index_of_cell")
    with pytest.raises(InputError, match="no column of obs numbers the cells; allowed: scportrait_cell_id, cell_id"):
        READER.open(path)
    with h5py.File(path, "a") as file:
        del file["obsm/single_cell_images"]
    with pytest.raises(InputError, match="holds no obsm/single_cell_images"):
        READER.open(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="cannot be read as a file of single cells of scPortrait"):
        READER.open(path)
