"""Planes from names: which preset fits, wells of every form, channels as they are shown, and names that do not match."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.plates import names, patterns
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked
from impasto.schema import InputError

PRESETS = {preset.name: preset for preset in patterns.presets()}


def listing(folder: Path, *files: str) -> Listing:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return Listing.of(folder)


def test_a_preset_fits_its_own_names_only(tmp_path: Path) -> None:
    phenix = [f"P1/r01c0{n}f01p01-ch1sk1fk1fl1.tiff" for n in range(1, 4)]
    files = listing(tmp_path, *phenix, "P1/other.tif", "P1/notes.txt")
    assert names.fits(PRESETS["phenix"], files) == 3
    assert names.fits(PRESETS["phenix7"], files) == 0
    result = names.planes(PRESETS["phenix"], files, Asked())
    assert result.planes["well"].astype(str).tolist() == ["A01", "A02", "A03"]
    assert result.planes["number"].astype(str).tolist() == ["1", "1", "1"]
    assert result.unmatched == (1, "other.tif")
    assert result.folders == {f"{tmp_path}/P1"}


def test_a_sample_of_many_names_is_counted_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_SAMPLE", 4)
    files = listing(tmp_path, *(f"r01c{n:02d}f01p01-ch1sk1fk1fl1.tiff" for n in range(1, 11)))
    assert names.fits(PRESETS["phenix"], files) == 10


@pytest.mark.parametrize(
    ("number", "part", "columns", "well"),
    [("1", "", 12, "A01"), ("13", "", 12, "B01"), ("96", "", 12, "H12"), ("25", "", 24, "B01")],
)
def test_wells_by_their_number_go_along_the_rows(number: str, part: str, columns: int, well: str) -> None:
    assert names._well("", "", "", number, part, columns=columns, where="W") == well


def test_wells_of_every_form() -> None:
    assert names._well("", "3", "12", "", "", columns=0, where="W") == "C12"
    assert names._well("b7", "", "", "", "", columns=0, where="W") == "B07"
    with pytest.raises(InputError, match=r"W: .*; correct --pattern"):
        names._well("", "77", "1", "", "", columns=0, where="W")


def test_the_plate_is_the_smallest_that_holds_the_numbered_wells_unless_the_user_says_its_size() -> None:
    notes: list[str] = []
    assert names._columns(96, Asked(), "W", notes) == 12
    assert "read by rows on a plate of 96; if it has more: --plate-size 384" in notes[0]
    assert names._columns(97, Asked(), "W", notes) == 24
    assert len(notes) == 2
    assert names._columns(10, Asked(plate_size=1536), "W", notes) == 48
    assert names._columns(400, Asked(), "W", notes) == 48
    assert len(notes) == 2
    for size, largest in ((96, 97), (100, 5)):
        with pytest.raises(InputError, match=f"--plate-size {size} does not fit"):
            names._columns(largest, Asked(plate_size=size), "W", notes)


def test_of_columbus_the_number_that_varies_is_the_channel(tmp_path: Path) -> None:
    columbus = PRESETS["columbus"]
    files = listing(tmp_path, *(f"P/001001-{site}-00100{ch}001.tif" for site in (1, 2) for ch in (1, 2)))
    result = names.planes(columbus, files, Asked())
    assert [int(number) for number in result.planes["number"]] == [1, 2, 1, 2]
    assert result.problems == ()
    both = listing(tmp_path / "two", *(f"P/001001-1-00{z}00{ch}001.tif" for z in (1, 2) for ch in (1, 2)))
    (problem,) = names.planes(columbus, both, Asked()).problems
    assert "the first (001, 002) and the second (001, 002) vary" in problem.sentence
    assert problem.options[0] == "--pattern"


def test_a_pattern_of_the_user_may_speak_of_folders(tmp_path: Path) -> None:
    files = listing(tmp_path, "monday/P7/A01_s2_wDNA.tif", "monday/P7/A01_s2_wER.tif")
    preset = patterns.own("{batch}/{plate}/{well}_s{site}_w{channel}.tif")
    planes = names.planes(preset, files, Asked()).planes
    assert planes[["batch", "plate", "well", "site", "channel"]].astype(str).to_numpy().tolist() == [
        ["monday", "P7", "A01", "2", "DNA"],
        ["monday", "P7", "A01", "2", "ER"],
    ]


def test_a_folder_so_many_levels_up() -> None:
    assert names._up("/a/b/c", 0) == "/a/b/c"
    assert names._up("/a/b/c", 2) == "/a"
    bases = names._Bases("/a/b/c")
    assert bases[1] == "/a/b"
