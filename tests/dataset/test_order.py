"""Plates by source, batch and plate; rows by well and site; a file's name for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import plates

from impasto.dataset import order
from impasto.dataset.order import Key
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("key", "file"),
    [
        (Key("source_4", "2020_11_04", "BR1"), "members/source_4/2020_11_04/BR1.parquet"),
        (Key("", "", "BR1"), "members/_/_/BR1.parquet"),
        (Key("_", "a/b", ".."), "members/%5F/a%2Fb/%2E..parquet"),
        (Key("nul", "a.", "con"), "members/%6Eul/a%2E/%63on.parquet"),
        (Key("", "Woche 1", "Plättchen%"), "members/_/Woche 1/Pl%C3%A4ttchen%25.parquet"),
    ],
)
def test_names_of_files(key: Key, file: str) -> None:
    assert order.file_of(key) == file
    assert ".." not in order.file_of(key).split("/")


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(InputError, match="has 300 letters, at most 140"):
        order.file_of(Key("", "", "x" * 300))


def test_plates_of_one_name_in_two_sources_are_two() -> None:
    obs = pd.DataFrame({"source": ["B", "A", "A", None], "plate": ["1", "1", "2", "1"]})
    codes, keys = order.codes_of(obs, task="test")
    assert keys == [Key("", "", "1"), Key("A", "", "1"), Key("A", "", "2"), Key("B", "", "1")]
    assert codes.tolist() == [3, 1, 2, 0]
    assert [key.name for key in keys] == ["1", "A/1", "A/2", "B/1"]


def test_rows_without_a_plate_are_refused_unless_they_may_be_one() -> None:
    obs = pd.DataFrame({"plate": ["1", "", None]})
    with pytest.raises(InputError, match="2 of 3 rows name no plate"):
        order.codes_of(obs, task="test")
    assert order.codes_of(obs, task="test", named=False)[0].tolist() == [1, 0, 0]
    with pytest.raises(InputError, match="needs the column 'plate'"):
        order.codes_of(pd.DataFrame({"well": ["A01"]}), task="test")
    with pytest.raises(InputError, match="stand on 2"):
        order.key_of(pd.DataFrame({"plate": ["1", "2"]}))


def test_rows_are_sorted_by_well_then_by_the_number_of_the_site() -> None:
    obs = pd.DataFrame({"well": ["B01", "A01", "A01", "A01"], "site": ["1", "10", "2", "2"], "object": [1, 1, 7, 3]})
    assert order.sorted_rows(obs).tolist() == [3, 2, 1, 0]
    assert order.sorted_rows(obs[["well"]]).tolist() == [1, 2, 3, 0]
    assert order.sorted_rows(pd.DataFrame({"gene": ["b", "a"]})).tolist() == [0, 1]


def test_the_plates_of_a_shuffled_table_are_those_of_the_table() -> None:
    data = plates(plates=3)
    shuffled = data[np.random.default_rng(0).permutation(data.n_obs)].copy()
    for own, other in zip(order.plates_of(data), order.plates_of(shuffled), strict=True):
        np.testing.assert_array_equal(own.X, other.X)
        assert own.obs["well"].tolist() == other.obs["well"].tolist() == sorted(own.obs["well"])
    alone = next(order.plates_of(data))
    assert next(order.plates_of(alone)) is alone
