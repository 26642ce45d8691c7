"""What a plate is called: its own name, its index, its prefix or its folder, and the batch of a plate in two folders."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.plates.frames import table

from impasto.plates import plate_names
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("base", "folder"),
    [
        ("/d/BR1/Images", "BR1"),
        ("/d/BR1/TimePoint_1/ZStep_2", "BR1"),
        ("/d/BR1/Measurement 1", "BR1"),
        ("/Images", "Images"),
        ("/", "plate"),
    ],
)
def test_the_folder_of_a_plate_is_the_nearest_that_says_something(base: str, folder: str) -> None:
    assert plate_names.folder_of_plate(base) == folder


def test_a_measurement_is_taken_off_a_name() -> None:
    assert plate_names.without_measurement("BR1__2021-05-02T16_02_51-Measurement 1") == "BR1"
    assert plate_names.without_measurement("BR1__2021") == "BR1__2021"


def test_a_plate_is_named_by_itself_its_index_its_prefix_or_its_folder() -> None:
    frame = table(
        plate=["own", "", "", "", "", ""],
        base=["/d/F1", "/d/F2", "/d/F3", "/d/F3", "/d/F4__2021-05-02T16_02_51-Measurement 1", "/d/F5"],
        prefix=["", "", "x", "y", "z", ""],
        plate_id=["ID1", "ID2", "", "", "", "F5"],
    )
    named, reasons = plate_names.named(frame)
    assert named["plate"].astype(str).tolist() == ["own", "ID2", "x", "y", "F4", "F5"]
    assert reasons == [
        "/d/F3: plates are named by the beginnings of its names, of which it has several (--plate-from folder)",
        "plate ID2: named by the microscope's index (--plate-from folder for F2)",
    ]
    named, reasons = plate_names.named(frame[4:5].reset_index(drop=True), plate_from="measurement")
    assert named["plate"].tolist() == ["F4__2021-05-02T16_02_51-Measurement 1"]
    assert reasons == []
    with pytest.raises(InputError, match="--plate-from index: /d/F3 has none"):
        plate_names.named(frame, plate_from="index")


def test_an_identity_that_was_copied_with_a_protocol_names_no_plate() -> None:
    frame = table(plate=["", "", ""], base=["/d/F1", "/d/F2", "/d/F2"], plate_id=["ID"] * 3)
    named, reasons = plate_names.named(frame)
    assert named["plate"].astype(str).tolist() == ["F1", "F2", "F2"]
    assert "several folders say PlateID ID" in reasons[0]


def test_names_follow_the_tables_of_the_user_where_they_know_another_one() -> None:
    frame = table(plate=["ID1", "Plate03", "F9"], base=["/d/F1", "/d/F3", "/d/F9"], plate_id=["ID1", "", ""])
    spelled, notes = plate_names.spelled_as(frame, {"F1", "3"})
    assert spelled["plate"].astype(str).tolist() == ["F1", "3", "F9"]
    assert notes == ["2 plates are named as the platemap names them (first: ID1 is F1)"]
    # Two other names of one plate say nothing.
    twice, notes = plate_names.spelled_as(table(plate=["ID1"], base=["/d/F1"], prefix=["pre"], plate_id=["ID1"]), {"F1", "pre"})
    assert (twice["plate"].tolist(), notes) == (["ID1"], [])
    assert plate_names.spelled_as(frame, {"ID1", "F1"})[1] == []


def test_a_plate_in_two_folders_is_of_two_batches() -> None:
    frame = table(plate=["P1", "P1", "P2"], base=["/d/monday/P1/Images", "/d/friday/P1", "/d/friday/P2"])
    batched, notes = plate_names.batches(frame)
    assert batched["batch"].astype(str).tolist() == ["monday", "friday", ""]
    assert notes == ["plate P1 lies in 2 folders: its batches are friday, monday"]
    own, notes = plate_names.batches(table(plate=["P1", "P1"], batch=["B1", "B2"], base=["/d/monday/P1", "/d/friday/P1"]))
    assert own["batch"].astype(str).tolist() == ["B1", "B2"]
    assert notes == []


def test_the_gallery_says_source_and_batch() -> None:
    base = "/m/cpg0016-jump/source_4/images/2021_04_26_Batch1/images/BR1/Images"
    named, notes = plate_names.batches(table(plate=["BR1"], base=[base]))
    assert (named["source"].tolist(), named["batch"].tolist()) == (["source_4"], ["2021_04_26_Batch1"])
    assert "from the folders of the Cell Painting Gallery" in notes[0]


def test_many_notes_are_three_and_a_count() -> None:
    frame = table(plate=[""] * 6, base=[f"/d/F{n}" for n in range(6)], plate_id=[f"ID{n}" for n in range(6)])
    notes = plate_names.named(frame)[1]
    assert len(notes) == 4
    assert notes[-1] == "... and 3 more plates so"
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        ([], []),
        (["a", "b", "c"], ["a", "b", "c"]),
        (["a", "b", "c", "d"], ["a", "b", "c", "... and 1 more plates so"]),
        (["a", "b", "c", "d", "e", "f"], ["a", "b", "c", "... and 3 more plates so"]),
    ],
)
def test_three_notes_are_shown_and_the_others_counted(notes: list[str], shown: list[str]) -> None:
    assert plate_names._few(notes) == shown


@pytest.mark.parametrize(
    ("folder", "plate"),
    [
        *((when, "P1") for when in ("24h", "48 hrs", "day 2", "20240301", "2024-03-01", "2024-03-01_run2", "t72h")),
        *((name, name) for name in ("1001", "A24h", "20249901", "2024", "P2")),
    ],
)
def test_a_folder_that_is_a_time_names_no_plate_where_files_and_a_folder_above_say_its_name(folder: str, plate: str) -> None:
    named, _ = plate_names.named(table(plate=[""], base=[f"/d/P1/{folder}"], prefix=["P1"]))
    assert named["plate"].tolist() == [plate]
    # The name of the files alone, or the folder alone, says nothing.
    for base, prefix in ((f"/d/P3/{folder}", "P1"), (f"/d/P1/{folder}", "")):
        assert plate_names.named(table(plate=[""], base=[base], prefix=[prefix]))[0]["plate"].tolist() == [folder]
