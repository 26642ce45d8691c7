"""Rows that need a file: each in its place, none dropped, none twice."""

from __future__ import annotations

from pathlib import Path

from impasto.report import not_run

SWEEP = not_run.frame([("a", []), ("b", ["b.parquet"]), ("c", ["c", "d"]), ("e", []), ("f", ["f"])])


def test_a_row_stands_behind_the_one_before_it_and_says_what_it_needs() -> None:
    lines = [["a", "1", "2"], ["e", "3", "4"], ["chance", "0", "0"]]
    found = not_run.with_rows(lines, [SWEEP], columns=2)
    assert [line[0] for line in found] == ["a", "b", "c", "e", "f", "chance"]
    assert found[1] == ["b", "not run: needs b.parquet", ""]
    assert found[2] == ["c", "not run: needs c and d", ""]
    assert lines[1] == ["e", "3", "4"]
    assert not_run.names([SWEEP]) == {"b", "c", "f"}


def test_the_first_row_stands_at_the_top_and_methods_of_a_data_set_stay_together() -> None:
    sweep = not_run.frame([("x", ["x"]), ("y", []), ("z", ["z"])])
    found = not_run.with_rows([["y: raw", "1"], ["y: ComBat", "2"]], [sweep], columns=1)
    assert [line[0] for line in found] == ["x", "y: raw", "y: ComBat", "z"]


def test_what_is_done_to_a_row_stays_with_it_and_another_row_of_like_name_does_not() -> None:
    sweep = not_run.frame([("A", []), ("B", ["b"]), ("A, named", [])])
    found = not_run.with_rows([["A", "1"], ["A, kernel PCA", "2"], ["A, named", "3"]], [sweep], columns=1)
    assert [line[0] for line in found] == ["A", "A, kernel PCA", "B", "A, named"]


def test_only_the_rows_that_a_table_shows_are_added_and_none_twice() -> None:
    assert [line[0] for line in not_run.with_rows([["a", "1"]], [SWEEP, SWEEP], columns=1, among=["a", "c"])] == ["a", "c"]


def test_a_sweep_writes_its_rows_and_a_table_reads_them(tmp_path: Path) -> None:
    SWEEP.to_csv(tmp_path / not_run.FILE, index=False)
    (read,) = not_run.read([tmp_path, tmp_path / "nowhere"])
    assert read.to_numpy().tolist() == SWEEP.to_numpy().tolist()


def test_a_row_that_another_sweep_ran_is_no_row_that_was_not_run() -> None:
    sweep = not_run.frame([("base", []), ("X", ["x.parquet"])])
    assert not_run.names([sweep]) - {"base", "X"} == set()
    assert not_run.with_rows([["base", "1"], ["X", "2"]], [sweep], columns=1) == [["base", "1"], ["X", "2"]]
