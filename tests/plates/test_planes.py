"""The table of planes: one form for every reader, its order, its paths and what lies on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.plates.frames import table

from impasto.plates import planes
from impasto.schema import InputError


def test_wells_sites_and_numbers_are_in_one_form() -> None:
    frame = table(well=["a1", "B12", "H03"], site=["001", "", "top"], page=[3, 0, 1])
    assert frame["well"].astype(str).tolist() == ["A01", "B12", "H03"]
    assert frame["site"].astype(str).tolist() == ["1", "1", "top"]
    assert frame["page"].tolist() == [3, 0, 1]
    assert frame["offset"].tolist() == [0, 0, 0]
    assert frame["batch"].astype(str).tolist() == [""] * 3
    assert planes.site_name("000") == "0"
    with pytest.raises(InputError, match="test: "):
        table(well=["nowhere"])


def test_paths_are_parted_and_joined() -> None:
    paths = ["/a/b/x.tif", "y.tif", "/z.tif", "s3://b/k/x.tif"]
    frame = table(path=paths)
    assert frame["folder"].astype(str).tolist() == ["/a/b", "", "/", "s3://b/k"]
    assert planes.paths(frame).to_pylist() == paths


def test_places_are_numbered_in_the_order_of_their_words() -> None:
    frame = table(plate=["P2", "P1", "P1", "P2"], well=["A01", "B01", "A02", "A01"], channel=["ER", "DNA", "DNA", "DNA"])
    code = planes.places(frame, ("plate", "well"))
    assert code[0] == code[3]
    assert len(set(code)) == 3
    assert np.argsort(code, kind="stable").tolist() == [2, 1, 0, 3]
    ordered = planes.sorted_by_place(frame.copy())
    assert list(zip(ordered["plate"], ordered["well"], ordered["channel"], strict=True)) == [
        ("P1", "A02", "DNA"),
        ("P1", "B01", "DNA"),
        ("P2", "A01", "DNA"),
        ("P2", "A01", "ER"),
    ]
    assert planes.kept(frame, np.ones(4, dtype=bool)) is frame
    assert planes.kept(frame, np.array([False, True, False, True]))["plate"].tolist() == ["P1", "P2"]


@pytest.mark.parametrize("taken", [2, 3, 100])
def test_texts_are_put_in_order_part_by_part(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven rows in parts of two: each name stays with its well, also where a part reaches over all rows."""
    monkeypatch.setattr(planes, "_TAKEN", taken)
    wells = ["A07", "A02", "A05", "A01", "A06", "A03", "A04"]
    parts = [table(well=part, path=[f"/x/{well}.tif" for well in part]) for part in (wells[start : start + 2] for start in range(0, 7, 2))]
    frame = planes.joined(parts)
    ordered = planes.sorted_by_place(frame)
    assert ordered["well"].tolist() == sorted(wells)
    assert planes.paths(ordered).to_pylist() == [f"/x/{well}.tif" for well in sorted(wells)]
    # Nothing is held twice: the table that was not in order is taken apart, one that is in order stays.
    assert list(frame) == []
    assert planes.sorted_by_place(ordered) is ordered
    alone = [ordered]
    assert planes.joined(alone) is ordered
    assert alone == []


def test_tables_are_joined_with_their_categories() -> None:
    one, two = table(plate=["P1"], page=[1]), table(plate=["P2"], page=[2])
    both = planes.joined([one, two])
    assert both["plate"].astype(str).tolist() == ["P1", "P2"]
    assert isinstance(both["plate"].dtype, pd.CategoricalDtype)
    assert both["page"].tolist() == [1, 2]
    assert planes.paths(both).to_pylist() == ["/images/0.tif", "/images/0.tif"]
    assert planes.joined([one]) is one


def test_on_disk_only_what_holds_for_a_row_is_a_column_and_parts_are_one_file(tmp_path: Path) -> None:
    frame = table(site=["1", "2", "3"], page=[5, 6, 7])
    planes.write(frame, tmp_path / "images.parquet")
    read = pd.read_parquet(tmp_path / "images.parquet")
    assert list(read) == ["source", "batch", "plate", "well", "site", "channel", "path", "page"]
    assert read["page"].tolist() == [5, 6, 7]
    assert read["path"].tolist() == [f"/images/{n}.tif" for n in range(3)]
    more = table(site=["1", "2", "3"], offset=[0, 9, 0], at=["", "c1", ""], illumination=["", "", "i.npy"])
    more["plate"] = pd.Categorical(["P1", "P1", "P2"])
    parts = list(planes.on_disk(more))
    assert [len(part) for part in parts] == [2, 1], "a part a plate"
    assert parts[0].column_names[-3:] == ["at", "illumination", "offset"]
    assert parts[0]["offset"].to_pylist() == [0, 9]
    assert parts[1]["illumination"].to_pylist() == ["i.npy"]
