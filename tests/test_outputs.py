"""Where a result may go: links, overlaps, strangers and dated names, each by hand."""

from __future__ import annotations

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
