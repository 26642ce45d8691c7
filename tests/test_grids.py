"""Grids: plates drawn as tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workbooks import xlsx

from impasto import grids, schema, tables
from impasto.schema import InputError


def grid(rows: int, columns: int, value: object, *, corner: str = "") -> list[list[object]]:
    """A grid whose cells hold what `value(row, column)` gives."""
    head: list[object] = [corner, *range(1, columns + 1)]
    return [head, *([schema.format_well(r, 0)[:-2], *(value(r, c) for c in range(columns))] for r in range(rows))]  # type: ignore[operator]


def text(rows: list[list[object]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (16, 24), (32, 48)])
def test_every_well_has_its_own_value(rows: int, columns: int) -> None:
    table, how = grids.read({"s": text(grid(rows, columns, lambda r, c: f"{r}/{c}"))}, where="t") or pytest.fail("no grid")
    assert len(table) == rows * columns
    for well, value in zip(table["well"], table["perturbation_name"], strict=True):
        assert "{}/{}".format(*schema.parse_well(well)) == value
    assert how == f"1 grids of {rows} x {columns} wells: perturbation_name"


def test_several_grids_with_titles_in_one_sheet_and_in_several(tmp_path: Path) -> None:
    names = grid(8, 12, lambda r, c: "DMSO" if c == 0 else f"c{c}", corner="Compound")
    doses = grid(8, 12, lambda r, c: None if c == 0 else r + 0.5)
    kinds = grid(8, 12, lambda r, c: "vehicle" if c == 0 else "sample")
    below = [*names, [], ["Dose (µM)"], *doses]
    right = [["Well type"], *kinds, *[[]] * (len(below) - 10)]
    beside = [[*a, *[None] * (14 - len(a)), *b] for a, b in zip(below, right, strict=True)]
    frame, how = tables.read(xlsx(tmp_path / "g.xlsx", {"one": beside}))
    assert set(frame.columns) == {"well", "Compound", "Dose (µM)", "Well type"}
    row = frame.set_index("well").loc["C05"]
    assert (row["Compound"], row["Dose (µM)"], row["Well type"]) == ("c4", "2.5", "sample")
    assert "3 grids of 8 x 12 wells" in how[0]
    several, _ = tables.read(xlsx(tmp_path / "s.xlsx", {"compound": grid(8, 12, lambda r, c: f"c{c}"), "dose": doses}))
    assert several.set_index("well").loc["H12"].to_dict() == {"compound": "c11", "dose": "7.5"}
    with pytest.raises(InputError, match="two grids are called 'Compound'"):
        grids.read({"s": text([*names, [], *names])}, where="t")


def test_a_grid_longer_than_the_sample_is_whole(tmp_path: Path) -> None:
    blocks = [grid(32, 48, lambda r, c, k=k: f"value {k} {r} {c}", corner=f"fact {k}") for k in range(5)]
    path = tmp_path / "g.csv"
    path.write_text("\n".join(",".join(map(str, row)) for block in blocks for row in [*block, []]))
    assert path.stat().st_size > 65_536
    frame, _ = tables.read(path)
    assert len(frame) == 1536
    assert frame.set_index("well").loc["AF48"].tolist() == [f"value {k} 31 47" for k in range(5)]


def test_other_tables_are_no_grids() -> None:
    assert grids.read({"s": [["well", "1", "2", "3", "4", "5", "6"], ["A01", *"123456"], ["A02", *"123456"]]}, where="t") is None
    assert grids.read({"s": [["id", "0", "1"], ["A", "1", "2"]]}, where="t") is None


def test_a_block_of_more_rows_or_columns_than_any_plate_is_no_grid() -> None:
    for rows, columns in ((33, 48), (32, 49)):
        letters = [schema.format_well(r, 0)[:-2] for r in range(32)] + ["AG"]
        cells = [["", *map(str, range(1, columns + 1))]] + [[letters[r], *["x"] * columns] for r in range(rows)]
        result = grids.read({"s": cells}, where="t")
        assert result is None or len(result[0]) == 32 * 48


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (16, 24), (32, 48)])
@pytest.mark.parametrize("lost", [range(32), range(2, 5)])
def test_letters_of_rows_may_be_left_out_in_a_whole_plate(rows: int, columns: int, lost: range) -> None:
    cells = text(grid(rows, columns, lambda r, c: f"{r}/{c}", corner="Compound"))
    for row in lost:
        if row < rows:
            cells[row + 1][0] = ""
    table, _ = grids.read({"s": cells}, where="t") or pytest.fail("no grid")
    for well, value in zip(table["well"], table["Compound"], strict=True):
        assert "{}/{}".format(*schema.parse_well(well)) == value
    assert len(table) == rows * columns
    assert grids.read({"s": cells[:-1]}, where="t") is None, "of a part of a plate the letters must be there"


@pytest.mark.parametrize("first", ["", "X", "B"])
@pytest.mark.parametrize("rows", [4, 5, 9])
def test_of_a_part_of_a_plate_the_first_row_is_a(first: str, rows: int) -> None:
    cells = text(grid(rows, 12, lambda r, c: f"{r}/{c}"))
    whole, _ = grids.read({"s": cells}, where="t") or pytest.fail("no grid")
    assert len(whole) == rows * 12
    cells[1][0] = first
    assert grids.read({"s": cells}, where="t") is None


def test_headings_of_rows_and_columns_may_say_so() -> None:
    cells = text(grid(8, 12, lambda r, c: f"{r}/{c}"))
    named = [[f"Col {cell}" if cell else "" for cell in cells[0]], *([f"Row {row[0]}", *row[1:]] for row in cells[1:])]
    assert grids.read({"s": named}, where="t")[0].equals(grids.read({"s": cells}, where="t")[0])  # type: ignore[index]
