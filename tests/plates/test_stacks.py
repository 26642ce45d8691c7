"""Stacks with a sidecar: pages are channels in order, rows of one TIFF follow each other, wells come from rows, names or their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.plates import stacks
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked
from impasto.schema import InputError


def stack(path: Path, pages: int) -> None:
    tifffile.imwrite(path, np.zeros((pages, 8, 8), dtype=np.uint16), photometric="minisblack")


def rows(folder: Path, *words: str, order: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
    planes = stacks.planes(Listing.of(folder), Asked(order=order)).planes
    return list(planes[list(words)].itertuples(index=False, name=None))


def test_pages_are_the_channels_of_the_sidecar(tmp_path: Path) -> None:
    for name in ("x_B02.tif", "y.tif"):
        stack(tmp_path / name, 2)
    pd.DataFrame(
        {
            "file": ["x_B02.tif", "y.tif", "gone.tif"][:2],
            "channels": ["DNA(DAPI)|ER(GFP)"] * 2,
            "Metadata_Plate": ["P1", None],
            "dose": [1, 2],
        }
    ).to_csv(tmp_path / "s.csv", index=False)
    listing = Listing.of(tmp_path)
    assert stacks.fits(listing) == 2
    result = stacks.planes(listing, Asked())
    assert list(result.planes[["plate", "well", "site", "channel", "page"]].itertuples(index=False, name=None)) == [
        ("P1", "B02", "1", "DNA", 0),
        ("P1", "B02", "1", "ER", 1),
        (tmp_path.name, "A02", "1", "DNA", 0),
        (tmp_path.name, "A02", "1", "ER", 1),
    ]
    assert result.notes[0].endswith("1 of 2 rows say no well: they stand in wells in their order (add a column 'well')")
    assert result.folders == {str(tmp_path)}
    assert result.annotation["dose"].tolist() == [1, 2]
    assert rows(tmp_path, "channel", order=("RNA", "AGP"))[:2] == [("RNA",), ("AGP",)]
    with pytest.raises(InputError, match="has 2 pages, but 3 channels are named"):
        rows(tmp_path, "channel", order=("DNA", "ER", "RNA"))


def test_rows_of_one_stack_follow_each_other(tmp_path: Path) -> None:
    stack(tmp_path / "all.tif", 6)
    pd.DataFrame({"row": [0, 2], "well": ["A01", "C03"]}).to_csv(tmp_path / "s.csv", index=False)
    assert rows(tmp_path, "well", "site", "channel", "page", order=("DNA", "ER")) == [
        ("A01", "0", "DNA", 0),
        ("A01", "0", "ER", 1),
        ("C03", "1", "DNA", 4),
        ("C03", "1", "ER", 5),
    ]
    stack(tmp_path / "more.tif", 1)
    assert stacks.fits(Listing.of(tmp_path)) == 0


def test_stacks_that_name_nothing_are_asked_for(tmp_path: Path) -> None:
    stack(tmp_path / "a.tif", 2)
    pd.DataFrame({"file": ["a.tif"], "well": ["A01"]}).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(InputError, match=r"a\.tif \(2 pages\) does not name its channels"):
        rows(tmp_path, "channel")
    (tmp_path / "a.tif").write_bytes(b"")
    with pytest.raises(InputError, match=r"\(unreadable\) does not name its channels"):
        rows(tmp_path, "channel")
    assert stacks.fits(Listing.of(tmp_path / "s.csv")) == 0


def test_files_whose_names_say_no_channel_are_pages_in_order(tmp_path: Path) -> None:
    stack(tmp_path / "a.tif", 2)
    (tmp_path / "bad.tif").write_bytes(b"")
    frame = pd.DataFrame({"folder": str(tmp_path), "name": ["a.tif", "bad.tif"], "well": ["A01", "A02"]})
    pages = stacks.in_order(frame, ("DNA", "ER"))
    assert list(pages[["name", "channel", "number", "page"]].itertuples(index=False, name=None)) == [
        ("a.tif", "DNA", "1", 0),
        ("a.tif", "ER", "2", 1),
        ("bad.tif", "DNA", "1", 0),
        ("bad.tif", "ER", "2", 1),
    ]
    with pytest.raises(InputError, match="has 2 pages, but 1 channels are named"):
        stacks.in_order(frame, ("DNA",))


def test_a_sidecar_with_an_open_quote_is_a_sentence(tmp_path: Path) -> None:
    stack(tmp_path / "a.tif", 2)
    (tmp_path / "s.csv").write_text('file,well\na.tif,A01\n"b.tif,A02\n')
    with pytest.raises(InputError, match=r"s\.csv cannot be read as a table of stacks .*EOF inside string"):
        stacks.fits(Listing.of(tmp_path))
