"""Which plates are wanted: by name, source and type; a name that is not there, or is that of several, is one sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.datasets import layouts
from tests.loopback import Server

from impasto.datasets import choose
from impasto.datasets.choose import Wish
from impasto.datasets.registry import DataSet
from impasto.schema import InputError


def titles(name: str, sets: dict[str, DataSet], **wish: list[str]) -> list[str]:
    return [choose.title(row) for row in choose.chosen(name, sets[name], Wish(**wish))]


def test_plates_of_jump_by_source_type_and_name(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0016(server)
    assert titles("cpg0016", sets, sources=["source_4"]) == ["2021_04_26_Batch1/BR9", "2021_04_26_Batch1/BR8"]
    assert titles("cpg0016", sets, plate_types=["TARGET2"]) == ["2021_04_26_Batch1/BR9", "20210607_Batch_2/1053601763"]
    assert titles("cpg0016", sets, sources=["source_2"], plate_types=["TARGET2"], plates=["1053601763"]) == ["20210607_Batch_2/1053601763"]
    assert titles("cpg0016", sets, plates=["2021_04_26_Batch1/BR8"]) == ["2021_04_26_Batch1/BR8"]
    assert len(titles("cpg0016", sets, plates=["all"])) == 3
    with pytest.raises(InputError, match=r"--sources 'source_5' is none of cpg0016 .did you mean 'source_"):
        titles("cpg0016", sets, sources=["source_5"])
    with pytest.raises(InputError, match=r"cpg0016 has no plate 'BR7' .did you mean 'BR[89]'[?].; it has 3"):
        titles("cpg0016", sets, plates=["BR7"])


def test_filters_that_exclude_each_other_leave_no_plate(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0016(server)
    with pytest.raises(InputError, match="--plate-types 'ORF' is none of cpg0016; there are TARGET2"):
        titles("cpg0016", sets, sources=["source_2"], plate_types=["ORF"])


def test_without_a_plate_it_is_asked_which(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0016(server)
    with pytest.raises(
        InputError, match=r"say which plates of cpg0016: --plates P1,P2 .or all., --sources or --plate-types; it has 3: 2021"
    ):
        titles("cpg0016", sets)
    with pytest.raises(InputError, match=r"say which plates of bbbc021: --plates P1,P2 .or all.; it has 55: Week1_22123"):
        titles("bbbc021", sets)


def test_a_filter_that_a_set_does_not_have_is_refused(sets: dict[str, DataSet]) -> None:
    with pytest.raises(InputError, match="--sources is not for bbbc021: its plates do not say it"):
        titles("bbbc021", sets, sources=["source_4"])
    with pytest.raises(InputError, match="rxrx1 comes whole, not by plate"):
        titles("rxrx1", sets, plates=["1"])


def test_plates_from_the_lines_of_a_text_come_once(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.bbbc022(server)
    assert titles("bbbc022", sets, plates=["all"]) == ["20585", "20586"]


def test_a_plate_that_its_table_names_twice_is_one(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0012(server)
    path = next(server.root.rglob("barcode_platemap.csv"))
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    assert titles("cpg0012", sets, plates=["all"]) == ["CDRP/24277"]


def test_a_name_of_several_plates_asks_for_the_batch(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.rxrx19a(server)
    with pytest.raises(InputError, match="2 plates of rxrx19a are called '1'; write BATCH/PLATE, such as HRCE-1/1"):
        titles("rxrx19a", sets, plates=["1"])
    rows = choose.chosen("rxrx19a", sets["rxrx19a"], Wish(plates=["VERO-1/2"]))
    assert [(row["well"], row["site"]) for row in rows] == [("B02", "1"), ("B02", "2"), ("AA03", "1"), ("AA03", "2")]


def test_another_table_of_plates_is_refused(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0012(server)
    workspace = f"s3://{layouts.BUCKET}/cpg0012-wawer-bioactivecompoundprofiling/broad/workspace"
    layouts.served(server, f"{workspace}/metadata/platemaps/CDRP/barcode_platemap.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"has no column Assay_Plate_Barcode, Plate_Map_Name .it has a, b.; this is another table"):
        titles("cpg0012", sets, plates=["24277"])


@pytest.mark.parametrize(("members", "count"), [({}, 0), ({"a/x.csv": "a\n1\n", "y.csv": "a\n1\n"}, 2)])
def test_a_zip_holds_one_table(tmp_path: Path, members: dict[str, str], count: int) -> None:
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(InputError, match=f"holds {count} CSV tables, not one"):
        choose.table(tmp_path / "m.zip")


def test_what_a_mac_leaves_in_a_zip_is_no_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("m/metadata.csv", "a,b\n1,2\n")
        archive.writestr("__MACOSX/m/._metadata.csv", "x")
    assert choose.table(tmp_path / "m.zip").columns.tolist() == ["a", "b"]
    (tmp_path / "cut.zip").write_bytes((tmp_path / "m.zip").read_bytes()[:60])
    with pytest.raises(InputError, match=r"cut.zip cannot be read as a zip"):
        choose.table(tmp_path / "cut.zip")
