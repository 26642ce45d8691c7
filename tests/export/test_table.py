"""One table in another format, and a folder of plates as one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.correction.plated import plates

import impasto as im
from impasto.export import EXPORTERS


def test_from_memory_and_from_a_folder_of_plates(tmp_path: Path) -> None:
    data = plates(plates=2)
    EXPORTERS["table"].write(data, tmp_path / "a.csv", {})
    np.testing.assert_allclose(im.read(tmp_path / "a.csv").X, data.X, rtol=1e-6)
    im.write(data, tmp_path / "a.plates")
    stream = EXPORTERS["table"].stream
    assert stream is not None
    stream(im.open(tmp_path / "a.plates"), tmp_path / "b.parquet")
    np.testing.assert_array_equal(im.read(tmp_path / "b.parquet").X, data.X)
