from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from tests.cells import made_tables

from impasto.cells import sources
from impasto.object_tables.sqlite_run import READER, SqliteRun
from impasto.schema import InputError


def test_a_table_number_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_cytominer(tmp_path / "p.sqlite", [*images, {**images[0], "Metadata_Site": 9}], objects)
    with pytest.raises(InputError, match="Image holds 1 images twice"):
        SqliteRun(tmp_path / "p.sqlite")


def test_a_truncated_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_cytominer(tmp_path / "p.sqlite", images, objects)
    raw = (tmp_path / "p.sqlite").read_bytes()
    (tmp_path / "p.sqlite").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="may be truncated"):
        [list(run.parts("Cells", ["ObjectNumber"])) for run in sources.open_all([tmp_path / "p.sqlite"])]


def test_a_file_without_images_or_objects_lists_its_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "p.sqlite") as base:
        base.execute("create table Cells (ImageNumber, ObjectNumber)")
    with pytest.raises(InputError, match=r"no table of images \(Per_Image or Image\); it has Cells"):
        SqliteRun(tmp_path / "p.sqlite")
    with sqlite3.connect(tmp_path / "q.sqlite") as base:
        base.execute("create table Image (ImageNumber)")
    with pytest.raises(InputError, match="no table of objects"):
        sources.open_all([tmp_path / "q.sqlite"])


def test_columns_of_text_are_left_out_by_name_and_stray_texts_are_counted(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    rows = list(objects["Cells"].values())
    for row in rows:
        row["Classify_Name"] = "round"
    made_tables.write_cytominer(tmp_path / "p.sqlite", images, objects)
    with sqlite3.connect(tmp_path / "p.sqlite") as base:
        base.execute("update Nuclei set Nuclei_AreaShape_M0 = 'broken' where rowid > 52")
    run = SqliteRun(tmp_path / "p.sqlite")
    assert "Classify_Name" not in run.objects["Cells"]
    assert any("columns of text: Cells_Classify_Name" in note for note in run.notes())
    list(run.parts("Nuclei", ["AreaShape_M0"]))
    broken = len(objects["Nuclei"]) - 52
    assert any(f"{broken} values of Nuclei_AreaShape_M0 are text" in note for note in run.notes())


def test_a_file_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_export(tmp_path / "p.anything", images, objects)
    (tmp_path / "p.sqlite").write_text("no SQLite")
    assert READER.fits(tmp_path / "p.anything")
    assert not READER.fits(tmp_path / "p.sqlite")
    assert set(READER.open(tmp_path / "p.anything")[0].objects) == {"Cells", "Cytoplasm", "Foci", "Nuclei", "Stray"}


def test_the_number_of_an_image_may_be_text_in_one_table_and_a_number_in_another(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_export(tmp_path / "p.db", images, objects)
    with sqlite3.connect(tmp_path / "p.db") as base:
        base.execute("update Per_Cells set ImageNumber = cast(ImageNumber as text)")
        base.execute("update Per_Nuclei set ImageNumber = cast(ImageNumber as real)")
    run = SqliteRun(tmp_path / "p.db")
    for kind in ("Cells", "Nuclei"):
        rows = [int(image) + 1 for part, _ in run.parts(kind, ["ObjectNumber"]) for image in part]
        assert sorted(rows) == sorted(image for image, _ in objects[kind])


def test_one_broken_value_among_the_first_leaves_no_column_out(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    made_tables.write_cytominer(tmp_path / "p.sqlite", images, objects)
    with sqlite3.connect(tmp_path / "p.sqlite") as base:
        base.execute("update Cells set Cells_AreaShape_M0 = x'00ff' where rowid = 2")
        base.execute('alter table Cells add column "Cells_Odd""x%s" real')
        base.execute('update Cells set "Cells_Odd""x%s" = 5')
    run = SqliteRun(tmp_path / "p.sqlite")
    assert {"AreaShape_M0", 'Odd"x%s'} <= set(run.objects["Cells"])
    values = np.concatenate([v for _, v in run.parts("Cells", ["AreaShape_M0", 'Odd"x%s'])])
    assert np.isnan(values[:, 0]).tolist() == [row == 1 for row in range(len(values))]
    assert (values[:, 1] == 5).all()
    assert any("1 values of Cells_AreaShape_M0 are text" in note for note in run.notes())


def test_a_table_of_all_kinds_is_read_where_no_table_of_one_kind_is_there_and_the_table_of_images_never(tmp_path: Path) -> None:
    images, objects = made_tables.made()
    # CellProfiler means every column of objects over an image, their numbers too.
    images = [{**image, "Nuclei_Number_Object_Number": 1.5} for image in images]
    made_tables.write_per_object(tmp_path / "p.db", images, objects)
    with sqlite3.connect(tmp_path / "p.db") as base:
        base.execute("alter table Per_Image rename column Image_Nuclei_Number_Object_Number to MeanNuclei_Number_Object_Number")
    run = SqliteRun(tmp_path / "p.db")
    assert set(run.objects) == set(objects)
    for kind in ("Cells", "Nuclei"):
        numbers = np.concatenate([values[:, 0] for _, values in run.parts(kind, ["ObjectNumber"])])
        assert np.isfinite(numbers).sum() == len(objects[kind])
    made_tables.write_export(tmp_path / "q.db", images, {"Cells": objects["Cells"]})
    with sqlite3.connect(tmp_path / "p.db") as base:
        base.execute("attach database ? as other", (str(tmp_path / "q.db"),))
        base.execute("create table Per_Cells as select * from other.Per_Cells")
    assert set(SqliteRun(tmp_path / "p.db").objects) == {"Cells"}
