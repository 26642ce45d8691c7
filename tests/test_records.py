"""Records: digests by hand, what lies in a folder and is not listed, what a killed run leaves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from impasto import records


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_record_of_a_folder_lies_inside_and_that_of_a_file_beside() -> None:
    assert records.path_of(Path("a/b"), folder=True) == Path("a/b/run.json")
    assert records.path_of(Path("a/p.parquet"), folder=False) == Path("a/p.parquet.run.json")


def test_a_digest_is_of_content_of_names_and_of_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "b.txt").write_bytes(b"two")
    (tmp_path / "f" / "a").mkdir()
    (tmp_path / "f" / "a" / "c.txt").write_bytes(b"one")
    (tmp_path / "f" / "z").symlink_to("a")
    assert records.content(tmp_path / "f" / "b.txt") == sha(b"two")
    assert records.content(tmp_path / "f" / "z") == sha(b"link a")
    assert [p.relative_to(tmp_path).as_posix() for p in records.walk(tmp_path / "f")] == ["f/b.txt", "f/z", "f/a/c.txt"]
    whole = b"".join(name + b"\0" + sha(data).encode() for name, data in ((b"b.txt", b"two"), (b"z", b"link a"), (b"a/c.txt", b"one")))
    assert records.content(tmp_path / "f") == sha(whole)


def test_only_our_own_records_are_read(tmp_path: Path) -> None:
    place = tmp_path / "run.json"
    assert records.read(place) is None
    for text, ours in (
        ('{"verb": "train", "key": "k"}', True),
        ('{"verb": "train"}', False),
        ("[1]", False),
        ("{", False),
        ('{"verb": 1, "key": "k"}', False),
    ):
        place.write_text(text)
        assert (records.read(place) is not None) == ours
    assert records.is_finished({"state": "finished"})
    assert not records.is_finished({"state": "started"})
    assert records.files_of(None) == {}
    assert records.files_of({"files": [1]}) == {}
    assert records.files_of({"files": {"a": "d", "b": None, "c": 3}}) == {"a": "d", "b": None}


def test_strangers_are_what_no_record_lists_as_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_bytes(b"kept")
    (tmp_path / "changed.txt").write_bytes(b"now")
    (tmp_path / "open.txt").write_bytes(b"half")
    (tmp_path / "stranger.txt").write_bytes(b"mine")
    (tmp_path / "store.zarr").mkdir()
    (tmp_path / "store.zarr" / "0").write_bytes(b"x")
    (tmp_path / ".model.partial-12.safetensors").write_bytes(b"")
    for work in (records.work_of(tmp_path / "sub" / "p.parquet", "0123456789ab"), records.work_of(tmp_path / "sub" / "p.plates")):
        work.mkdir(parents=True)
        (work / "plan.json").write_bytes(b"{}")
    (tmp_path / "sub" / "own.csv").write_bytes(b"1")
    files = {
        "kept.txt": sha(b"kept"),
        "changed.txt": sha(b"then"),
        "open.txt": None,
        "store.zarr": records.content(tmp_path / "store.zarr"),
    }
    records.write(tmp_path / "run.json", {"verb": "train", "key": "k", "files": files})
    records.write(tmp_path / "sub" / "own.csv.run.json", {"verb": "table", "key": "k", "files": {"own.csv": sha(b"1")}})
    assert records.strangers(tmp_path) == ["changed.txt", "stranger.txt"]
    (tmp_path / "store.zarr" / "1").write_bytes(b"y")
    assert records.strangers(tmp_path) == ["changed.txt", "stranger.txt", "store.zarr/0", "store.zarr/1"]
    assert json.loads((tmp_path / "run.json").read_text())["files"] == files


@pytest.mark.parametrize(("names", "words"), [(["a"], "a"), (["a", "b", "c"], "a and 2 more")])
def test_names_in_a_sentence(names: list[str], words: str) -> None:
    assert records.in_short(names) == words
