"""Nothing doubled and nothing missing in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plates.frames import table

from impasto.plates import places, planes
from impasto.plates.containers import KINDS


def test_two_planes_of_one_place_are_named() -> None:
    frame = planes.sorted_by_place(table(site=["1", "2", "2", "3"], page=[0, 0, 4, 0], path=["/a.tif", "/b.tif", "/b.tif", "/c.tif"]))
    (problem,) = places.doubled(frame, "W")
    assert (
        "W: 2 planes claim the place of another (first: plate P1 well A01 site 2 DNA: /b.tif (page 0) and /b.tif (page 4))"
        in problem.sentence
    )
    assert places.doubled(planes.sorted_by_place(table(site=["1", "2"])), "W") == []
    plain = planes.sorted_by_place(table(site=["1", "1"]))
    assert "/images/0.tif and /images/1.tif)" in places.doubled(plain, "W")[0].sentence


def test_one_page_that_is_two_channels_is_refused() -> None:
    shared = table(path=["/a.tif", "/a.tif", "/b.tif"], channel=["DNA", "ER", "RNA"])
    (problem,) = places.shared(shared, "W")
    assert "2 planes share their file with another channel (first: /a.tif as DNA, ER)" in problem.sentence
    assert places.shared(table(path=["/a.tif"] * 2, page=[0, 1]), "W") == []
    assert places.shared(table(path=["/a.zarr"] * 2, at=["c0", "c1"]), "W") == []
    assert places.shared(table(path=["/a.tif"] * 2, base=["/x"] * 2), "W") == []


def test_missing_files_are_counted_and_refused_where_it_is_all(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"")
    some = table(path=[str(tmp_path / "a.tif"), str(tmp_path / "b.tif"), str(tmp_path / "b.tif"), "s3://far/c.tif"])
    count, notes, problems = places.missing(some, "W")
    assert (count, problems) == (1, [])
    assert notes == [f"W: 1 of 2 files do not exist (first: {tmp_path}/b.tif); their sites will be quarantined"]
    count, notes, problems = places.missing(table(path=[str(tmp_path / "b.tif")]), "W")
    assert (count, notes) == (1, [])
    assert problems[0].options == ("--root", "FOLDER")
    assert places.missing(table(path=["/nowhere.tif"], base=["/x"]), "W") == (0, [], [])


def test_kinds_that_are_not_read_are_left_out(tmp_path: Path) -> None:
    frame = table(path=["/a.tif", "/b.c01", "/c.DIB"])
    kept, notes, problems = places.unread_kinds(frame, "W")
    assert planes.paths(kept).to_pylist() == ["/a.tif"]
    assert "W: 1 .c01, 1 .dib images are of kinds that are not read" in notes[0]
    assert problems == []
    _, notes, problems = places.unread_kinds(frame[1:].reset_index(drop=True), "W")
    assert notes == []
    assert "its images are of kinds that are not read (1 .c01, 1 .dib)" in problems[0].sentence


def test_images_whose_library_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    suffix, kind = next(iter(KINDS.items()))
    monkeypatch.setattr(type(kind), "installed", property(lambda _: False))
    notes, problems = places.without_library(table(path=["/a.tif", f"/b{suffix}"]), "W")
    assert "W: 1 of 2 planes cannot be read" in notes[0]
    assert problems == []
    notes, problems = places.without_library(table(path=[f"/b{suffix}"]), "W")
    assert notes == []
    assert "1 of 1 planes cannot be read" in problems[0].sentence
    assert places.without_library(table(path=["/a.tif"]), "W") == ([], [])


def test_files_that_differ_in_their_suffix_only_are_told_so() -> None:
    frame = planes.sorted_by_place(table(path=["/p/a.tif", "/p/a.tiff", "/p/b.tif"], site=["1", "1", "2"]))
    sentence = places.doubled(frame, "W")[0].sentence
    assert sentence.endswith("They differ in their suffix only: keep the .tif or the .tiff, or end a --pattern in the one to read ([.]tif)")
    frame = planes.sorted_by_place(table(path=["/p/a.tif", "/q/a.tiff"], site=["1", "1"]))
    assert places.doubled(frame, "W")[0].sentence.endswith("Say what tells them apart with --pattern")
