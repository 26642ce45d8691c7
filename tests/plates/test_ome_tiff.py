"""OME-TIFF: every page has its series, channel, time and depth, by hand for each order of axes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.plates import ome_tiff
from impasto.plates.ome_tiff import Page
from impasto.schema import InputError


def write(path: Path, axes: str, shape: tuple[int, ...], names: list[str]) -> None:
    tifffile.imwrite(
        path,
        np.zeros((*shape, 16, 16), dtype=np.uint8),
        ome=True,
        photometric="minisblack",
        metadata={"axes": f"{axes}YX", "Channel": {"Name": names}},
    )


def test_pages_of_channels_times_and_depths(tmp_path: Path) -> None:
    write(tmp_path / "a.ome.tif", "TCZ", (2, 2, 3), ["DNA", "ER"])
    pages = ome_tiff.pages(tmp_path / "a.ome.tif")
    expected = [(t, c, z) for t in range(2) for c in range(2) for z in range(3)]
    assert [(p.page, p.series) for p in pages] == [(n, 0) for n in range(12)]
    assert [(p.time, p.channel, p.number, p.depth) for p in pages] == [(str(t), ["DNA", "ER"][c], c + 1, str(z)) for t, c, z in expected]
    write(tmp_path / "b.ome.tif", "C", (2,), ["DNA", ""])
    assert [(p.channel, p.time, p.depth) for p in ome_tiff.pages(tmp_path / "b.ome.tif")] == [("DNA", "", ""), ("channel 2", "", "")]


def test_other_and_damaged_files_have_no_pages(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype=np.uint8))
    assert ome_tiff.pages(tmp_path / "a.tif") == ()
    (tmp_path / "b.tif").write_bytes(b"no image")
    assert ome_tiff.pages(tmp_path / "b.tif") is None
    assert ome_tiff.pages(tmp_path / "nothing.tif") is None
    os.mkfifo(tmp_path / "pipe.tif")
    assert ome_tiff.pages(tmp_path / "pipe.tif") is None, "nobody writes into it, so it would be waited for"


def test_a_site_is_the_series_behind_the_name() -> None:
    page = Page(4, 1, "DNA", 2, "0", "3")
    assert page.site("007") == "7.2"
    assert page.site("") == "2"
    assert page.words() == {"page": 4, "channel": "DNA", "number": "2", "time": "0", "depth": "3"}


def test_files_become_pages_and_series_become_sites(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as file:
        for _ in range(2):
            file.write(
                np.zeros((2, 16, 16), dtype=np.uint8),
                photometric="minisblack",
                metadata={"axes": "CYX", "Channel": {"Name": ["DNA", "ER"]}},
            )
    tifffile.imwrite(tmp_path / "plain.ome.tif", np.zeros((4, 4), dtype=np.uint8), ome=False)
    frame = pd.DataFrame({"folder": str(tmp_path), "name": ["two.ome.tif", "plain.ome.tif"], "site": ["1", ""], "well": ["A01", "A02"]})
    rows = ome_tiff.apply(frame, ())
    assert rows["site"].astype(str).tolist() == ["1.1", "1.1", "1.2", "1.2", ""]
    assert rows["channel"].astype(str).tolist() == ["DNA", "ER", "DNA", "ER", "w1"]
    assert rows["page"].tolist() == [0, 1, 2, 3, 0]
    assert rows["name"].tolist() == ["two.ome.tif"] * 4 + ["plain.ome.tif"]
    assert rows["well"].astype(str).tolist() == ["A01"] * 4 + ["A02"]
    assert {column: str(kind) for column, kind in rows.dtypes.items() if column not in ("name", "page")} == dict.fromkeys(
        ("folder", "well", "channel", "number", "time", "depth", "site"), "category"
    )
    named = ome_tiff.apply(frame[:1], ("RNA", "AGP"))
    assert named["channel"].astype(str).tolist() == ["RNA", "AGP"] * 2
    with pytest.raises(InputError, match="has 2 channels, but 1 are named"):
        ome_tiff.apply(frame[:1], ("RNA",))


def test_a_damaged_file_stands_for_the_pages_of_the_whole_ones(tmp_path: Path) -> None:
    write(tmp_path / "whole.ome.tif", "C", (2,), ["DNA", "ER"])
    (tmp_path / "empty.ome.tif").write_bytes(b"")
    frame = pd.DataFrame({"folder": str(tmp_path), "name": ["empty.ome.tif", "whole.ome.tif"], "site": "1", "well": ["A01", "A02"]})
    rows = ome_tiff.apply(frame, ())
    assert rows[["well", "channel", "page"]].astype(str).to_numpy().tolist() == [
        [well, channel, str(page)] for well in ("A01", "A02") for page, channel in enumerate(("DNA", "ER"))
    ]
    assert ome_tiff.apply(frame, ("RNA", "AGP"))["channel"].astype(str).tolist() == ["RNA", "AGP"] * 2
    assert ome_tiff.apply(frame[:1], ())["channel"].astype(str).tolist() == ["w1"]
