"""A look at a few images of every plate: type, size, ScanR's offset, and pages that nobody would read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.plates.frames import table

from impasto.plates import probe


@pytest.mark.parametrize(
    ("low", "high", "offset"), [(32768, 32768 + 4095, 32768), (32767, 33000, 0), (32768, 32768 + 4096, 0), (40, 900, 0)]
)
def test_an_offset_is_that_of_a_camera_of_12_bits(low: int, high: int, offset: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "0.tif", np.array([[low, high]], dtype=np.uint16))
    planes, looks, notes, problems = probe.look(table(path=[f"{tmp_path}/0.tif", f"{tmp_path}/gone.tif"], batch=["B1", "B1"]), "W")
    assert planes["offset"].tolist() == [offset, offset]
    assert looks == {"B1/P1": probe.Look(("uint16",), ("1x2",), offset)}
    assert bool(notes) == bool(offset)
    assert problems == []


def test_one_plane_without_the_offset_keeps_all_as_they_are_and_plates_are_apart(tmp_path: Path) -> None:
    for n, value in enumerate((33000, 5, 33000)):
        tifffile.imwrite(tmp_path / f"{n}.tif", np.full((2, 3 + n), value, dtype=np.uint16))
    frame = table(path=[f"{tmp_path}/{n}.tif" for n in range(3)], plate=["P1", "P1", "P2"])
    planes, looks, _, _ = probe.look(frame, "W")
    assert planes["offset"].tolist() == [0, 0, 32768]
    assert looks["P1"].sizes == ("2x3", "2x4")
    assert looks["P2"].offset == 32768


def test_pages_that_the_name_does_not_speak_of_are_a_problem(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "0.tif", np.zeros((3, 8, 8), dtype=np.uint16), photometric="minisblack")
    listed = table(path=[f"{tmp_path}/0.tif"], base=[str(tmp_path)])
    assert "0.tif holds 3 pages, and its name speaks of one" in probe.look(listed, "W")[3][0].sentence
    assert probe.look(table(path=[f"{tmp_path}/0.tif"] * 3, page=[0, 1, 2], base=[str(tmp_path)] * 3), "W")[3] == []
    assert probe.look(table(path=[f"{tmp_path}/0.tif"]), "W")[3] == []
    assert probe.look(listed[:0], "W")[1] == {}


def test_images_that_cannot_be_read_are_counted_for_each_plate(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "0.tif", np.zeros((2, 2), dtype=np.uint16))
    (tmp_path / "1.tif").write_bytes(b"")
    paths = [f"{tmp_path}/{name}" for name in ("0.tif", "1.tif", "gone.tif", "0.tif")]
    _, _, notes, _ = probe.look(table(path=paths, plate=["P1", "P1", "P1", "P2"]), "W")
    reason = f"{tmp_path}/1.tif: the file is empty (0 bytes)"
    assert notes == [f"plate P1: 1 of 2 images that were looked at cannot be read (first: {reason}); impasto check lists all"]


@pytest.mark.parametrize(("images", "looked_at"), [(22, [0, 3, 6, 9, 12, 15, 18, 21]), (8, list(range(8))), (3, [0, 1, 2]), (1, [0])])
def test_eight_images_of_a_plate_are_looked_at_from_the_first_to_the_last(
    images: int, looked_at: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(probe.read, "plane", lambda path, _: opened.append(path) or np.zeros((2, 2), dtype=np.uint8))
    probe.look(table(path=[f"/x/{n}.tif" for n in range(images)]), "W")
    assert opened == [f"/x/{n}.tif" for n in looked_at]
