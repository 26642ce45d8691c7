"""Images of an index: their plates are those of the profiles, their paths relative to one folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.atlas import image_tables
from impasto.schema import InputError

WELLS = pd.DataFrame({"plate": ["P1", "P1", "P2"], "batch": "B", "well": ["A01", "A02", "A01"], "control_type": ["negcon", "trt", "trt"]})


def ingested(folder: Path, plates: list[tuple[str, str]], **more: object) -> Path:
    rows = []
    (folder / "deep" / "er").mkdir(parents=True)
    for batch, plate in plates:
        for channel in ("Mito", "DNA", "odd"):
            path = folder / "deep" / "er" / f"{batch}{plate}{channel}.tif"
            tifffile.imwrite(path, np.full((6, 9), 10, dtype=np.uint16))
            rows.append(("", batch, plate, "A01", "1", channel, str(path), 0))
    table = pd.DataFrame(rows, columns=["source", "batch", "plate", "well", "site", "channel", "path", "page"])
    table.assign(**more).to_parquet(folder / "images.parquet")
    return folder


def test_planes_are_sorted_and_their_paths_relative(tmp_path: Path) -> None:
    got = image_tables.write(tmp_path, ingested(tmp_path / "i", [("", "P2"), ("B", "P1")]), WELLS)
    assert got.channels == ["DNA", "Mito", "odd"]
    assert got.root == str(tmp_path / "i" / "deep" / "er")
    assert got.shapes == {"P1": (6, 9), "P2": (6, 9)}
    table = pd.read_parquet(tmp_path / "images.parquet")
    assert table[["plate", "channel"]].to_numpy().tolist() == [[p, c] for p in ("P1", "P2") for c in ("DNA", "Mito", "odd")]
    assert table["path"].tolist() == [f"{b}{c}.tif" for b in ("BP1", "P2") for c in ("DNA", "Mito", "odd")]
    assert "offset" not in table


def test_the_side_of_a_pixel_is_known_where_all_plates_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ingested(tmp_path / "i", [("", "P1"), ("", "P2")])
    for first, second, expected in ((0.5, 0.5, 0.5), (0.5, 0.6, None), (0.5, None, None), (None, None, None)):
        sizes = {"P1DNA.tif": first, "P2DNA.tif": second}
        monkeypatch.setattr(image_tables.pixel_size, "of_image", lambda path, sizes=sizes: sizes[Path(path).name])
        assert image_tables.write(tmp_path, folder, WELLS).pixel_um == expected


def test_offsets_and_places_in_stacks_are_kept(tmp_path: Path) -> None:
    image_tables.write(tmp_path, ingested(tmp_path / "i", [("", "P1")], offset=3), WELLS)
    assert pd.read_parquet(tmp_path / "images.parquet")["offset"].tolist() == [3] * 3
    # A pixel of 10 is one of 7 behind the offset.
    assert pd.read_parquet(tmp_path / "windows.parquet")["low"].tolist() == [7.0] * 3


def test_a_plate_of_another_batch_is_left_out_and_said(tmp_path: Path) -> None:
    got = image_tables.write(tmp_path, ingested(tmp_path / "i", [("other", "P1"), ("B", "P1"), ("", "P9")]), WELLS)
    assert got.warnings[0] == "6 of 9 images belong to plates that are not in this index, and are left out."
    assert len(pd.read_parquet(tmp_path / "images.parquet")) == 3


def test_a_plate_whose_name_alone_is_not_enough_is_not_guessed(tmp_path: Path) -> None:
    two = pd.concat([WELLS.assign(plate="B/P1"), WELLS.assign(plate="C/P1", batch="C")], ignore_index=True)
    with pytest.raises(InputError, match=r"none of the plates of .* is in the index, which has B/P1, C/P1"):
        image_tables.write(tmp_path, ingested(tmp_path / "i", [("", "P1")]), two)
    (tmp_path / "j").mkdir()
    image_tables.write(tmp_path / "j", ingested(tmp_path / "k", [("C", "P1")]), two)
    assert set(pd.read_parquet(tmp_path / "j" / "images.parquet")["plate"]) == {"C/P1"}


def test_what_is_no_ingested_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no ingested images \(no images.parquet\); run: impasto ingest"):
        image_tables.write(tmp_path, tmp_path, WELLS)
    with pytest.raises(InputError, match="images are shown by plate and well"):
        image_tables.write(tmp_path, ingested(tmp_path / "i", [("", "P1")]), WELLS.drop(columns="well"))
