"""Bags are seeded and masked, and hold whole groups where no size is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.sampling.tables import wells

from impasto.sampling import bags
from impasto.schema import InputError


def test_bags_hold_whole_groups_or_seeded_parts_of_them() -> None:
    members = list(bags.groups(wells(replicates=6), by=["perturbation"]).values())
    rows, mask = bags.draw(members[:3], size=None, seed=[0])
    assert mask.all()
    assert sorted(rows[0].tolist()) == members[0].tolist()
    some, _ = bags.draw(members[:3], size=2, seed=[0, 1])
    again, _ = bags.draw(members[:3], size=2, seed=[0, 1])
    other, _ = bags.draw(members[:3], size=2, seed=[0, 2])
    np.testing.assert_array_equal(some, again)
    assert (some != other).any()
    uneven, mask = bags.draw([members[0], members[1][:1]], size=4, seed=[0])
    assert mask.sum(axis=1).tolist() == [4, 1]
    assert set(uneven[1]) == {members[1][0]}


def test_the_word_perturbation_means_replicates_and_an_unknown_well_is_in_no_bag() -> None:
    obs = pd.DataFrame(
        {
            "perturbation": ["a", "a", "a", "b", None, "", "c", "DMSO"],
            "concentration": [1, 1, 10, 5, 1, 1, 1, None],
            "inchikey": ["K", "K", "K", "K", None, None, None, None],
            "control_type": ["trt", "trt", "trt", "trt", "trt", "trt", "unknown", "negcon"],
        }
    )
    found = {name: rows.tolist() for name, rows in bags.groups(obs, by=["perturbation"]).items()}
    assert found == {"DMSO": [7], "a@1": [0, 1], "a@10": [2], "b": [3]}


def test_plates_are_told_apart_by_batch_and_a_row_without_a_value_is_in_no_bag() -> None:
    obs = pd.DataFrame(
        {"perturbation": list("aaaab"), "batch": list("xxyyx"), "plate": ["1", "1", "1", None, "1"], "moa": ["m", None, "m", "m", "n"]}
    )
    assert {n: r.tolist() for n, r in bags.groups(obs, by=["perturbation", "plate"]).items()} == {
        "a|x/1": [0, 1],
        "a|y/1": [2],
        "b|x/1": [4],
    }
    assert {n: r.tolist() for n, r in bags.groups(obs, by=["moa"]).items()} == {"m": [0, 2, 3], "n": [4]}
    with pytest.raises(InputError, match="cannot group by 'dose'"):
        bags.groups(obs, by=["dose"])
