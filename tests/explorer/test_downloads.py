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


def test_files_of_the_assay_that_holds_the_index_count_where_its_recipe_lies(contents: Contents, tmp_path: Path) -> None:
    own = tmp_path / "index"
    own.mkdir()
    elsewhere = dataclasses.replace(contents, index=dataclasses.replace(contents.index, folder=own))
    (tmp_path / "hits.csv").write_bytes(b"x")
    assert downloads(elsewhere) == {}
    (tmp_path / "recipe.toml").write_text("")
    assert downloads(elsewhere) == {"hits.csv": tmp_path / "hits.csv"}
    (own / "hits.csv").write_bytes(b"y")
    assert downloads(elsewhere) == {"hits.csv": own / "hits.csv"}
