from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from impasto.cells.array_run import ArrayRun, write


def test_cells_in_memory_are_written_and_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wells = pd.DataFrame({"plate": ["P2", "P1", "P1"], "well": ["A01", "B01", "A02"], "perturbation": ["x", "y", "z"]})
    values = [rng.normal(size=(n, 2)).astype(np.float32) for n in (3, 0, 5)]
    run = ArrayRun(wells, values, ["Cells_AreaShape_Area", "Nuclei_AreaShape_Area"])
    ((_, swapped),) = list(run.parts("Cells", ["Nuclei_AreaShape_Area", "ObjectNumber"]))[:1]
    np.testing.assert_array_equal(swapped, np.stack([values[0][:, 1], [1, 2, 3]], axis=1))
    cells = write(run, tmp_path / "cells")
    assert cells.plates == ["P1", "P2"]
    assert cells.wells["cell_count_all"].tolist() == [5, 0, 3]
    np.testing.assert_allclose(cells.well("P1", "A02").X, values[2], rtol=4e-5)
    assert cells.well("P1", "B01").n_obs == 0
    assert [w.n_obs for w in cells.iter_wells()] == [5, 0, 3]
