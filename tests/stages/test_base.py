"""A result is a folder or a file by its name, and its record lies inside or beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.settings import Settings
from impasto.stages.base import FOLDER, PROFILES, Verb, Writes


def test_the_name_decides_where_both_can_be_written() -> None:
    both = Writes(folder=True, suffixes=(".csv",))
    assert both.is_folder(Path("out"))
    assert not both.is_folder(Path("out.CSV"))
    assert FOLDER.is_folder(Path("out.csv"))
    assert not PROFILES.is_folder(Path("p.parquet"))
    with pytest.raises(InputError, match=r"out: cannot tell the kind of file from its name; allowed: \.csv"):
        Writes(folder=False, suffixes=(".csv",)).is_folder(Path("out"))


def test_a_record_lies_in_a_folder_or_beside_a_file() -> None:
    verb = Verb(settings=Settings, inputs=lambda s: [], run=lambda s, out: None, result="", writes=Writes(folder=True, suffixes=(".csv",)))
    assert verb.record(Path("a/out")) == Path("a/out/run.json")
    assert verb.record(Path("a/out.csv")) == Path("a/out.csv.run.json")
    assert list(verb.beside(None, Path("out"))) == []
    assert not verb.may_lie_in_input
