from __future__ import annotations

from pathlib import Path

import pytest

from impasto.cells import sources
from impasto.schema import InputError


def test_what_no_reader_knows_lists_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no table")
    with pytest.raises(InputError, match=r"holds no table of cells that is known; allowed: .*CSV.*SQLite"):
        sources.open_all([tmp_path / "notes.txt"])
    with pytest.raises(InputError, match="does not exist"):
        sources.open_all([tmp_path / "absent"])
