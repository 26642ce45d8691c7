"""Texts and tables have the same bytes on every system, whenever and under whichever name they are written."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from impasto import texts
from impasto.schema import InputError


def test_a_text_is_utf_8_with_line_feeds_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts.write(path, "µ\nÅ\n")
    texts.append(path, "é\n")
    assert path.read_bytes() == "µ\nÅ\né\n".encode()
    assert texts.read(path) == "µ\nÅ\né\n"


def test_the_mark_that_editors_write_before_a_text_is_not_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert texts.read(tmp_path / "a.toml") == "x = 1\n"


def test_lines_end_alike_on_a_system_with_other_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "linesep", "\r\n")
    for name in ("a.csv", "a.csv.gz"):
        texts.write_csv(pd.DataFrame({"well": ["A01"], "note": ["5 µM"]}), tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == "well,note\nA01,5 µM\n".encode()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()


def test_a_packed_table_tells_no_time_and_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"a": [1, 2]})
    texts.write_csv(table, tmp_path / "first.csv.gz")
    monkeypatch.setattr("time.time", lambda: 2e9)
    texts.write_csv(table, tmp_path / "second.csv.gz")
    assert (tmp_path / "first.csv.gz").read_bytes() == (tmp_path / "second.csv.gz").read_bytes()
    assert pd.read_csv(tmp_path / "first.csv.gz").equals(table)


@pytest.mark.timeout(30)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(InputError, match="is neither a file nor a folder"):
        texts.read(tmp_path / "run.json")
