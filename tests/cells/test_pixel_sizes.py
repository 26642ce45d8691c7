"""The side of a pixel: from files that are there and say it, and never guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.cells import pixel_sizes

PIXELS = np.zeros((4, 4), dtype=np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, pixels_of_micrometre in (("a b.tif", 2.0), ("c.tif", 4.0)):
        tifffile.imwrite(tmp_path / name, PIXELS, imagej=True, resolution=(pixels_of_micrometre,) * 2, metadata={"unit": "um"})
    tifffile.imwrite(tmp_path / "plain.tif", PIXELS)
    return tmp_path


def test_files_of_cellprofiler_are_asked_one_by_one(folder: Path) -> None:
    names = ["a b.tif", "c.tif", "plain.tif", "missing.tif", None]
    images = pd.DataFrame({"FileName_ER": "x", "FileName_DNA": names, "PathName_DNA": [str(folder)] * 4 + [None]})
    told = pixel_sizes.with_sizes(images)
    np.testing.assert_allclose(told["pixel_um"], [0.5, 0.25, np.nan, np.nan, np.nan])
    assert list(images) == ["FileName_ER", "FileName_DNA", "PathName_DNA"], "the table given is not changed"
    assert pixel_sizes.said(told) == ["a pixel is 0.25 to 0.5 µm wide, as 2 of 5 images say"]
    assert pixel_sizes.said(told[:1]) == ["a pixel is 0.5 µm wide, as 1 of 1 images say"]
    assert pixel_sizes.said(told[2:]) == []


def test_urls_of_files_are_files_and_other_addresses_are_not_asked(folder: Path) -> None:
    urls = [f"file://{folder}/a%20b.tif", f"file:{folder}/c.tif", "https://nowhere.example/c.tif", None]
    np.testing.assert_allclose(pixel_sizes.with_sizes(pd.DataFrame({"URL_DNA": urls}))["pixel_um"], [0.5, 0.25, np.nan, np.nan])


def test_what_is_known_stays_and_images_without_files_have_none() -> None:
    known = pd.DataFrame({"pixel_um": [0.6], "FileName_DNA": ["a.tif"], "PathName_DNA": ["/"]})
    assert pixel_sizes.with_sizes(known)["pixel_um"].tolist() == [0.6]
    assert pixel_sizes.with_sizes(pd.DataFrame({"well": ["A01"], "FileName_DNA": ["a.tif"]}))["pixel_um"].isna().all()
