from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cells import made_tables
from tests.cells.test_gather import cells_of, compare

from impasto import progress
from impasto.cells import sources
from impasto.object_tables.csv_run import READER, CsvRun
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


@pytest.mark.parametrize("number", ['9"P1', "x", "", None])
def test_a_number_of_an_image_that_is_none_is_refused(number: str | None, tmp_path: Path) -> None:
    images, objects = made_tables.made()
    images[-1]["ImageNumber"] = number
    made_tables.write_csv(tmp_path, images, objects)
    with pytest.raises(InputError, match=r"Image\.csv: ImageNumber .* is no number"):
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
    with pytest.raises(InputError, match=r"holds no table of objects beside its images .*; export Cells, Nuclei or others too"):
        sources.open_all([tmp_path])
    (tmp_path / "Cells.csv").write_text("ImageNumber,AreaShape_Area\n1,5\n")
    with pytest.raises(InputError, match="with ImageNumber and ObjectNumber"):
        sources.open_all([tmp_path])


def test_folders_of_the_gallery_say_the_place(tmp_path: Path) -> None:
    folder = tmp_path / "cpg0016-jump" / "source_4" / "workspace" / "analysis" / "2021_04_26_Batch1" / "BR001" / "analysis" / "BR001-A03-2"
    images, objects = made_tables.made()
    made_tables.write_csv(folder, [{"ImageNumber": i["ImageNumber"]} for i in images[:1]], objects)
    (run,) = READER.open(tmp_path)
    row = run.images({}).iloc[0]
    assert (row["plate"], row["well"], row["site"], row["source"]) == ("BR001", "A03", "2", "source_4")
    assert run.whole_images()["Metadata_Source"].tolist() == ["source_4"]
    assert "batch, plate, site, source, well: from the folders of the Cell Painting Gallery" in run.notes()


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


TABLES = ("Image", "Cells", "Cytoplasm", "Nuclei", "Foci", "Stray")


def _german(text: str) -> bytes:
    return text.replace(",", ";").replace(".", ",").encode()


OTHERWISE: dict[str, Callable[[Path], None]] = {
    "semicolons and decimal commas": lambda path: _again(path, path.name, _german(path.read_text())),
    "UTF-16": lambda path: _again(path, path.name, path.read_text().encode("utf-16")),
    "line ends of old Macs": lambda path: _again(path, path.name, path.read_bytes().replace(b"\r\n", b"\r")),
    "upper case": lambda path: _again(path, f"{path.stem}.CSV", path.read_bytes()),
    "tabs": lambda path: _again(path, f"{path.stem}.txt", path.read_text().replace(",", "\t").encode()),
    "a comma behind each row": lambda path: _again(path, path.name, path.read_bytes().replace(b"\r\n", b",\r\n")),
    "gzip": lambda path: _again(path, f"{path.name}.gz", gzip.compress(path.read_bytes())),
    "numbers with a point": lambda path: _again(path, path.name, re.sub(rb"(?m)^(\d+)", rb"\1.0", path.read_bytes())),
}


def _again(path: Path, name: str, raw: bytes) -> None:
    path.unlink()
    (path.parent / name).write_bytes(raw)


@pytest.mark.parametrize("way", OTHERWISE)
def test_a_table_that_is_written_otherwise_gives_the_same_cells(way: str, tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    made_tables.write_csv(tmp_path / "run", [{k: v for k, v in i.items() if k != "FileName_DNA"} for i in images], objects)
    for name in TABLES:
        OTHERWISE[way](tmp_path / "run" / f"{name}.csv")
    compare(cells_of(tmp_path / "run", tmp_path / "cells"), made_tables.oracle(images, objects))


def test_what_windows_writes_for_a_missing_value_is_missing_and_infinite_values_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, objects = made_tables.made(3)
    for row, word in zip(objects["Nuclei"].values(), ("1.#IND", "-1.#IND", "-nan(ind)", "1.#QNAN", "inf", "-inf", "1e60"), strict=False):
        row["AreaShape_M0"] = word
    made_tables.write_csv(tmp_path / "run", images, objects)
    with progress.silent(False):
        cells = cells_of(tmp_path / "run", tmp_path / "cells")
    for row in objects["Nuclei"].values():
        row["AreaShape_M0"] = row["AreaShape_M0"] if isinstance(row["AreaShape_M0"], float) else float("nan")
    compare(cells, made_tables.oracle(images, objects))
    assert "3 values are infinite, or beyond what 32 bits hold; they count as not measured" in " ".join(capsys.readouterr().out.split())


def test_a_line_above_the_header_and_decimal_commas_under_two_header_rows(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("sep=;\nImageNumber;Metadata_Plate;Metadata_Well\n1;P1;A01\n2;P1;A02\n")
    (tmp_path / "object.csv").write_text(
        "sep=;\nImage;Cells;Cells;Nuclei;Nuclei\nImageNumber;ObjectNumber;AreaShape_Area;ObjectNumber;AreaShape_Area\n"
        "2;1;5,25;2;7,5\n1;1;6,5;1;nan\n"
    )
    (run,) = READER.open(tmp_path)
    ((image, values),) = run.parts("Cells", ["ObjectNumber", "AreaShape_Area"])
    assert (image.tolist(), values.tolist()) == ([1, 0], [[1, 5.25], [1, 6.5]])
    assert run.images({})["well"].tolist() == ["A01", "A02"]
    ((_, values),) = run.parts("Nuclei", ["AreaShape_Area"])
    assert values[0].tolist() == [7.5]
