"""Sites: one row each, their pixels by stain, the offset taken off, and what is missing said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.plates.frames import table

from impasto.plates import planes
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.schema import InputError


@pytest.fixture
def opened(tmp_path: Path) -> Sites:
    stack = np.stack([np.full((4, 6), 10 * n + 5, dtype=np.uint16) for n in range(3)])
    stack[0, 0, 0] = 1
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    tifffile.imwrite(tmp_path / "small.tif", np.zeros((2, 2), dtype=np.uint16))
    rows = [
        ("P2", "A01", "1", "ER", "stack.tif", 0, 0),
        ("P1", "A02", "1", "ER", "stack.tif", 2, 0),
        ("P1", "A02", "1", "DNA", "stack.tif", 1, 0),
        ("P1", "A01", "2", "DNA", "stack.tif", 0, 3),
        ("P1", "A01", "2", "ER", "small.tif", 0, 0),
    ]
    planes = pd.DataFrame(rows, columns=["plate", "well", "site", "channel", "path", "page", "offset"]).assign(source="", batch="")
    planes["path"] = [str(tmp_path / name) for name in planes["path"]]
    annotation = pd.DataFrame({"plate": ["P1", "P1", "P2"], "well": ["A01", "A02", "A01"], "perturbation": ["x", "y", "z"]})
    return Sites(planes, annotation, folder=tmp_path)


def test_rows_plates_and_stains(opened: Sites) -> None:
    assert list(zip(opened.table["plate"], opened.table["well"], opened.table["perturbation"], strict=True)) == [
        ("P1", "A01", "x"),
        ("P1", "A02", "y"),
        ("P2", "A01", "z"),
    ]
    assert opened.plates() == ["P1", "P2"]
    assert opened.of_plate("P1").tolist() == [0, 1]
    assert opened.channels == ["ER"]
    assert opened.not_everywhere == {"DNA": 1}
    assert opened.told_not_everywhere() == "DNA on 1 of 2 plates"
    assert opened.channels_of(np.array([0, 1])) == ["DNA", "ER"]
    assert opened.channels_of(np.array([2])) == ["ER"]
    assert opened.channels_of(np.array([], dtype=int)) == []
    assert opened.name(0) == "plate P1, well A01, site 2"
    assert len(opened) == 3


def test_files_of_a_site_and_the_side_of_its_pixels(opened: Sites, tmp_path: Path) -> None:
    assert opened.files(1) == {"DNA": str(tmp_path / "stack.tif"), "ER": str(tmp_path / "stack.tif")}
    assert opened.files(0) == {"DNA": str(tmp_path / "stack.tif"), "ER": str(tmp_path / "small.tif")}
    assert opened.pixel_um(0, "ER") is None
    tifffile.imwrite(tmp_path / "small.tif", np.zeros((2, 2), dtype=np.uint16), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    assert opened.pixel_um(0, "ER") == pytest.approx(0.25)
    assert opened.pixel_um(0, "DNA") is None
    assert opened.pixel_um(2, "DNA") is None, "a stain that the site lacks"


def test_pixels_by_stain_in_the_order_asked_for(opened: Sites) -> None:
    assert opened.image(1, ["ER", "DNA"])[:, 0, 0].tolist() == [25, 15]
    assert opened.image(1).shape == (1, 4, 6)
    # A pixel below the offset is dark noise and does not wrap around.
    assert opened.image(0, ["DNA"])[0, 0, :2].tolist() == [0, 2]


def test_what_cannot_be_read_is_said(opened: Sites) -> None:
    with pytest.raises(BadImage, match="channel DNA is missing"):
        opened.image(2, ["DNA"])
    with pytest.raises(BadImage, match=r"its channels differ in size: \(2, 2\), \(4, 6\)"):
        opened.image(0, ["DNA", "ER"])
    opened.channels = []
    with pytest.raises(InputError, match=r"no stain is on all plates \(DNA on 1 of 2 plates\)"):
        opened.image(1)


def test_functions_of_light_belong_to_a_channel(tmp_path: Path) -> None:
    planes = pd.DataFrame(
        {
            "source": "",
            "batch": "",
            "plate": "P1",
            "well": "A01",
            "site": "1",
            "channel": ["DNA", "ER"],
            "path": "x",
            "page": 0,
            "illumination": ["d.npy", ""],
        }
    )
    sites = Sites(planes, pd.DataFrame(), folder=tmp_path)
    assert sites.has_illumination
    assert sites.illumination(0, ["DNA"]) == ["d.npy"]
    with pytest.raises(BadImage, match="channel ER has no illumination function"):
        sites.illumination(0, ["DNA", "ER"])


def test_a_folder_without_images_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no ingested images"):
        Sites.read(tmp_path)
    pd.DataFrame({"path": []}).to_parquet(tmp_path / "images.parquet")
    with pytest.raises(InputError, match="lists no image"):
        Sites.read(tmp_path)


def test_the_table_that_sites_are_made_of_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "images.parquet"
    planes.write(table(well=["A02", "A01"]), path)
    given = planes.read(path)
    before = given.copy()
    sites = Sites(given, pd.DataFrame(), folder=tmp_path)
    assert sites.channels == ["DNA"]
    pd.testing.assert_frame_equal(given, before)
