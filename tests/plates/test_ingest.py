"""Ingest: what is joined to the planes, what lies beside the images, and which wells are complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.plates.frames import table

from impasto import profiles
from impasto.plates import ingest
from impasto.schema import InputError


def plate(folder: Path, *wells: str, channels: int = 2) -> Path:
    folder.mkdir(parents=True)
    for well in wells:
        for channel in range(1, channels + 1):
            name = f"r{ord(well[0]) - 64:02d}c{well[1:]}f01p01-ch{channel}sk1fk1fl1.tiff"
            tifffile.imwrite(folder / name, np.full((4, 4), channel, dtype=np.uint16))
    return folder


def test_planes_and_wells_are_written_with_what_the_platemap_says(tmp_path: Path) -> None:
    images = plate(tmp_path / "P1", "A01", "A02")
    (tmp_path / "map.csv").write_text("plate,well,compound,batch\nP1,A01,a,B7\nP1,A02,b,B7\n")
    result = ingest.find([images], platemaps=[tmp_path / "map.csv"], channels={"ch1": "DNA", "ch2": "ER"})
    assert result.wells["perturbation"].tolist() == ["a", "b"]
    ingest.write(result, tmp_path / "out")
    planes = pd.read_parquet(tmp_path / "out" / "images.parquet")
    assert planes["channel"].tolist() == ["DNA", "ER"] * 2
    # The folders tell no batch and the platemap does: it says where a site is.
    assert set(planes["batch"]) == {"B7"}
    assert pd.read_parquet(tmp_path / "out" / "wells.parquet")["well"].tolist() == ["A01", "A02"]
    assert not (tmp_path / "out" / "profiles.parquet").exists()
    assert result.summary.kinds


def test_a_table_is_written_as_profiles(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Metadata_Plate,Metadata_Well,Cells_AreaShape_Area\nP1,A01,1.5\nP1,A02,2.5\n")
    result = ingest.find([tmp_path / "t.csv"])
    ingest.write(result, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["profiles.parquet"]
    assert profiles.read(tmp_path / "out" / "profiles.parquet").X.ravel().tolist() == [1.5, 2.5]
    assert result.summary.features[str(tmp_path / "t.csv")]["count"] == 1
    assert ingest.completeness(result)["complete"].tolist() == [True, True]


def test_sources_of_two_kinds_or_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Metadata_Plate,Metadata_Well,Cells_AreaShape_Area\nP1,A01,1.5\n")
    images = plate(tmp_path / "P1", "A01")
    for sources in ([], [tmp_path / "t.csv", images]):
        with pytest.raises(InputError, match="give images or tables of profiles, not both"):
            ingest.find(sources)
    with pytest.raises(InputError, match="nothing does not exist"):
        ingest.find([tmp_path / "t.csv", tmp_path / "nothing"])


def test_a_well_is_complete_where_it_has_as_many_planes_as_the_fullest_of_its_plate() -> None:
    planes = table(
        plate=["P1", "P1", "P1", "P2"], well=["A01", "A01", "A02", "A01"], channel=["DNA", "ER", "DNA", "DNA"], batch=["", "", "", ""]
    )
    wells = pd.DataFrame({"plate": ["P1", "P1", "P1", "P2"], "well": ["A01", "A02", "A03", "A01"]})
    rows = ingest.completeness(ingest.Found(planes, wells, None, ()))
    assert rows["complete"].tolist()[:2] == [True, False]
    assert pd.isna(rows["complete"].iloc[2])
    assert rows["complete"].iloc[3]
    assert rows["planes"].tolist()[0] == 2


def test_what_lies_beside_images_is_taken_where_a_well_agrees_with_itself() -> None:
    wells = pd.DataFrame({"plate": ["P1", "P1"], "well": ["A01", "A02"]})
    beside = pd.DataFrame({"plate": ["P1"] * 3, "well": ["A01", "A01", "A02"], "dose": [1.0, 1.0, 2.0], "depth_of_focus": [1, 2, 3]})
    joined = ingest._sidecar(wells, beside, Path("s"))
    assert joined["well"].tolist() == ["A01", "A02"]
    assert len(joined.columns) == 3
    assert ingest._sidecar(wells, pd.DataFrame({"plate": ["P1"], "dose": [1]}), Path("s")) is wells
    assert ingest._sidecar(wells, pd.DataFrame(), Path("s")) is wells


@pytest.mark.parametrize(
    ("platemap", "kinds"),
    [
        ("well,volume\nA01,1\nA02,2\n", {}),
        ("well,control_type\nA01,negcon\nA02,trt\n", {"negcon": 1, "trt": 1}),
        ("well,compound\nA01,a\nA02,\n", {"trt": 1, "unknown": 1}),
    ],
)
def test_kinds_of_wells_are_counted_where_something_says_them(platemap: str, kinds: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(platemap)
    found = ingest.find([plate(tmp_path / "P1", "A01", "A02")], platemaps=[tmp_path / "map.csv"], channels={"ch1": "DNA", "ch2": "ER"})
    assert found.summary.kinds == kinds
