from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.cells import made_tables

from impasto.assay import of_cells
from impasto.schema import InputError


@pytest.fixture
def base(tmp_path: Path) -> Path:
    made_tables.write_cytominer(tmp_path / "plate.sqlite", *made_tables.made())
    made_tables.write_csv(tmp_path / "run", *made_tables.made())
    pd.DataFrame({"Metadata_Plate": "P1", "Metadata_Well": ["A01", "A02"], "Cells_A_B": [1.0, 2.0]}).to_csv(tmp_path / "profiles.csv")
    return tmp_path


def test_tables_of_cells_are_told_from_profiles(base: Path) -> None:
    assert of_cells.are_cells([base / "plate.sqlite", base / "run"])
    assert not of_cells.are_cells([base / "plate.sqlite", base / "profiles.csv"])
    assert not of_cells.are_cells([base / "nowhere"])
    assert not of_cells.are_cells([])
    assert not of_cells.are_cells([Path("s3://bucket/plate.sqlite")])


def test_the_wells_are_annotated_before_a_value_is_read(base: Path) -> None:
    rows = [(w, "DMSO" if w.startswith("A") else "x", "uM") for w in made_tables.WELLS]
    pd.DataFrame(rows, columns=["well", "perturbation", "unit"]).assign(conc_uM=1.0).to_csv(base / "map.csv", index=False)
    found = of_cells.survey([base / "run"], platemaps=[base / "map.csv"], negcon=["DMSO"], columns={})
    assert found.profiles is None
    assert found.planes.empty
    assert found.wells["well"].tolist() == list(made_tables.WELLS)
    assert found.wells["control_type"].tolist() == ["negcon"] * 3 + ["trt"]
    assert found.summary.joins[0].covers is not None
    assert [plate["wells"] for plate in found.summary.plates] == [4]
    with pytest.raises(InputError, match="no column of its images says the plate"):
        of_cells.survey([_without(base, "Metadata_Plate")], platemaps=[], negcon=[], columns={})


def _without(base: Path, column: str) -> Path:
    table = pd.read_csv(base / "run" / "Image.csv")
    table.drop(columns=column).to_csv(base / "run" / "Image.csv", index=False)
    return base / "run"
