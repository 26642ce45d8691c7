"""Tables of every kind a laboratory has: the values that come out are those that were written."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.workbooks import ods, xlsx

from impasto import tables
from impasto.schema import InputError

NAN = float("nan")


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding", "how"),
    [
        ("plate,well,size\n007,A1,1.5\n008,a-02,2\n", "utf-8", []),
        ("plate;well;size\n007;A1;1,5\n008;a-02;2,0\n", "utf-8", ["separator ';'", "decimal commas in 1 columns"]),
        ("plate\twell\tsize\r\n007\tA1\t1.5\r\n008\ta-02\t2\r\n", "utf-16", ["encoding utf-16"]),
        ("plate\twell\tsize\n007\tA1\t1,5\n008\ta-02\t2,0\n", "utf-16-le", ["encoding utf-16-le", "decimal commas in 1 columns"]),
        ("plate|well|size\n007|A1|1.5\n008|a-02|2\n", "utf-8-sig", ["separator '|'"]),
        ("Exported by X\nUser: Y\n\nplate,well,size\n007,A1,1.5\n008,a-02,2\n", "utf-8", ["3 lines above the header left out"]),
        ("plate,well,size\n007,A1,1.5\n008,a-02,2\n,,\n,,\n\n", "utf-8", []),
        ("plate;well;size;\n007;A1;1.5;\n008;a-02;2;\n", "utf-8", ["separator ';'"]),
        ("plate,well,size\n007,A1,1.5,\n008,a-02,2,\n", "utf-8", []),
        ('"plate","well","size"\n"007","A1","1.5"\n"008","a-02","2"\n', "utf-8", []),
        (" plate , well ,size\n007,A1,1.5\n008,a-02,2\n", "utf-8", []),
    ],
)
def test_one_table_in_many_texts(tmp_path: Path, text: str, encoding: str, how: list[str]) -> None:
    frame, said = tables.read(written(tmp_path / "t.csv", text, encoding))
    assert frame.to_dict("list") == {"plate": ["007", "008"], "well": ["A1", "a-02"], "size": [1.5, 2.0]}
    assert said == how


def test_a_text_that_is_not_utf8_is_cp1252_and_said(tmp_path: Path) -> None:
    frame, said = tables.read(written(tmp_path / "t.csv", "well,Fl\xe4che [\xb5m\xb2]\nA01,1.5\n", "cp1252"))
    assert list(frame.columns) == ["well", "Fläche [µm²]"]
    assert said == ["encoding cp1252, as it is not UTF-8"]


def test_a_stray_byte_far_down_is_seen_too(tmp_path: Path) -> None:
    rows = "".join(f"P,A01,{i}\n" for i in range(20_000))
    path = written(tmp_path / "t.csv", f"plate,well,size\n{rows}P,caf\xe9,7\n", "cp1252")
    frame, said = tables.read(path)
    assert frame["well"].iloc[-1] == "café"
    assert said == ["encoding cp1252, as it is not UTF-8"]
    japanese = written(tmp_path / "j.csv", "well,名前\nA01,対照\n", "shift_jis")
    assert tables.read(japanese, encoding="shift_jis")[0]["名前"].tolist() == ["対照"]
    with pytest.raises(InputError, match="is no encoding that Python knows"):
        tables.read(japanese, encoding="klingon")


def test_a_quoted_cell_may_hold_the_separator_and_a_new_line(tmp_path: Path) -> None:
    frame, _ = tables.read(written(tmp_path / "t.csv", 'well,compound,dose\nA01,"acid, ""pure""\n(batch 2)",1\nA02,x,2\n'))
    assert frame["compound"].tolist() == ['acid, "pure"\n(batch 2)', "x"]
    assert frame["dose"].tolist() == [1, 2]


def test_commas_and_points_side_by_side_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'a' has decimal commas and 'b' decimal points"):
        tables.read(written(tmp_path / "t.csv", "well;a;b\nA01;1,5;1.5\n"))


def test_doubled_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 names stand above more than one column \(first: 'dose'\)"):
        tables.read(written(tmp_path / "t.csv", "well,dose,dose\nA01,1,2\n"))


def test_missing_values_are_missing_and_zipped_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"well,compound,size\nA01,NA,#N/A\nA02,,1\nA03,nan-1,1.#QNAN\n"))
    frame, _ = tables.read(path)
    assert frame["compound"].isna().tolist() == [True, True, False]
    np.testing.assert_array_equal(frame["size"], [NAN, 1, NAN])


def test_the_plate_in_harmonys_preamble_is_its_column(tmp_path: Path) -> None:
    head = "Database Name: D\nPlate Name: 000412\nMeasurement: 1\n\n[Data]\n"
    frame, said = tables.read(written(tmp_path / "PlateResults.txt", f"{head}Row\tColumn\tCells - Area\n1\t2\t3.5\n2\t2\t4.5\n"))
    assert frame["Metadata_Plate"].tolist() == ["000412", "000412"]
    assert said == ["5 lines above the header left out", "plate 000412, from a line above the header"]


def test_an_empty_text_and_another_kind_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no table: it is empty"):
        tables.read(written(tmp_path / "t.csv", ""))
    with pytest.raises(InputError, match="does not exist"):
        tables.read(tmp_path / "none.csv")
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(InputError, match=r"t\.parquet cannot be read"):
        tables.read(tmp_path / "t.parquet")
    (tmp_path / "x.xlsx").write_bytes(b"PK\3\4" + bytes(20))
    with pytest.raises(InputError, match=r"x\.xlsx"):
        tables.read(tmp_path / "x.xlsx")


# ---------------------------------------------------------------- workbooks
def test_a_workbook_with_a_title_and_merged_headings(tmp_path: Path) -> None:
    rows = [
        ["Screen 7", None, None, None],
        [],
        ["Place", None, "Substance", None],
        ["Plate ID", "Well", "Compound", "Conc (µM)"],
        [412, "A1", "aspirin", 0.5],
        [412, "A2", 50782, 12],
        [None, None, None, None],
    ]
    frame, said = tables.read(xlsx(tmp_path / "m.xlsx", {"Map": rows, "Empty": []}))
    assert frame.to_dict("list") == {
        "Plate ID": ["412", "412"],
        "Well": ["A1", "A2"],
        "Compound": ["aspirin", "50782"],
        "Conc (µM)": [0.5, 12.0],
    }
    assert said == ["sheet Map", "3 lines above the header left out"]


@pytest.mark.parametrize(("write", "name"), [(xlsx, "m.xlsx"), (ods, "m.ods")])
def test_sheets_of_one_form_are_one_table_and_others_are_asked_for(tmp_path: Path, write: object, name: str) -> None:
    plates = {"P1": [["well", "compound"], ["A01", "x"]], "P2": [["well", "compound"], ["A01", "y"]]}
    frame, said = tables.read(write(tmp_path / name, plates))  # type: ignore[operator]
    assert frame.to_dict("list") == {"well": ["A01", "A01"], "compound": ["x", "y"], "sheet": ["P1", "P2"]}
    assert said == ["sheet P1, P2"]
    assert tables.read(tmp_path / name, sheet="P2")[0].to_dict("list") == {"well": ["A01"], "compound": ["y"]}
    with pytest.raises(InputError, match=r"has no sheet 'P3'; it has P1, P2"):
        tables.read(tmp_path / name, sheet="P3")
    write(tmp_path / name, {**plates, "read me": [["note", "by"], ["old", "me"]]})  # type: ignore[operator]
    with pytest.raises(InputError, match=r"3 sheets of different columns \(P1, P2, read me\); say which: --sheet P1"):
        tables.read(tmp_path / name)
    write(tmp_path / name, {"read me": [["made by us"]], "Layout": plates["P1"]})  # type: ignore[operator]
    with pytest.raises(InputError, match=r"say which: --sheet Layout"):
        tables.read(tmp_path / name)


# ---------------------------------------------------------------- Parquet
def test_a_named_index_is_columns_and_an_unnamed_one_is_none(tmp_path: Path) -> None:
    frame = pd.DataFrame({"plate": ["007", "008"], "well": ["A01", "A02"], "size": [1.0, 2.0]})
    frame.set_index(["plate", "well"]).to_parquet(tmp_path / "named.parquet")
    assert tables.read(tmp_path / "named.parquet")[0].to_dict("list") == frame.to_dict("list")
    frame.iloc[[1, 0]].to_parquet(tmp_path / "plain.parquet")
    assert list(tables.read(tmp_path / "plain.parquet")[0].columns) == ["plate", "well", "size"]


def test_structs_and_lists_are_taken_apart(tmp_path: Path) -> None:
    place = pa.array([{"plate": "007", "well": "A01"}, {"plate": "007", "well": "A02"}])
    table = pa.table({"Metadata": place, "emb": pa.array([[1.0, 2.0], [3.0, 4.0]])})
    pq.write_table(table, tmp_path / "t.parquet")
    frame, _ = tables.read(tmp_path / "t.parquet")
    assert frame.to_dict("list") == {
        "Metadata.plate": ["007", "007"],
        "Metadata.well": ["A01", "A02"],
        "emb_0000": [1.0, 3.0],
        "emb_0001": [2.0, 4.0],
    }
    pq.write_table(pa.table({"emb": pa.array([[1.0], [3.0, 4.0]])}), tmp_path / "u.parquet")
    with pytest.raises(InputError, match=r"the lists of column 'emb' differ in length \(1 to 2\)"):
        tables.read(tmp_path / "u.parquet")


def test_a_folder_of_parts_loses_no_column_and_no_zero(tmp_path: Path) -> None:
    for plate, columns in (("007", {"well": ["A01"], "a": [1.0]}), ("008", {"well": ["A02"], "a": [2], "b": [3.0]})):
        (tmp_path / "t.parquet" / f"Metadata_Plate={plate}").mkdir(parents=True)
        pd.DataFrame(columns).to_parquet(tmp_path / "t.parquet" / f"Metadata_Plate={plate}" / "part-0.parquet")
    frame, _ = tables.read(tmp_path / "t.parquet")
    assert frame["Metadata_Plate"].tolist() == ["007", "008"]
    assert frame["a"].tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(frame["b"], [NAN, 3.0])


def test_columns_of_a_table_without_its_rows(tmp_path: Path) -> None:
    assert tables.columns(written(tmp_path / "t.csv", "a;b\n1;2\n")) == ["a", "b"]
    assert tables.columns(tmp_path) == []
    assert tables.columns(tmp_path / "none") == []


@pytest.mark.parametrize("name", ["Plate ID", "Metadata_Well", "plate", "barcode", "pert_iname", "Metadata_JCP2022", "Image_Metadata_Site"])
def test_columns_of_names(name: str) -> None:
    assert tables.is_name(name)


@pytest.mark.parametrize("name", ["Nuclei - Area - Mean per Well", "Cells_AreaShape_Area", "emb_0001", "n_cells", "SiteCount"])
def test_columns_of_numbers(name: str) -> None:
    assert not tables.is_name(name)


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    with pytest.raises(InputError, match=r"p\.csv is neither a file nor a folder"):
        tables.kind(tmp_path / "p.csv")
