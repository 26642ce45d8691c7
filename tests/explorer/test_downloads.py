"""Files to take away: those of two names that lie in the index."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from impasto.explorer.contents import Contents
from impasto.explorer.downloads import downloads


def test_only_files_of_hits_are_listed(contents: Contents, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(contents, index=dataclasses.replace(contents.index, folder=tmp_path))
    assert downloads(elsewhere) == {}
    for name in ("hits.xlsx", "hits.parquet", "index.json"):
        (tmp_path / name).write_bytes(b"x")
    assert downloads(elsewhere) == {"hits.xlsx": tmp_path / "hits.xlsx"}
