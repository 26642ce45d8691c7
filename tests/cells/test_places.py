from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from impasto.cells import places
from impasto.schema import InputError


class Images:
    where = "here"

    def __init__(self, **columns: list[object]) -> None:
        self.table = pd.DataFrame(columns)

    def images(self, columns: Mapping[str, str]) -> pd.DataFrame:
        return self.table.copy()


def test_images_are_sorted_by_rows_of_wells_and_numbers_of_sites() -> None:
    runs = [
        Images(plate=["P"] * 4, well=["B01", "A10", "A02", "A02"], site=["1", "1", "10", "9"]),
        Images(plate=["P"], well=["AA01"], site=["1"]),
    ]
    images, notes = places.of_runs(runs, {})  # type: ignore[arg-type]
    assert [*zip(images["well"], images["site"], strict=True)] == [("A02", "9"), ("A02", "10"), ("A10", "1"), ("B01", "1"), ("AA01", "1")]
    assert images[places.RUN].tolist() == [0, 0, 0, 0, 1]
    assert images[places.ROW].tolist() == [3, 2, 1, 0, 0]
    assert notes == []


def test_sites_that_are_not_named_are_numbered_and_said() -> None:
    images, notes = places.of_runs([Images(plate=["P"] * 3, well=["A01", "A01", "A02"])], {})  # type: ignore[list-item]
    assert images["site"].tolist() == ["1", "2", "1"]
    assert "the site of 3 images is not named" in notes[0]


def test_two_images_of_one_place_and_missing_columns_are_refused() -> None:
    with pytest.raises(InputError, match=r"2 images share their plate, well and site \(first: plate P, well A01, site 1\)"):
        places.of_runs([Images(plate=["P"] * 2, well=["A01"] * 2, site=["1", "1"])], {})  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"no column of its images says the well .*--set columns.well=NAME"):
        places.of_runs([Images(plate=["P"])], {})  # type: ignore[list-item]


def test_images_without_a_well_are_left_out_and_counted() -> None:
    images, notes = places.of_runs([Images(plate=["P", "P"], well=["A01", None])], {})  # type: ignore[list-item]
    assert len(images) == 1
    assert notes[0] == "left out: 1 images whose plate or well is not named"
