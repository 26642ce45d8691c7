from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cells import made_tables
from tests.cells.test_gather import cells_of

import impasto as im
from impasto.schema import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells")
    images, objects = made_tables.made(3)
    made_tables.write_csv(path / "run1", images, objects)
    made_tables.write_csv(path / "run2", [{**i, "Metadata_Plate": "P2"} for i in images], objects)
    (path / "map.csv").write_text("well,perturbation,control_type\nA01,DMSO,negcon\nA02,DMSO,negcon\nA03,x,trt\nB01,y,trt\n")
    cells_of(path, path.parent / f"{path.name}-out", platemap=[str(path / "map.csv")])
    return path.parent / f"{path.name}-out"


def test_plates_wells_and_features_are_known_at_once(folder: Path) -> None:
    cells = im.read_cells(folder)
    assert cells.plates == ["P1", "P2"]
    assert cells.wells["control_type"].tolist() == ["negcon", "negcon", "trt", "trt"] * 2
    assert cells.features[0] == "Cells_AreaShape_M0"
    assert len(cells.sites) == 16
    assert cells.sites["FileName_DNA"].iloc[0] == "A01.tif"


def test_blocks_groups_and_wells_hold_the_same_values(folder: Path) -> None:
    cells = im.read_cells(folder)
    for plate in cells.plates:
        blocks = [values for name, _, values in cells.blocks(features=4) if name == plate]
        whole = np.concatenate(blocks)
        by_group = np.concatenate([values for _, values in cells.groups(cells.plate(plate))], axis=1)
        by_well = np.concatenate([cells.well(plate, w).X for w in made_tables.WELLS]).T
        np.testing.assert_array_equal(whole, by_group)
        np.testing.assert_array_equal(whole, by_well)


def test_a_well_carries_its_annotation_and_is_found_by_any_spelling(folder: Path) -> None:
    cells = im.read_cells(folder)
    well = cells.well("P2", "a3")
    assert set(well.obs["perturbation"]) == {"x"}
    assert set(well.obs["plate"]) == {"P2"}
    assert well.var.loc["Nuclei_AreaShape_M0", "compartment"] == "Nuclei"
    assert cells.well("P2", "a3", kept=True).n_obs == cells.wells.query("plate == 'P2' and well == 'A03'")["cell_count"].item()
    with pytest.raises(InputError, match="plate P2 has no well H01; it has A01, A02, A03, B01"):
        cells.well("P2", "H01")
    with pytest.raises(InputError, match=r"there is no plate 'P3'; there are P1, P2"):
        cells.well("P3", "A01")
    cells._files = {f"B{number}/{name}": file for number in (1, 2) for name, file in cells._files.items()}
    with pytest.raises(InputError, match="2 plates are named 'P2'; there are B1/P1, B1/P2"):
        cells.plate("P2")
    assert cells.plate("B2/P2").name == "B2/P2"


def test_what_is_no_folder_of_cells_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no cells .*impasto cells TABLES_OR_IMAGES --out"):
        im.read_cells(tmp_path)
    (tmp_path / "cells.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="is of format 99"):
        im.read_cells(tmp_path)
    (tmp_path / "cells.json").write_text(json.dumps({"format": 1, "unit": "Cells", "features": [], "plates": []}))
    with pytest.raises(InputError, match=r"holds no cells_qc\.json"):
        im.read_cells(tmp_path, quality=tmp_path)


def test_bags_are_of_one_size_and_of_all_wells_alike(folder: Path) -> None:
    cells = im.read_cells(folder)
    bags = {name: (values, mask) for name, values, mask in cells.bags(size=8, seed=1)}
    assert sorted(bags) == ["DMSO", "x", "y"]
    of_well = {(p, w): cells.well(p, w, kept=True).X for p in cells.plates for w in made_tables.WELLS}
    values, mask = bags["DMSO"]
    assert values.shape == (8, len(cells.features))
    assert mask.all()
    owners = [next(place for place, own in of_well.items() if (own == row).all(axis=1).any()) for row in values]
    assert all(w in ("A01", "A02") for _, w in owners)
    assert len({tuple(row) for row in values}) >= 4  # plates hold the same cells here; a well gives no cell twice
    many, mask = next((v, m) for name, v, m in cells.bags(size=500) if name == "x")
    count = sum(len(own) for (_, w), own in of_well.items() if w == "A03")
    assert mask.sum() == count
    assert (many[~mask] == 0).all()
    again = {name: values for name, values, _ in cells.bags(size=8, seed=1)}
    assert all(np.array_equal(again[name], values) for name, (values, _) in bags.items())
    with pytest.raises(InputError, match="bags of cells needs the column 'batch_of_drug'"):
        list(cells.bags(by="batch_of_drug"))


@pytest.mark.parametrize("name", ["wells.parquet", "sites.parquet", "-/-/P2.parquet"])
def test_a_damaged_table_of_the_folder_is_one_sentence(folder: Path, name: str, tmp_path: Path) -> None:
    copied = tmp_path / "cells"
    shutil.copytree(folder, copied)
    (copied / name).write_bytes((copied / name).read_bytes()[:-200] + bytes(200))
    with pytest.raises(
        InputError, match=rf"{Path(name).name} cannot be read as a table of cells .*write the folder again with impasto cells"
    ):
        _ = im.read_cells(copied).sites
