"""Texts with separators: what the first 64 kB tell."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from impasto import delimited
from impasto.schema import InputError


def test_the_layout_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text('made by "X"\n\nwell;size;note\nA01;1,5;a,b\nA02;2,5;c\n')
    seen = delimited.layout(path)
    assert (seen.encoding, seen.separator, seen.header) == ("utf-8", ";", ("well", "size", "note"))
    assert seen.preamble == (('made by "X"',), ())
    assert delimited.cells(path, seen)[3] == ["A01", "1,5", "a,b"]


def test_two_header_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Image,Nuclei,Nuclei\nImageNumber,ObjectNumber,Area\n1,1,5\n1,2,7\n")
    table, _ = delimited.read(path, is_name=lambda name: False, header_rows=2)
    assert table[("Nuclei", "Area")].tolist() == [5, 7]


def test_a_column_of_row_names_without_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("well,size,a,b\nr1,A01,1,3,4\nr2,A02,2,5,6\n")
    table, _ = delimited.read(path, is_name=lambda name: False)
    assert table.to_dict("list") == {"row_name": ["r1", "r2"], "well": ["A01", "A02"], "size": [1, 2], "a": [3, 5], "b": [4, 6]}


def test_text_that_is_neither_utf8_nor_cp1252_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"well,note\nA01,\x81\x8d\n")
    with pytest.raises(InputError, match=r"is neither UTF-8 nor cp1252; say how it is written, for example --encoding shift_jis"):
        delimited.layout(path)
    with pytest.raises(InputError, match="is not written in utf-8; leave out --encoding"):
        delimited.layout(path, encoding="utf-8")


def test_a_column_that_is_numbers_for_long_and_then_text_keeps_its_zeros(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    numbers = "".join(f"{i:06d},{i}\n" for i in range(1, 400_000))
    path.write_text(f"code,size\n9,0\n{''.join('9,0' + chr(10) for _ in range(30))}{numbers}X1,5\n")
    table, _ = delimited.read(path, is_name=lambda name: False)
    assert table["code"].iloc[31:34].tolist() == ["000001", "000002", "000003"]
    assert table["code"].iloc[-1] == "X1"


def test_leading_zeros_in_the_first_row_alone_keep_a_column_as_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("kit,x\n007,1\n12,2\n")
    frame, _ = delimited.read(path, is_name=lambda name: False)
    assert frame["kit"].tolist() == ["007", "12"]
    assert frame["x"].tolist() == [1, 2]


def test_rows_that_end_in_more_separators_than_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Plate,Well,Compound\nP1,A1,x,,\nP1,A2,y,,\n")
    frame, _ = delimited.read(tmp_path / "a.csv", is_name=lambda _: True)
    assert frame.to_dict("list") == {"Plate": ["P1", "P1"], "Well": ["A1", "A2"], "Compound": ["x", "y"]}
    (tmp_path / "b.csv").write_text("Well,Compound,a,b,c,d,e,f\n" + "A1,x,1,2,3,4,5,6,7,8\n" * 2)
    with pytest.raises(InputError, match=r"b\.csv: row 2 has 10 cells, the header 8; give every column a name"):
        delimited.read(tmp_path / "b.csv", is_name=lambda _: True)


def test_the_numbers_of_rows_have_no_heading(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",Well,Compound\n1,A1,x\n2,A2,y\n")
    frame, how = delimited.read(tmp_path / "a.csv", is_name=lambda _: True)
    assert (frame["Well"].tolist(), how) == (["A1", "A2"], [])


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "gz"])
def test_a_text_in_parts_is_the_same_text(tmp_path: Path, encoding: str) -> None:
    rows = [f"{n % 384:06d},µ{n},{n / 4},{'' if n % 7 else n}" for n in range(5000)]
    raw = "\n".join(["Plate Name: 000412", "Plate_x,Compound,Value,Odd", *rows]).encode("utf-8" if encoding == "gz" else encoding)
    path = tmp_path / ("a.csv.gz" if encoding == "gz" else "a.csv")
    path.write_bytes(gzip.compress(raw) if encoding == "gz" else raw)
    whole, _ = delimited.read(path, is_name=lambda c: c == "Plate_x")
    parts = list(delimited.parts(path, is_name=lambda c: c == "Plate_x", rows=700))
    assert [len(part) for part in parts] == [*[700] * 7, 100]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert delimited.lines(path) == 5001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1252"])
def test_a_header_longer_than_the_sample_is_read_to_its_end(tmp_path: Path, encoding: str) -> None:
    names = [f"AreaShape_F{number:05d}_\u00b5" for number in range(9_000)]
    assert len(";".join(names)) > 2 * delimited.SAMPLE
    rows = [";".join(["1,5"] * 9_000), ";".join(["2,5"] * 9_000)]
    for ending in ("\r\n", "\n", "\r"):
        (tmp_path / "a.csv").write_bytes(ending.join([";".join(names), *rows, ""]).encode(encoding))
        seen = delimited.layout(tmp_path / "a.csv")
        assert (seen.encoding, seen.separator, delimited.decimal_mark(seen, tmp_path / "a.csv")[0]) == (encoding, ";", ",")
        assert seen.records == (tuple(names), ("1,5",) * 9_000, ("2,5",) * 9_000)


def test_a_sample_ends_with_a_whole_line_and_a_whole_letter(tmp_path: Path) -> None:
    """A letter of two bytes lies over the end of the sample."""
    line = "A01;" + "\u00b5" * 120 + "\n"
    text = "well;note\n" + line * 400
    raw = text.encode()
    assert len(raw) > delimited.SAMPLE
    assert raw[delimited.SAMPLE - 1] == 0xC2 or raw[delimited.SAMPLE - 1] == 0xB5
    for shift in ("", "x"):
        (tmp_path / "a.csv").write_bytes((shift + text).encode())
        seen = delimited.layout(tmp_path / "a.csv")
        assert seen.encoding == "utf-8"
        assert set(seen.records[1:]) == {("A01", "\u00b5" * 120)}


def test_two_header_rows_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Image;Cells;Cells\nImageNumber;ObjectNumber;Area\n1;1;5,25\n1;2;7,5\n")
    seen = delimited.layout(tmp_path / "a.csv")
    assert delimited.decimal_mark(seen, tmp_path / "a.csv", header_rows=2) == (",", ["decimal commas in 1 columns"])
    table, how = delimited.read(tmp_path / "a.csv", is_name=lambda name: False, header_rows=2)
    assert table[("Cells", "Area")].tolist() == [5.25, 7.5]
    assert "decimal commas in 1 columns" in how


def test_a_comma_between_numbers_is_no_decimal_comma_where_commas_separate(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('x,y\n"1,5",2\n')
    seen = delimited.layout(tmp_path / "a.csv")
    assert (seen.separator, delimited.decimal_mark(seen, tmp_path / "a.csv")[0], seen.records[1]) == (",", ".", ("1,5", "2"))
    (tmp_path / "b.csv").write_bytes("Gr\u00f6\u00dfe;b\n1.5;2\n".encode("cp1252"))
    seen = delimited.layout(tmp_path / "b.csv")
    assert (seen.encoding, seen.separator, seen.header) == ("cp1252", ";", ("Gr\u00f6\u00dfe", "b"))
    assert delimited.decimal_mark(seen, tmp_path / "b.csv")[0] == "."
