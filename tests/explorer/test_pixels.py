"""Pixels as they lie in the file: parts, means of blocks, planes of floats by their window, and what is kept."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.explorer import assay

from impasto.explorer import pixels
from impasto.explorer.contents import Contents
from impasto.explorer.pixels import Box, Planes
from impasto.schema import InputError


@pytest.fixture
def planes(contents: Contents) -> Planes:
    return Planes(contents.tables["images"], contents.tables["windows"], contents.facts["image_root"])


def number(contents: Contents, plate: str, well: str, channel: str) -> int:
    table = contents.tables["images"]
    return int(np.flatnonzero((table["plate"] == plate) & (table["well"] == well) & (table["channel"] == channel))[0])


def means(values: np.ndarray, side: int) -> np.ndarray:
    """Means of blocks, pixel by pixel; at the edge of those that there are."""
    high, wide = -(-values.shape[0] // side), -(-values.shape[1] // side)
    out = np.empty((high, wide), dtype=np.uint16)
    for y in range(high):
        for x in range(wide):
            block = values[y * side : (y + 1) * side, x * side : (x + 1) * side].astype(float)
            out[y, x] = int(np.floor(block.mean() + 0.5))
    return out


def test_a_plane_is_that_of_the_file(contents: Contents, planes: Planes) -> None:
    table = contents.tables["images"]
    for place, row in enumerate(table.to_dict(orient="records")):
        if row["plate"] == "P1" and (row["well"], row["channel"]) != ("B02", "ER"):
            whole = planes.part(place, box=None, shrink=0)
            np.testing.assert_array_equal(whole, tifffile.imread(Path(contents.facts["image_root"]) / row["path"]))
            assert whole.dtype == np.dtype("<u2")


@pytest.mark.parametrize("shrink", [0, 1, 2, 3, 4])
def test_a_part_is_a_mean_of_blocks(contents: Contents, planes: Planes, shrink: int) -> None:
    at = number(contents, "P1", "A01", "ER")
    got = planes.part(at, box=Box(3, 5, 41, 29), shrink=shrink)
    np.testing.assert_array_equal(got, means(assay.field("P1", "A01", "ER")[5:34, 3:44], 1 << shrink))


def test_a_box_is_cut_off_at_the_edge_and_refused_outside(contents: Contents, planes: Planes) -> None:
    at = number(contents, "P1", "A01", "DNA")
    np.testing.assert_array_equal(planes.part(at, box=Box(40, 30, 100, 100), shrink=0), assay.field("P1", "A01", "DNA")[30:, 40:])
    with pytest.raises(InputError, match="begins at 50,0, outside of the field of 50 x 37 pixels"):
        planes.part(at, box=Box(50, 0, 1, 1), shrink=0)
    with pytest.raises(InputError, match="shrink is 5; it lies between 0 and 4"):
        planes.part(at, box=None, shrink=5)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,0,2,2", "-1,0,2,2", "0,0,0,2", "0,0,2,-2", "0,0,2,2;", "nan,0,1,1"]
)
def test_a_box_is_four_whole_numbers(text: str) -> None:
    with pytest.raises(InputError, match="box is"):
        Box.of(text)
    assert Box.of("1, 2,3 ,4") == Box(1, 2, 3, 4)


def test_planes_of_floats_are_scaled_by_their_window(contents: Contents, planes: Planes) -> None:
    window = contents.tables["windows"].set_index(["plate", "channel"]).loc[("P2", "ER")]
    assert bool(window["scaled"])
    values = assay.field("P2", "B01", "ER") / 1000.0
    low, high = np.quantile(np.float32(values).astype(float), [0.01, 0.998])
    assert (window["low"], window["high"]) == pytest.approx((low, high))
    expected = np.clip((values - low) / (high - low), 0, 1) * 65535
    assert np.abs(planes.plane(number(contents, "P2", "B01", "ER")).astype(float) - expected).max() <= 0.51


def test_other_kinds_of_numbers_without_a_window() -> None:
    assert pixels.whole_numbers(np.array([[0, 255]], dtype=np.uint8), None).tolist() == [[0, 255]]
    assert pixels.whole_numbers(np.array([[-1, 1]], dtype=np.int32), None).tolist() == [[0, 65535]]
    assert pixels.whole_numbers(np.array([[np.nan, 2.0, 4.0, np.inf]], dtype=np.float32), None).tolist() == [[0, 0, 65535, 65535]]
    assert pixels.whole_numbers(np.full((1, 2), np.nan, dtype=np.float32), None).tolist() == [[0, 0]]


def test_a_damaged_image_is_a_sentence(contents: Contents, planes: Planes) -> None:
    with pytest.raises(InputError, match=r"the image P1_B02_ER.tif cannot be read: "):
        planes.plane(number(contents, "P1", "B02", "ER"))


def test_too_many_pixels_are_refused_unless_shrunk(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2049, 10), dtype=np.uint16))
    table = pd.DataFrame({"plate": ["P"], "well": ["A01"], "site": ["1"], "channel": ["DNA"], "path": ["a.tif"], "page": [0]})
    planes = Planes(table, pd.DataFrame(), str(tmp_path))
    with pytest.raises(InputError, match="10 x 2049 pixels are more than 2048 x 2048 at once; ask for a smaller box, or for shrink=1"):
        planes.part(0, box=None, shrink=0)
    assert planes.part(0, box=None, shrink=1).shape == (1025, 5)
    assert planes.part(0, box=Box(0, 0, 10, 2048), shrink=0).shape == (2048, 10)


def test_planes_that_were_read_lately_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def plane_of(row: dict[str, object], *, root: str) -> np.ndarray:
        read.append(str(row["path"]))
        return np.zeros((10, 10), dtype=np.uint16)

    monkeypatch.setattr(pixels, "plane_of", plane_of)
    table = pd.DataFrame({"plate": "P", "channel": "DNA", "path": ["a", "b", "c"], "page": 0})
    planes = Planes(table, pd.DataFrame(), "", cache_bytes=400)
    for image in (0, 1, 0, 2, 0, 1):
        planes.plane(image)
    # Two planes of 200 bytes are kept: b made room for c, as a was asked for since.
    assert read == ["a", "b", "c", "b"]


def test_two_planes_are_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, gate = threading.Lock(), threading.Event()
    at_once, most = 0, 0

    def plane_of(row: dict[str, object], *, root: str) -> np.ndarray:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        gate.wait(0.1)
        with lock:
            at_once -= 1
        return np.zeros((2, 2), dtype=np.uint16)

    monkeypatch.setattr(pixels, "plane_of", plane_of)
    table = pd.DataFrame({"plate": "P", "channel": "DNA", "path": [str(n) for n in range(6)], "page": 0})
    planes = Planes(table, pd.DataFrame(), "")
    threads = [threading.Thread(target=planes.plane, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
