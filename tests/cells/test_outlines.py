"""Outlines of cells: a label image a site, numbered as the cells are, and none for cells of tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells, made_tables
from tests.cells.test_gather import cells_of as gathered
from tests.cells.test_image_run import cells_of, ingested, sites  # noqa: F401 - fixtures

from impasto.cells import measure, outlines, pixels
from impasto.cells.folder import Cells
from impasto.schema import InputError


def test_the_name_of_a_site_is_that_of_its_plate_and_well() -> None:
    place = {"source": "", "batch": "2021/b", "plate": "P 1", "well": "A01", "site": "f/2"}
    assert outlines.name_of(place) == "labels/-/2021%2Fb/P 1/A01_f%2F2.tif"


@pytest.mark.parametrize(("largest", "kind"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_labels_come_back_whatever_their_number(tmp_path: Path, largest: int, kind: type) -> None:
    import tifffile

    labels = np.array([[0, 1, largest], [2, 2, 0]], dtype=np.int32)
    outlines.write(tmp_path / "a.tif", labels)
    outlines.write(tmp_path / "b.tif", labels)
    read = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(read, labels)
    assert read.dtype == kind
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_labels_of_images_are_the_cells_of_the_table(ingested: Path, tmp_path: Path) -> None:  # noqa: F811
    cells = cells_of(ingested, tmp_path / "cells", nucleus=40.0)
    named = cells.sites.set_index("well")[outlines.COLUMN]
    assert named["A01"] == "labels/-/-/P1/A01_1.tif"
    assert pd.isna(named["B02"]), "a site without cells has no label image"
    shutil.move(cells.folder, tmp_path / "elsewhere")
    cells = Cells(tmp_path / "elsewhere")
    kept = outlines.Outlines(cells)
    assert sorted(p.name for p in cells.folder.rglob("*.tif")) == ["A01_1.tif", "A02_1.tif", "B01_1.tif"]
    for well in ("A01", "A02", "B01"):
        labels, own = kept.of(("", "", "P1", well, "1")), cells.well("P1", well)
        area = np.bincount(labels.ravel(), minlength=own.n_obs + 1)[1:]
        np.testing.assert_allclose(area[own.obs["object"].astype(int) - 1], own[:, "Cells_AreaShape_Area"].X.ravel(), rtol=4e-5)
        for _, cell in own.obs.iterrows():
            assert labels[int(cell["center_y"]), int(cell["center_x"])] == int(cell["object"])
    with pytest.raises(InputError, match="plate P1, well B02, site 1 has no cells"):
        kept.of(("", "", "P1", "B02", "1"))
    (cells.folder / "labels/-/-/P1/A01_1.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"A01_1\.tif cannot be read .*write the cells again"):
        kept.of(("", "", "P1", "A01", "1"))


def test_masked_crops_of_a_folder_lack_the_neighbours(ingested: Path, tmp_path: Path) -> None:  # noqa: F811
    cells = cells_of(ingested, tmp_path / "cells", nucleus=40.0)
    table = cells.well("P1", "A01").obs.reset_index(drop=True)
    labels = outlines.Outlines(cells).of(("", "", "P1", "A01", "1"))
    source = pixels.of(cells)
    whole, alone = (source.cut(table, side=96, channels=["DNA"], masked=masked) for masked in (False, True))
    for number, cell in table.iterrows():
        left, top = int(np.floor(cell["center_x"])) - 48, int(np.floor(cell["center_y"])) - 48
        for y in range(96):
            for x in range(0, 96, 7):
                if whole.inside[number, y, x]:
                    of = labels[top + y, left + x]
                    assert alone.pixels[number, 0, y, x] == (whole.pixels[number, 0, y, x] if of in (0, cell["object"]) else 0)
    assert (alone.pixels != whole.pixels).any()


def test_the_outlines_of_another_run_are_not_left_behind(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    plain, calls = measure.of_site, list[int]()

    def third_fails(*given: object, **options: object) -> np.ndarray:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(*given, **options)  # type: ignore[arg-type]

    whole = cells_of(ingested, tmp_path / "whole", nucleus=40.0)
    monkeypatch.setattr("impasto.cells.image_run.measure.of_site", third_fails)
    with pytest.raises(KeyboardInterrupt):
        cells_of(ingested, tmp_path / "cells", nucleus=40.0)
    resumed = cells_of(ingested, tmp_path / "cells", nucleus=40.0)
    files = [path.relative_to(whole.folder) for path in sorted(whole.folder.rglob("*.tif"))]
    assert [path.relative_to(resumed.folder) for path in sorted(resumed.folder.rglob("*.tif"))] == files
    assert all((resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes() for name in files)


def test_cells_of_tables_in_the_place_of_cells_of_images_leave_none_of_theirs(ingested: Path, tmp_path: Path) -> None:  # noqa: F811
    made_tables.write_csv(tmp_path / "run", *made_tables.made())
    cells_of(ingested, tmp_path / "cells", nucleus=40.0)
    cells_of(ingested, tmp_path / "cells", nucleus=38.0)
    assert len(list((tmp_path / "cells" / "labels").rglob("*.tif"))) == 3
    cells = gathered(tmp_path / "run", tmp_path / "cells")
    assert {path.name for path in cells.folder.iterdir()} == {"-", "cells.json", "run.json", "sites.parquet", "wells.parquet"}
    with pytest.raises(InputError, match="keeps no outlines"):
        outlines.Outlines(cells)


def test_cells_of_tables_have_no_outlines(tmp_path: Path) -> None:
    table = pd.DataFrame({"plate": "P", "well": "A01", "Nuclei_AreaShape_Area": [1.0, 2.0]})
    cells = made_cells.write(tmp_path, table, made_cells.wells_of(["P"], ["DMSO"]))
    with pytest.raises(InputError, match=r"keeps no outlines of its cells.*leave --masked out"):
        outlines.Outlines(cells)


@pytest.mark.parametrize("name", ["../kept.tif", "kept.tif", "ABSOLUTE", "labels/../kept.tif"])
def test_only_label_images_of_the_folder_are_removed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    (folder / outlines.FOLDER).mkdir(parents=True)
    for kept in (tmp_path / "kept.tif", folder / "kept.tif"):
        kept.touch()
    own = folder / outlines.FOLDER / "own.tif"
    own.touch()
    named = name.replace("ABSOLUTE", str(tmp_path / "kept.tif"))
    pd.DataFrame({outlines.COLUMN: [named, f"{outlines.FOLDER}/own.tif"]}).to_parquet(folder / "sites.parquet")
    outlines.remove(folder)
    assert (tmp_path / "kept.tif").exists()
    assert (folder / "kept.tif").exists()
    assert not own.exists()
