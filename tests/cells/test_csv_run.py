from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.cells import made_tables

from impasto.cells.csv_run import READER, CsvRun
from impasto.schema import InputError


def test_an_empty_file_is_refused_by_its_name(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path, *made_tables.made())
    (tmp_path / "Nuclei.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"Nuclei.csv is empty \(0 bytes\)"):
        READER.open(tmp_path)


def test_an_image_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_csv(tmp_path, [*images, images[0]], objects)
    with pytest.raises(InputError, match="ImageNumber 1 twice"):
        READER.open(tmp_path)


def test_a_value_that_is_no_number_is_refused_with_its_column(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    list(objects["Nuclei"].values())[-1]["AreaShape_M1"] = "broken"
    made_tables.write_csv(tmp_path, images, objects)
    (run,) = READER.open(tmp_path)
    with pytest.raises(InputError, match=r"Nuclei.csv cannot be read .*column AreaShape_M1.*broken"):
        list(run.parts("Nuclei", ["AreaShape_M1"]))


def test_doubles_that_pandas_made_and_columns_of_text_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Plate,Metadata_Well\n1,P1,A01\n")
    (tmp_path / "Cells.csv").write_text(
        "ImageNumber,ObjectNumber,AreaShape_Area,AreaShape_Area.1,Classify_Name\n1,1,5,6,round\n1,2,nan,7,flat\n"
    )
    run = CsvRun(tmp_path / "Image.csv", {"Cells": tmp_path / "Cells.csv"})
    assert run.objects["Cells"] == ("ImageNumber", "ObjectNumber", "AreaShape_Area")
    assert any("Cells_Classify_Name" in note for note in run.notes())
    ((image, values),) = run.parts("Cells", ["AreaShape_Area", "ObjectNumber"])
    assert image.tolist() == [0, 0]
    assert values[0].tolist() == [5, 1]


def test_a_folder_without_objects_says_so(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Plate,Metadata_Well\n1,P1,A01\n")
    with pytest.raises(InputError, match=r"no table of objects beside Image\.csv"):
        READER.open(tmp_path)


def test_folders_of_the_gallery_say_the_place(tmp_path: Path) -> None:
    folder = tmp_path / "cpg0016-jump" / "source_4" / "workspace" / "analysis" / "2021_04_26_Batch1" / "BR001" / "analysis" / "BR001-A03-2"
    images, objects = made_tables.made()
    made_tables.write_csv(folder, [{"ImageNumber": i["ImageNumber"]} for i in images[:1]], objects)
    (run,) = READER.open(tmp_path)
    row = run.images({}).iloc[0]
    assert (row["plate"], row["well"], row["site"], row["source"]) == ("BR001", "A03", "2", "source_4")


def test_a_truncated_archive_is_refused_in_one_sentence(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path, *made_tables.made())
    raw = gzip.compress((tmp_path / "Nuclei.csv").read_bytes())
    (tmp_path / "Nuclei.csv").unlink()
    for size in (len(raw) // 2, 30):
        (tmp_path / "Nuclei.csv.gz").write_bytes(raw[:size])
        with pytest.raises(InputError, match=r"Nuclei\.csv\.gz cannot be read .*may be truncated"):
            [list(run.parts("Nuclei", ["AreaShape_M1"])) for run in READER.open(tmp_path)]


def test_a_compressed_table_is_read_like_any(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path, *made_tables.made())
    (plain,) = READER.open(tmp_path)
    expected = [values.tolist() for _, values in plain.parts("Cells", ["AreaShape_M0"])]
    (tmp_path / "Cells.csv.gz").write_bytes(gzip.compress((tmp_path / "Cells.csv").read_bytes()))
    (tmp_path / "Cells.csv").unlink()
    (packed,) = READER.open(tmp_path)
    assert [values.tolist() for _, values in packed.parts("Cells", ["AreaShape_M0"])] == expected


def test_two_header_rows_of_unequal_length_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Plate,Metadata_Well\n1,P1,A01\n")
    (tmp_path / "object.csv").write_text("Image,Cells,Cells,Cells\nImageNumber,ObjectNumber,AreaShape_Area\n1,1,5\n")
    with pytest.raises(InputError, match=r"object\.csv: its two header rows have 4 and 3 columns; export it again"):
        READER.open(tmp_path)
