from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impasto as im
from impasto import recipe
from impasto.cells import check, confluence
from impasto.cells.folder import Cells
from impasto.stages.cells import CellsSettings


def written(folder: Path, *, sizes: bool = True) -> Cells:
    """Two sites of A01 (a control), one of A02, and one of A03 without cells."""
    size = ",Width_DNA,Height_DNA" if sizes else ""
    images = [(1, "A01", 1), (2, "A01", 2), (3, "A02", 1), (4, "A03", 1)]
    own = ",100,50" if sizes else ""
    run = folder / "run"
    run.mkdir()
    (run / "Image.csv").write_text(
        f"ImageNumber,Metadata_Plate,Metadata_Well,Metadata_Site{size}\n" + "".join(f"{n},P1,{w},{s}{own}\n" for n, w, s in images)
    )
    areas = [(1, 1, 1000), (1, 2, 500), (2, 1, 1500), (3, 1, 400), (3, 2, "nan")]
    (run / "Cells.csv").write_text("ImageNumber,ObjectNumber,AreaShape_Area\n" + "".join(f"{i},{n},{a}\n" for i, n, a in areas))
    (folder / "map.csv").write_text("well,perturbation\nA01,DMSO\nA02,x\nA03,y\n")
    settings = {"sources": [str(run)], "platemap": [str(folder / "map.csv")], "negcon": ["DMSO"]}
    recipe.execute("cells", CellsSettings.read(settings, where="test"), out=folder / "cells")
    return im.read_cells(folder / "cells")


def test_the_share_of_all_fields_of_a_well_that_its_cells_cover(tmp_path: Path) -> None:
    cells = written(tmp_path)
    shares = confluence.of_wells(cells, cells.plate("P1"), ["A01", "A02", "A03"])
    np.testing.assert_allclose(shares, [3000 / 10_000, 400 / 5_000, 0], rtol=1e-4)
    receipt = check.check(cells, tmp_path / "quality")
    assert receipt["plates"][0]["confluence"] == pytest.approx({"controls": 0.3, "least": 0, "most": 0.3}, rel=1e-4)
    assert "P1: cells cover 30% in control wells, 0% to 30% of the fields of a well" in check.sentences(receipt)
    table = pd.read_parquet(tmp_path / "quality" / "wells.parquet")
    np.testing.assert_allclose(table["confluence"], shares)


def test_without_sizes_nothing_is_said(tmp_path: Path) -> None:
    cells = written(tmp_path, sizes=False)
    assert np.isnan(confluence.of_wells(cells, cells.plate("P1"), ["A01"])).all()
    receipt = check.check(cells, tmp_path / "quality")
    assert receipt["plates"][0]["confluence"] == {}
    assert not any("cover" in line for line in check.sentences(receipt))


def test_without_controls_the_least_and_the_most_are_said() -> None:
    shares = confluence.of_plate(pd.Series([0.2, np.nan, 0.5]), np.zeros(3, dtype=bool))
    assert confluence.sentence(shares) == "cells cover 20% to 50% of the fields of a well"
