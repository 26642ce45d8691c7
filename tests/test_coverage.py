"""Both directions of a platemap, counted by hand."""

from __future__ import annotations

import pandas as pd

from impasto import coverage


def obs() -> pd.DataFrame:
    return pd.DataFrame({"plate": ["P1", "P1", "P2", "P2"], "well": ["A01", "A02", "A01", "A03"]}).astype("string")


def test_by_plate_and_well() -> None:
    table = pd.DataFrame(
        {"plate": ["P1", "P1", "P2", "P9"], "well": ["A01", "B01", "A01", "A01"], "perturbation": ["x", "y", "z", "w"]}
    ).astype("string")
    made = coverage.of_join(obs(), table, ["plate", "well"])
    # P9 is no plate of the data, so its row is expected nowhere.
    assert made == coverage.Coverage(4, 2, 3, 2, ("P1 A02", "P2 A03"), ("P1 B01",))


def test_by_well_alone_every_plate_is_expected_to_have_each() -> None:
    table = pd.DataFrame({"well": ["A01", "A02"], "perturbation": ["x", "y"]}).astype("string")
    made = coverage.of_join(obs(), table, ["well"])
    assert made == coverage.Coverage(4, 3, 4, 3, ("P2 A03",), ("P2 A02",))


def test_empty_rows_fill_no_well_but_describe_one() -> None:
    table = pd.DataFrame({"well": ["A01", "A02", "A03"], "perturbation": ["x", None, None], "control_type": ["trt", None, "empty"]}).astype(
        "string"
    )
    made = coverage.of_join(obs(), table, ["well"])
    assert made is not None
    assert (made.described, made.rows, made.present) == (4, 2, 2)


def test_a_list_of_compounds_covers_no_wells() -> None:
    assert coverage.of_join(obs().assign(perturbation="x"), pd.DataFrame({"perturbation": ["x"]}), ["perturbation"]) is None


def test_five_are_named() -> None:
    data = pd.DataFrame({"plate": "P1", "well": [f"A{i:02d}" for i in range(1, 10)]}).astype("string")
    made = coverage.of_join(data, pd.DataFrame({"well": ["B01"], "perturbation": ["x"]}).astype("string"), ["well"])
    assert made is not None
    assert made.not_described == tuple(f"P1 A{i:02d}" for i in range(1, 6))
