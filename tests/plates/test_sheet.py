"""A tall sheet: its columns in any case, paths beside it, pages as numbers, other columns as annotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.plates import sheet
from impasto.plates.listing import Listing
from impasto.plates.planes import paths
from impasto.plates.reader import Asked
from impasto.schema import InputError


def listing(path: Path, text: str) -> Listing:
    path.write_text(text)
    return Listing.of(path)


def test_rows_are_planes_and_the_rest_is_annotation(tmp_path: Path) -> None:
    files = listing(
        tmp_path / "s.csv",
        "Path,CHANNEL,plate,well,Site,page,dose,row\na.tif, DNA ,P1,A01,1,,0.5,9\n/x/b.tif,ER,P1,A01,1,2.0,0.5,9\n",
    )
    assert sheet.fits(files) == 2
    result = sheet.planes(files, Asked())
    assert paths(result.planes).to_pylist() == [f"{tmp_path}/a.tif", "/x/b.tif"]
    assert result.planes["channel"].tolist() == ["DNA", "ER"]
    assert result.planes["page"].tolist() == [0, 2]
    assert list(result.annotation) == ["plate", "well", "dose"]
    assert result.annotation.to_numpy().tolist() == [["P1", "A01", "0.5"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,channel,plate\na,b,c\n", "the sheet has no column 'well'"),
        ("path,channel,plate,well\na,DNA,P1,A01\na,DNA,,A01\n", "row 3 leaves one of"),
        ("path,channel,plate,well,page\na,DNA,P1,A01,one\n", "row 2 has page 'one'"),
        ("path,channel,plate,well,page\na,DNA,P1,A01,-1\n", "row 2 has page '-1'"),
        ("path,channel,plate,well,page\na,DNA,P1,A01,0\na,DNA,P1,A02,1.5\n", "row 3 has page '1.5'"),
    ],
)
def test_what_is_missing_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        sheet.planes(listing(tmp_path / "s.csv", text), Asked())


def test_other_tables_are_no_sheets(tmp_path: Path) -> None:
    assert sheet.fits(listing(tmp_path / "s.csv", "FileName_DNA,plate,well\na,P1,A01\n")) == 0
    assert sheet.fits(Listing.of(tmp_path)) == 0


@pytest.mark.parametrize("name", ["Image Path", "FileName", "url"])
def test_paths_go_by_other_names_where_one_column_is_plainly_theirs(name: str, tmp_path: Path) -> None:
    files = listing(tmp_path / "s.csv", f"{name},Channel,Plate,Well\na.tif,DNA,P1,A01\n")
    assert sheet.fits(files) == 1
    assert paths(sheet.planes(files, Asked()).planes).to_pylist() == [f"{tmp_path}/a.tif"]


@pytest.mark.parametrize("header", ["image,channel,plate", "image,filename,channel,well", "image,plate,well"])
def test_a_column_of_another_name_is_not_taken_where_it_may_mean_something_else(header: str) -> None:
    assert not sheet.is_sheet(header.split(","))
