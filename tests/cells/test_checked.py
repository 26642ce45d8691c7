from __future__ import annotations

from pathlib import Path

from tests.cells.test_check import made

from impasto.cells import check, checked
from impasto.cells.folder import Cells


def test_wells_that_are_out(tmp_path: Path) -> None:
    cells = made(tmp_path, debris={"x": 12})
    assert not checked.wells_out(cells).any()
    check.check(cells, tmp_path / "out")
    assert checked.wells_out(Cells(cells.folder, quality=tmp_path / "out")).tolist() == [False, False, True, False, True]
