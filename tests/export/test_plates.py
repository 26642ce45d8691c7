"""Any table becomes a folder of plates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import plates

import impasto as im
from impasto.export import EXPORTERS
from impasto.schema import InputError


def test_a_table_becomes_a_folder_of_plates(tmp_path: Path) -> None:
    data = plates(plates=2)
    EXPORTERS["plates"].write(data, tmp_path / "a.plates", {})
    np.testing.assert_array_equal(im.read(tmp_path / "a.plates").X, data.X)
    with pytest.raises(InputError, match=r"is named \.plates"):
        EXPORTERS["plates"].write(data, tmp_path / "a.parquet", {})


def test_rows_without_a_plate_are_refused(tmp_path: Path) -> None:
    data = plates(plates=2)
    del data.obs["plate"]
    with pytest.raises(InputError, match="a folder of plates needs the column 'plate'"):
        EXPORTERS["plates"].write(data, tmp_path / "a.plates", {})
    assert not (tmp_path / "a.plates").exists()
