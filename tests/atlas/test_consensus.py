"""Perturbations of wells by hand: compounds, doses, counts, and what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto.atlas import consensus

OBS = pd.DataFrame(
    [
        ("P1", "A01", "b", 1.0, "trt", None),
        ("P1", "A02", "b", 10.0, "trt", "kinase"),
        ("P2", "A01", "b", 1.0, "trt", "other"),
        ("P2", "A02", "a", 5.0, "trt", None),
        ("P2", "A03", "a", 5.0, "trt", None),
        ("P1", "A03", "DMSO", 0.1, "negcon", None),
        ("P2", "A04", "DMSO", 0.5, "negcon", None),
        ("P2", "A05", None, np.nan, "trt", None),
        ("P2", "A06", "c", 2.0, "unknown", None),
        ("P2", "A06", "e", np.nan, "empty", None),
    ],
    columns=["plate", "well", "perturbation", "concentration", "control_type", "moa"],
)


def test_a_compound_then_its_doses_and_controls_as_one() -> None:
    made = consensus.of_wells(OBS)
    rows = made.rows
    assert rows["perturbation"].tolist() == ["DMSO", "a", "b", "b", "b", "e"]
    assert rows["treatment"].tolist() == ["DMSO", "a", "b", "b@1", "b@10", "e"]
    assert rows["level"].tolist() == ["perturbation", "perturbation", "compound", "perturbation", "perturbation", "perturbation"]
    np.testing.assert_array_equal(rows["concentration"], [np.nan, np.nan, np.nan, 1.0, 10.0, np.nan])
    assert [own.tolist() for own in made.members] == [[5, 6], [3, 4], [0, 1, 2], [0, 2], [1], [9]]
    assert rows["n_wells"].tolist() == [2, 2, 3, 2, 1, 1]
    assert rows["n_plates"].tolist() == [2, 1, 2, 2, 1, 1]


def test_what_is_said_is_the_first_that_a_well_says() -> None:
    rows = consensus.of_wells(OBS).rows
    assert rows["moa"].tolist() == [None, None, "kinase", "other", "kinase", None]
    assert rows["control_type"].tolist() == ["negcon", "trt", "trt", "trt", "trt", "empty"]


def test_sites_of_a_well_are_one_well() -> None:
    sites = pd.concat([OBS.assign(site="1"), OBS.assign(site="2")], ignore_index=True)
    assert consensus.of_wells(sites).rows["n_wells"].tolist() == [2, 2, 3, 2, 1, 1]


def test_the_mean_is_over_the_wells_in_double_precision() -> None:
    values = np.random.default_rng(0).normal(size=(len(OBS), 130)).astype(np.float32)
    made = consensus.of_wells(OBS)
    by_hand = np.stack([values[own].astype(np.float64).mean(axis=0) for own in made.members])
    np.testing.assert_allclose(made.mean(values), by_hand, atol=1e-7)


def test_names_that_differ_in_their_dose_alone_are_one_compound() -> None:
    obs = pd.DataFrame({"perturbation": ["AZ@1uM", "AZ@3uM", "AZ@3uM"], "control_type": "trt", "plate": "P", "well": ["A01", "A02", "A03"]})
    rows = consensus.of_wells(obs).rows
    assert rows["perturbation"].tolist() == ["AZ"] * 3
    assert rows["treatment"].tolist() == ["AZ", "AZ@1uM", "AZ@3uM"]


def test_a_table_without_perturbations_has_none() -> None:
    made = consensus.of_wells(pd.DataFrame({"plate": ["P"]}))
    assert (len(made.rows), made.members) == (0, [])
    assert made.mean(np.ones((1, 3), dtype=np.float32)).shape == (0, 3)
