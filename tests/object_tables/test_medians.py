"""Medians of sites beside dicts and loops, whatever the layout and the order of objects."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_tables

from impasto import profile_sources
from impasto.object_tables import medians
from impasto.object_tables.run import Part
from impasto.object_tables.sqlite_run import SqliteRun


def laid_out(name: str, folder: Path, images: list[dict[str, Any]], objects: made_tables.Objects) -> Path:
    if name == "csv":
        made_tables.write_csv(folder / "run", images, objects)  # each kind in an order of its own
        return folder / "run"
    write = made_tables.write_cytominer if name == "cytominer-database" else made_tables.write_export
    write(folder / "p.sqlite", images, objects)
    return folder / "p.sqlite"


def oracle(images: list[dict[str, Any]], objects: made_tables.Objects) -> dict[tuple[str, str], dict[str, float]]:
    """(well, site) -> feature -> the median over ALL objects of the image, with a partner or without."""
    told = {}
    for image in images:
        values: dict[str, float] = {}
        for kind, rows in objects.items():
            own = [row for (number, _), row in rows.items() if number == image["ImageNumber"]]
            for name in next(iter(rows.values())):
                numbers = [float(row[name]) for row in own if row[name] == row[name]]
                values[f"{kind}_{name}"] = statistics.median(numbers) if numbers else float("nan")
        told[image["Metadata_Well"], str(image["Metadata_Site"])] = values
    return told


@pytest.mark.parametrize("layout", ["csv", "cytominer-database", "ExportToDatabase"])
def test_sites_of_each_layout_equal_dicts_and_loops(layout: str, tmp_path: Path) -> None:
    images, objects = made_tables.made(4)
    for number, row in enumerate(objects["Nuclei"].values()):
        if number % 3 == 0:
            row["AreaShape_M1"] = float("nan")
    frame = profile_sources.read(laid_out(layout, tmp_path, images, objects)).frame
    frame.columns = [str(c).removeprefix("Image_") for c in frame]
    wanted = oracle(images, objects)
    assert len(frame) == len(wanted) == 8
    compared = 0
    for _, row in frame.iterrows():
        for name, value in wanted[row["Metadata_Well"], str(row["Metadata_Site"])].items():
            np.testing.assert_allclose(row[name], value, rtol=1e-12, err_msg=name)
            compared += 1
    assert compared == 8 * sum(len(next(iter(rows.values()))) for rows in objects.values())


class Interleaved:
    """Objects of three images in turn, one that belongs to none, in parts of four; the third has no object."""

    where, measured, number = "here", {"Cells": ("a", "b")}, {"Cells": "n"}

    def __init__(self) -> None:
        self.image = np.array([0, 1, 0, 1, -1, 0, 1, 3, 0, 3])
        self.values = np.array(
            [[1, np.nan], [5, 2], [9, np.nan], [7, 4], [99, 99], [2, np.nan], [6, np.nan], [np.inf, 1], [4, np.nan], [np.inf, 2]],
            dtype=float,
        )

    def parts(self, kind: str, columns: Sequence[str]) -> Iterator[Part]:
        at = [("a", "b").index(c) for c in columns]
        for first in range(0, 10, 4):
            yield self.image[first : first + 4], self.values[first : first + 4][:, at]

    def whole_images(self) -> pd.DataFrame:
        return pd.DataFrame({"Metadata_Well": ["A01", "A02", "A03", "A04"]})

    def feature(self, kind: str, column: str) -> str:
        return f"{kind}_{column}"

    def notes(self) -> list[str]:
        return ["left out: x"]


def test_objects_of_several_images_in_turn_written_out_by_hand() -> None:
    run = Interleaved()
    made = medians.of_images(run, "Cells", ["a", "b"], images=4)  # type: ignore[arg-type]
    np.testing.assert_array_equal(made, [[3, np.nan], [6, 3], [np.nan, np.nan], [np.inf, 1.5]])
    table, how = medians.of_runs([run, run])  # type: ignore[list-item]
    assert table["Metadata_Well"].tolist() == ["A01", "A02", "A03", "A04"] * 2
    np.testing.assert_array_equal(table["Cells_a"], [3, 6, np.nan, np.inf] * 2)
    assert how == ["8 images; medians over their objects Cells", "left out: x"], "a note of several runs is said once"


def test_images_without_a_table_of_objects_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "Image.csv").write_text("ImageNumber,Metadata_Plate,Metadata_Well,Mean_Cells_AreaShape_Area\n1,P,A01,5\n2,P,A02,7\n")
    source = profile_sources.read(tmp_path)
    assert source.frame["Image_Mean_Cells_AreaShape_Area"].tolist() == [5, 7]
    assert source.how == ["2 images; they have no objects"]


def test_one_table_of_all_objects_has_the_kinds_of_its_prefixes(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "one.db") as base:
        base.execute("create table Per_Image (ImageNumber integer, Image_Metadata_Plate text, Image_Metadata_Well text)")
        base.execute("insert into Per_Image values (1, 'P1', 'A01')")
        base.execute(
            "create table Per_Object (ImageNumber integer, ObjectNumber integer, Cells_AreaShape_Area real, Nuclei_AreaShape_Area real)"
        )
        base.executemany("insert into Per_Object values (1, ?, ?, ?)", [(1, 10.0, 1.0), (2, 30.0, 5.0), (3, 20.0, 3.0)])
    table, how = medians.of_runs([SqliteRun(tmp_path / "one.db")])
    assert table[["Cells_AreaShape_Area", "Nuclei_AreaShape_Area"]].to_numpy().tolist() == [[20.0, 3.0]]
    assert how == ["1 images; medians over their objects Cells, Nuclei"]
