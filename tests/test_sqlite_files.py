from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from impasto import sqlite_files


@pytest.mark.parametrize("name", ["plate#1.sqlite", "100%41 wells.sqlite", "what?mode=rw.sqlite", "Größe.db"])
def test_a_file_is_opened_by_its_name_whatever_that_holds(name: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / name) as base:
        base.execute('create table "a ""b""" (x, "y z")')
        base.execute("create view v as select 1 as one")
    with sqlite_files.reading(tmp_path / name) as base:
        odd = 'a "b"'
        assert sqlite_files.tables(base) == {odd: ["x", "y z"], "v": ["one"]}
        assert base.execute("select count(*) from " + sqlite_files.quoted(odd)).fetchone() == (0,)


def test_a_file_is_never_made_and_never_changed(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), sqlite_files.reading(tmp_path / "no.sqlite"):
        pass
    assert not list(tmp_path.iterdir())
    with sqlite3.connect(tmp_path / "p.sqlite") as base:
        base.execute("create table a (x)")
    with sqlite_files.reading(tmp_path / "p.sqlite") as base, pytest.raises(sqlite3.OperationalError, match="readonly"):
        base.execute("insert into a values (1)")
