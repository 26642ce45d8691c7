"""The plates of an ingested folder are known without its sites, and one is read without the others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from impasto.plates import planes, plate_index
from impasto.plates.sites import Sites
from impasto.schema import InputError


def ingested(folder: Path, *, plates: tuple[str, ...] = ("P1", "P2", "P10"), source: str = "") -> pd.DataFrame:
    rows = [
        {
            "source": source,
            "batch": "B",
            "plate": plate,
            "well": well,
            "site": str(site),
            "channel": channel,
            "path": f"/i/{plate}{well}.tif",
        }
        for plate in plates
        for well in ("A01", "B02")
        for site in (1, 2)
        for channel in (("DNA", "ER") if plate != "P2" else ("DNA", "Mito"))
    ]
    table = planes.sorted_by_place(planes.table(pd.DataFrame(rows), where="test"))
    folder.mkdir()
    planes.write(table, folder / "images.parquet")
    plate_index.of_planes(table).to_parquet(folder / "plates.parquet", index=False)
    pd.DataFrame([{"plate": p, "well": w, "gene": f"{p}{w}"} for p in plates for w in ("A01", "B02")]).to_parquet(folder / "wells.parquet")
    return table


def test_a_row_a_plate(tmp_path: Path) -> None:
    ingested(tmp_path / "in")
    index = plate_index.read(tmp_path / "in")
    assert index is not None
    whole = Sites.read(tmp_path / "in")
    assert list(index.names) == whole.plates() == ["B/P1", "B/P10", "B/P2"]
    assert index.sites == (4, 4, 4)
    assert index.planes == (8, 8, 8)
    assert index.channels == ("DNA",)
    assert index.not_everywhere == {"ER": 2, "Mito": 1} == whole.not_everywhere
    assert index.told_not_everywhere() == "ER on 2 of 3 plates, Mito on 1 of 3 plates"
    assert len(index) == len(whole) == 12
    assert not index.is_remote
    assert not index.has_illumination
    assert pq.read_metadata(tmp_path / "in" / "images.parquet").num_row_groups == 3


@pytest.mark.parametrize("plate", ["B/P1", "B/P2", "B/P10"])
def test_the_sites_of_one_plate_are_those_of_all(plate: str, tmp_path: Path) -> None:
    ingested(tmp_path / "in")
    whole, own = Sites.read(tmp_path / "in"), Sites.read(tmp_path / "in", plate=plate)
    numbers = whole.of_plate(plate)
    assert own.plates() == [plate]
    assert own.of_plate(plate).tolist() == [0, 1, 2, 3]
    assert own.table.equals(whole.table.iloc[numbers].reset_index(drop=True))
    assert own.channels == whole.channels
    assert own.number(plate) == whole.number(plate)
    assert [own.name(i) for i in range(4)] == [whole.name(int(i)) for i in numbers]
    assert own.channels_of(own.of_plate(plate)) == whole.channels_of(numbers)


def test_only_the_rows_of_the_plate_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingested(tmp_path / "in")
    groups: list[int] = []
    real = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, i, **how: groups.append(i) or real(self, i, **how))
    Sites.read(tmp_path / "in", plate="B/P10")
    assert groups == [1]


def test_a_folder_of_an_earlier_version_is_read_whole(tmp_path: Path) -> None:
    table = ingested(tmp_path / "in")
    (tmp_path / "in" / "plates.parquet").unlink()
    assert plate_index.read(tmp_path / "in") is None
    assert Sites.read(tmp_path / "in", plate="B/P2").of_plate("B/P2").tolist() == [8, 9, 10, 11]
    plate_index.of_planes(table).to_parquet(tmp_path / "in" / "plates.parquet", index=False)
    whole = pd.read_parquet(tmp_path / "in" / "images.parquet")
    whole.to_parquet(tmp_path / "in" / "images.parquet")  # in one part, as another program would leave it
    assert plate_index.rows_of(tmp_path / "in", plate_index.read(tmp_path / "in"), "B/P2") is None
    assert len(Sites.read(tmp_path / "in", plate="B/P2").of_plate("B/P2")) == 4


def test_a_plate_that_is_not_there_is_named(tmp_path: Path) -> None:
    ingested(tmp_path / "in")
    with pytest.raises(InputError, match=r"no plate 'B/P3' \(did you mean"):
        Sites.read(tmp_path / "in", plate="B/P3")


def test_names_leave_out_what_is_not_known() -> None:
    frame = pd.DataFrame({"source": ["", ""], "batch": ["", ""], "plate": ["P1", "P2"]})
    assert plate_index.names_of(frame) == ["P1", "P2"]
    frame = pd.DataFrame({"source": ["", "A"], "batch": ["A", ""], "plate": ["P", "P"]})
    assert plate_index.names_of(frame) == ["/A/P", "A//P"]
    frame = pd.DataFrame({"source": ["", ""], "batch": ["", "A"], "plate": ["A/P", "P"]})
    assert plate_index.names_of(frame) == ["/A/P", "A/P"]


@pytest.mark.parametrize("damage", ["empty", "a column is gone", "a number is gone"])
def test_a_damaged_table_of_plates_is_a_sentence(damage: str, tmp_path: Path) -> None:
    ingested(tmp_path / "in")
    path = tmp_path / "in" / plate_index.FILE
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "a column is gone":
        pd.read_parquet(path).drop(columns="sites").to_parquet(path)
    else:
        pd.read_parquet(path).assign(planes=None).to_parquet(path)
    for read in (plate_index.read, plate_index.table)[: 1 if "number" in damage else 2]:
        with pytest.raises(InputError, match=r"plates\.parquet cannot be read as a table of plates .*ingest the plates again"):
            read(tmp_path / "in")
