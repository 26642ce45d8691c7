"""Where a result may go: links, overlaps, strangers and dated names, each by hand."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from impasto import outputs, records
from impasto.schema import InputError


def test_what_lies_in_a_folder_is_seen_through_links(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "raw")
    assert outputs.lies_in(tmp_path / "link" / "new", tmp_path / "raw")
    assert outputs.lies_in(tmp_path / "raw", tmp_path / "raw")
    assert not outputs.lies_in(tmp_path / "raw", tmp_path / "link" / "new")
    assert not outputs.lies_in(tmp_path, tmp_path / "raw")


def test_a_folder_is_named_without_links_and_a_link_for_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    real = tmp_path.resolve()
    assert outputs.settled(tmp_path / "link", folder=True) == real / "disk"
    assert outputs.settled(tmp_path / "link", folder=False) == real / "link"
    assert outputs.settled(tmp_path / "link" / "a.parquet", folder=False) == real / "disk" / "a.parquet"
    assert outputs.settled(tmp_path / "disk" / ".." / "a", folder=True) == real / "a"


@pytest.mark.parametrize(("out", "word"), [("raw", "is"), (".", "holds"), ("raw/new", "lies in")])
def test_an_output_that_overlaps_an_input_is_refused(out: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(InputError, match=rf"{word} the input .*raw; results never go into what is read"):
        outputs.refuse_overlap(tmp_path / out, [tmp_path / "raw"])
    outputs.refuse_overlap(tmp_path / "other", [tmp_path / "raw"])


def test_a_page_may_lie_in_what_it_reads_but_not_replace_it(tmp_path: Path) -> None:
    outputs.refuse_overlap(tmp_path / "page.html", [tmp_path], may_lie_in_input=True)
    with pytest.raises(InputError, match="is the input"):
        outputs.refuse_overlap(tmp_path, [tmp_path], may_lie_in_input=True)


def test_a_dated_name_is_free(tmp_path: Path) -> None:
    day = time.strftime("%Y-%m-%d")
    assert outputs.dated(tmp_path / "a.parquet").name == f"a.{day}.parquet"
    (tmp_path / f"a.{day}.csv.gz").touch()
    (tmp_path / f"a.{day}-2.csv.gz").symlink_to(tmp_path / "nowhere")
    assert outputs.dated(tmp_path / "a.csv.gz").name == f"a.{day}-3.csv.gz"
    assert outputs.dated(tmp_path / "folder").name == f"folder.{day}"


def test_a_file_is_free_while_it_is_as_it_was_left(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    outputs.free(file, "correct", {}, name="a.csv")
    file.write_text("ours")
    listed = {"a.csv": records.content(file)}
    outputs.free(file, "correct", listed, name="a.csv")
    file.write_text("edited")
    with pytest.raises(InputError, match=r"a.csv is there and is not as impasto correct left it"):
        outputs.free(file, "correct", listed, name="a.csv")
    assert file.read_text() == "edited"


def test_a_folder_is_written_again_only_where_all_in_it_is_as_the_same_verb_left_it(tmp_path: Path) -> None:
    outputs.refuse_strangers(tmp_path / "new", "correct", None)
    (tmp_path / "empty").mkdir()
    outputs.refuse_strangers(tmp_path / "empty", "correct", None)
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "a.csv").write_text("ours")
    with pytest.raises(InputError, match=r"earlier is not empty and impasto did not write it \(it holds .*a\.csv.*\); give a new folder"):
        outputs.refuse_strangers(earlier, "correct", None)
    previous = {"verb": "correct", "key": "k", "state": records.FINISHED, "files": {"a.csv": records.content(earlier / "a.csv")}}
    (earlier / "run.json").write_text(json.dumps(previous))
    assert records.strangers(earlier) == []
    outputs.refuse_strangers(earlier, "correct", previous)
    with pytest.raises(InputError, match="earlier holds a result of impasto correct; give impasto embed a new folder"):
        outputs.refuse_strangers(earlier, "embed", previous)
    (earlier / "a.csv").write_text("edited")
    with pytest.raises(InputError, match=r"earlier holds .*a\.csv.*, which impasto correct did not leave like this"):
        outputs.refuse_strangers(earlier, "correct", previous)


@pytest.mark.parametrize(
    ("out", "folder", "sentence"),
    [
        ("a" * 231, True, "is no name for a file"),
        ("link", True, "is a link that leads nowhere"),
        ("file/new", True, "lies in .*file, which is a file"),
        ("file", True, "is a file, and impasto correct writes a folder"),
        ("there", False, "is a folder, and impasto correct writes a file"),
    ],
)
def test_a_place_where_no_result_can_stand_is_refused(out: str, folder: bool, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    (tmp_path / "there").mkdir()
    (tmp_path / "there.zarr").mkdir()
    with pytest.raises(InputError, match=sentence):
        outputs.refuse_place(tmp_path / out, "correct", folder=folder)
    for free, as_folder in (("a" * 230, True), ("file", False), ("there", True), ("there.zarr", False), ("x/y/z", True), ("link", False)):
        outputs.refuse_place(tmp_path / free, "correct", folder=as_folder)


def test_a_strangers_file_is_renamed_with_the_date_where_the_user_asks(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a stranger's")
    asked = outputs.KEEP_OLD.set(True)
    try:
        outputs.free(file, "correct", {}, name="a.csv")
    finally:
        outputs.KEEP_OLD.reset(asked)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["a stranger's"]
    assert not file.exists()
    (tmp_path / "folder").mkdir()
    outputs.free(tmp_path / "folder", "correct", {}, name="folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="dangling is there and is not as impasto correct left it"):
        outputs.free(tmp_path / "dangling", "correct", {}, name="dangling")


@pytest.mark.parametrize(
    "name", ["con", "NUL.csv", "com1.txt", "lpt9", "a:b", "what?", "a<b", "point.", "space ", "aux .x", 'a"b', "a|b", "COM²"]
)
def test_names_that_windows_does_not_take_are_told_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not outputs.is_name_on_windows(name)
    outputs.refuse_place(tmp_path / name, "correct", folder=True)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InputError, match="Windows takes no file or folder named"):
        outputs.refuse_place(tmp_path / name / "x", "correct", folder=True)


@pytest.mark.parametrize("name", ["console.csv", "a.con", "nul1", "com10", "plate 1 (2).parquet", ".hidden", "com", "µ"])
def test_names_that_windows_takes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outputs.is_name_on_windows(name)
    monkeypatch.setattr(sys, "platform", "win32")
    outputs.refuse_place(tmp_path / ".." / name, "correct", folder=True)
