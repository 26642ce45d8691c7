from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

from impasto.cells.folder import Cells
from impasto.profiling.counted import counted, counts
from impasto.schema import InputError


@pytest.fixture
def cells(tmp_path: Path) -> Cells:
    """A01 with 3 cells, A02 with 2: of the two sites of A01 one was not read, of those of A02 one was empty; A03 was not read at all."""
    table = pd.DataFrame({"plate": "P1", "well": ["A01"] * 3 + ["A02"] * 2 + ["A03"], "Nuclei_A_B": range(6)})
    folder = made_cells.write(tmp_path, table, made_cells.wells_of(["P1"], ["DMSO", "x", "y"])).folder
    sites = pd.read_parquet(folder / "sites.parquet")
    pd.concat([sites, sites.iloc[:2].assign(site="2")]).to_parquet(folder / "sites.parquet")
    lost = [("A01", "2", "blurred"), ("A02", "2", "no nucleus stands out"), ("A03", "1", "blurred")]
    rows = [{"source": "", "batch": "", "plate": "P1", "well": w, "site": s, "reason": r} for w, s, r in lost]
    pd.DataFrame(rows).to_csv(folder / "quarantine.csv", index=False)
    return Cells(folder)


def test_a_site_that_was_not_read_says_nothing(cells: Cells) -> None:
    assert counts(cells)["cell_count"].tolist()[:2] == [6, 2]
    assert np.isnan(counts(cells)["cell_count"].iloc[2])


def test_each_well_has_its_own_count(cells: Cells) -> None:
    obs = pd.DataFrame({"plate": "P1", "well": ["A02", "A01", "H12"]}, index=list("abc"))
    made = counted(anndata.AnnData(X=np.zeros((3, 1), dtype=np.float32), obs=obs), cells)
    np.testing.assert_array_equal(made.obs["cell_count"], [2, 6, np.nan])
    with pytest.raises(InputError, match="holds no well of these profiles"):
        counted(anndata.AnnData(X=np.zeros((3, 1), dtype=np.float32), obs=obs.assign(plate="P9")), cells)
    with pytest.raises(InputError, match="counting cells"):
        counted(anndata.AnnData(X=np.zeros((1, 1), dtype=np.float32), obs=pd.DataFrame({"plate": ["P"]}, index=["0"])), cells)
