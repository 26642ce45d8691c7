"""CellProfiler's spreadsheets: objects become the median of their image, and what goes out comes back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from impasto import cellprofiler_tables, profile_sources, profiles, schema
from impasto.plates import folders
from impasto.schema import InputError


def spreadsheets(folder: Path) -> Path:
    """What ExportToSpreadsheet leaves of three images with 3, 2 and no cells."""
    folder.mkdir(exist_ok=True)
    image = {
        "ImageNumber": [3, 1, 2],
        "Metadata_Plate": ["0012", "0012", "0012"],
        "Metadata_Well": ["A03", "A01", "A02"],
        "Count_Cells": [0, 3, 2],
        "FileName_DNA": ["c.tif", "a.tif", "b.tif"],
        "ExecutionTime_01Images": [0.1, 0.2, 0.3],
        "Intensity_MeanIntensity_DNA": [0.5, 0.25, 0.75],
    }
    cells = {"ImageNumber": [1, 1, 1, 2, 2], "ObjectNumber": [1, 2, 3, 1, 2], "AreaShape_Area": [5.0, 1.0, 9.0, 2.0, 4.0]}
    pd.DataFrame(image).to_csv(folder / "Image.csv", index=False)
    pd.DataFrame(cells).assign(Metadata_Plate="0012").to_csv(folder / "Cells.csv", index=False)
    return folder


def test_objects_become_the_median_of_their_image(tmp_path: Path) -> None:
    found = profiles.read(spreadsheets(tmp_path))
    assert found.obs[schema.WELL].tolist() == ["A03", "A01", "A02"]
    assert found.obs[schema.PLATE].tolist() == ["0012"] * 3, "a plate's name keeps its zeros"
    assert found.obs[schema.CELL_COUNT].tolist() == [0, 3, 2]
    assert found.var_names.tolist() == ["Image_Intensity_MeanIntensity_DNA", "Cells_AreaShape_Area"]
    assert found[1:].X[:, 1].tolist() == [5.0, 3.0]
    assert pd.isna(found.X[0, 1]), "an image without cells has no area, and is there"
    assert {"FileName_DNA", "ExecutionTime_01Images"} <= set(found.obs)


def test_the_folder_is_a_table_for_ingest(tmp_path: Path) -> None:
    assert folders.is_profiles(spreadsheets(tmp_path))


def test_an_image_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    folder = spreadsheets(tmp_path)
    image = pd.read_csv(folder / "Image.csv")
    pd.concat([image, image]).to_csv(folder / "Image.csv", index=False)
    with pytest.raises(InputError, match="ImageNumber 3 twice"):
        profiles.read(folder)
    image.drop(columns="ImageNumber").to_csv(folder / "Image.csv", index=False)
    with pytest.raises(InputError, match=r"Image\.csv has no column ImageNumber"):
        profiles.read(folder)


def test_what_is_split_comes_back_when_it_is_read(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "Metadata_Well": ["A01", "A02"],
            "Metadata_Count_Cells": [7, 8],
            "Nuclei_AreaShape_Area": [1.0, 2.0],
            "Image_Intensity_MeanIntensity_DNA": [3.0, 4.0],
            "emb_DNA_0000": [5.0, 6.0],
            "Image_Unheard_Of": [7.0, 8.0],
        }
    )
    tables = cellprofiler_tables.split(table)
    assert list(tables) == ["Image", "Nuclei"]
    assert "Count_Cells" in tables["Image"]
    assert tables["Nuclei"].columns.tolist() == ["ImageNumber", "ObjectNumber", "AreaShape_Area"]
    for name, own in tables.items():
        own.to_csv(tmp_path / f"{name}.csv", index=False)
    back = profile_sources.read(tmp_path).frame
    pd.testing.assert_frame_equal(back[table.columns], table, check_dtype=False)


def test_an_image_table_is_named_image_behind_any_prefix_and_numbers_its_images(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b/MyExpt_Image.csv", "Image.txt", ".hidden/Image.csv"):
        (tmp_path / name).write_text("ImageNumber,Count_Cells\n1,2\n")
    (tmp_path / "Image.csv").write_text("Count_Cells\n2\n")  # by its full name: that it lacks its numbers is said on reading
    (tmp_path / "SampleImage.csv").write_text("name,size\na,2\n")
    (tmp_path / "Image.csv.bak").write_text("ImageNumber\n1\n")
    assert [str(path.relative_to(tmp_path)) for path in cellprofiler_tables.image_tables(tmp_path)] == [
        "Image.csv",
        "Image.txt",
        "b/MyExpt_Image.csv",
    ]


@pytest.mark.parametrize("name", ["Image.CSV", "MyExpt_Image.tsv", "image.txt.gz"])
def test_a_table_of_images_is_known_by_its_name_in_any_case(name: str) -> None:
    assert cellprofiler_tables.is_name_of_images(name)
    assert not cellprofiler_tables.is_name_of_images(f"{name}.bak")


def test_tables_of_two_runs_in_one_folder_are_told_apart_by_their_prefix(tmp_path: Path) -> None:
    for prefix, well, area in (("", "A01", 1.0), ("My_", "A02", 5.0)):
        (tmp_path / f"{prefix}Image.csv").write_text(f"ImageNumber,Metadata_Well\n1,{well}\n")
        (tmp_path / f"{prefix}Cells.csv").write_text(f"ImageNumber,ObjectNumber,AreaShape_Area\n1,1,{area}\n1,2,{area + 2}\n")
    (tmp_path / "My_Experiment.csv").write_text("Key,Value\na,b\n")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    source = profile_sources.read(tmp_path)
    table, how = source.frame, source.how
    assert dict(zip(table["Metadata_Well"], table["Cells_AreaShape_Area"], strict=True)) == {"A01": 2.0, "A02": 6.0}
    assert how == [
        "2 images; medians over their objects Cells",
        "left out: notes.csv (no column ImageNumber)",
    ]


@pytest.mark.parametrize(("image", "cells"), [("MyExpt_Per_Image", "MyExpt_Per_Cells"), ("Image", "Cells")])
def test_sqlite_has_its_table_of_images_by_its_name_and_medians_of_objects(image: str, cells: str, tmp_path: Path) -> None:
    named = "Cells_" if "Per" in cells else ""
    with closing(sqlite3.connect(tmp_path / "p.sqlite")) as base:
        pd.DataFrame({"ImageNumber": [2, 1], "Image_Metadata_Well": ["A02", "A01"], "Image_Count_Cells": [1, 3]}).to_sql(image, base)
        objects = {
            "ImageNumber": [1, 1, 1],
            f"{named}ObjectNumber": [1, 2, 3],
            f"{named}AreaShape_Area": [1.0, 9.0, 2.0],
            "Note": ["x"] * 3,
        }
        pd.DataFrame(objects).to_sql(cells, base, index=False)
        pd.DataFrame({"ImageNumber": [1], "note": ["x"]}).to_sql("Remarks", base, index=False)
    source = profile_sources.read(tmp_path / "p.sqlite")
    table, how = source.frame, source.how
    assert table["Metadata_Count_Cells"].tolist() == [1, 3]
    assert table["Cells_AreaShape_Area"].fillna(-1).tolist() == [-1, 2.0]
    assert not any("ObjectNumber" in column for column in table)
    assert how[0] == "2 images; medians over their objects Cells"
    assert how[1].endswith("left out, columns of text: Note") or how[1].endswith("left out, columns of text: Cells_Note")


def test_sqlite_without_images_or_with_an_image_twice_is_a_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "p.sqlite")) as base:
        pd.DataFrame({"ImageNumber": [1]}).to_sql("Images_of_all", base)
        with pytest.raises(InputError, match=r"holds no table of images \(Per_Image or Image\); it has Images_of_all"):
            profile_sources.read(tmp_path / "p.sqlite")
        pd.DataFrame({"ImageNumber": [1, 1]}).to_sql("Per_Image", base)
        with pytest.raises(
            InputError, match=r"Per_Image holds 1 images twice \(by ImageNumber\); give each run of CellProfiler its own file"
        ):
            profile_sources.read(tmp_path / "p.sqlite")
        pd.DataFrame({"ImageNumber": [1, 1], "TableNumber": [1, 2]}).to_sql("Per_Image", base, if_exists="replace")
    assert len(profile_sources.read(tmp_path / "p.sqlite").frame) == 2


def test_several_objects_under_two_header_rows_are_tables_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Well\n1,A01\n")
    (tmp_path / "All.csv").write_text(
        "Image,Cells,Cells,Nuclei\nImageNumber,ObjectNumber,AreaShape_Area,AreaShape_Area\n1,1,10,1\n1,2,30,2\n1,3,80,9\n"
    )
    table = profile_sources.read(tmp_path).frame
    assert table[["Cells_AreaShape_Area", "Nuclei_AreaShape_Area"]].to_numpy().tolist() == [[30.0, 2.0]]


def test_texts_and_numbers_of_objects_are_no_features_and_each_object_keeps_its_images(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Well\n1,A01\n2,A02\n")
    (tmp_path / "Cells.csv").write_text("ImageNumber,ObjectNumber,Metadata_Site,Note,AreaShape_Area\n1,1,3,x,4\n")
    (tmp_path / "Nuclei.csv").write_text(
        "ImageNumber,AreaShape_Area\n2,8\n1,6\n"
    )  # without numbers of objects there are medians all the same
    read = profile_sources.read(tmp_path).frame
    assert read.columns.tolist() == ["Metadata_Well", "Cells_AreaShape_Area", "Nuclei_AreaShape_Area"]
    assert read.fillna(-1).to_numpy().tolist() == [["A01", 4.0, 6.0], ["A02", -1, 8.0]]


def test_columns_of_images_are_written_down_counted_or_measured() -> None:
    named = {
        "Count_Cells": "Metadata_Count_Cells",
        "Image_Count_Cells": "Metadata_Count_Cells",
        "Width_DNA": "Metadata_Width_DNA",
        "Intensity_MeanIntensity_DNA": "Image_Intensity_MeanIntensity_DNA",
        "Image_Intensity_MeanIntensity_DNA": "Image_Intensity_MeanIntensity_DNA",
        "Image_FileName_DNA": "Image_FileName_DNA",
        "Metadata_Well": "Metadata_Well",
    }
    assert {name: cellprofiler_tables.image_column(name) for name in named} == named
    for name, is_measured in (("AreaShape_Area", True), ("ObjectNumber", False), ("Number_Object_Number", False), ("Metadata_Site", False)):
        assert cellprofiler_tables.is_measured(name) is is_measured
