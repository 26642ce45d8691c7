from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells, made_h5sc
from tests.cells.test_gather import cells_of

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells import pixels
from impasto.schema import InputError


def test_crops_of_scportrait_are_those_of_the_cells_asked_for(tmp_path: Path) -> None:
    crops = made_h5sc.discs([(4, 8), (5, 9), (3, 7), (4, 6)])
    obs = pd.DataFrame({"plate": "P1", "well": ["B02", "A01", "A01", "B02"]})
    made_h5sc.write(tmp_path / "a.h5sc", obs, crops, numbers=[5, 2, 9, 1])
    cells = cells_of(tmp_path / "a.h5sc", tmp_path / "cells")
    source = pixels.of(cells)
    assert list(source.channels) == ["DNA", "ER", "Actin"]
    table = pd.concat([cells.well("P1", "B02").obs, cells.well("P1", "A01").obs], ignore_index=True)
    assert table["object"].tolist() == [1, 5, 2, 9]
    cut = source.cut(table, side=112, channels=["Actin", "DNA"])
    np.testing.assert_allclose(cut.pixels, crops[[3, 0, 1, 2]][:, [4, 2]].astype(np.float16))
    assert cut.inside.all()
    masked = source.cut(table, side=112, channels=["Actin", "DNA"], masked=True)
    body = crops[[3, 0, 1, 2]][:, [1]] > 0
    np.testing.assert_allclose(masked.pixels, crops[[3, 0, 1, 2]][:, [4, 2]].astype(np.float16) * body)
    assert (masked.pixels != cut.pixels).any()
    assert source.windows(["P1"], ["Actin", "DNA"])["P1"].tolist() == [[0, 1], [0, 1]]


def test_cells_of_tables_say_that_their_images_are_not_known(tmp_path: Path) -> None:
    table = pd.DataFrame({"plate": "P", "well": "A01", "Nuclei_AreaShape_Area": [1.0, 2.0]})
    cells = made_cells.write(tmp_path, table, made_cells.wells_of(["P"], ["DMSO"]))
    with pytest.raises(InputError, match="--images DIR"):
        pixels.of(cells)
