"""Pairs: two wells of one perturbation, another plate where that is preferred, seeded, refused with a count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.sampling.pairs import Pairs, PairSettings
from impasto.schema import InputError


def table() -> pd.DataFrame:
    """Three perturbations, each in two wells of one plate and one of another batch, two sites a well; and controls."""
    rows = [
        {"batch": f"B{plate // 2}", "plate": f"P{plate}", "well": well, "site": site, "perturbation": name, "control_type": kind}
        for name, kind, wells in (
            ("a", "trt", [(0, "A01"), (0, "A02"), (2, "A01")]),
            ("b", "trt", [(0, "B01"), (0, "B02"), (2, "B01")]),
            ("c", "trt", [(0, "C01"), (0, "C02"), (2, "C01")]),
            ("DMSO", "negcon", [(0, "D01"), (1, "D02")]),
            ("blank", "empty", [(0, "E01")]),
        )
        for plate, well in wells
        for site in ("1", "2")
    ]
    return pd.DataFrame(rows)


def drawn(settings: PairSettings, *, count: int = 400) -> tuple[Pairs, pd.DataFrame, list[tuple[int, int, int]]]:
    obs = table()
    pairs = Pairs.of(obs, settings)
    return pairs, obs, [pairs.draw(i % len(pairs), np.random.default_rng([1, i])) for i in range(count)]


def where(obs: pd.DataFrame, site: int) -> tuple[str, str]:
    return obs.loc[site, "plate"], obs.loc[site, "well"]


def test_anchor_and_target_are_two_wells_of_one_perturbation() -> None:
    pairs, obs, found = drawn(PairSettings())
    assert pairs.names == ["DMSO", "a", "b", "c"]
    for group, anchor, target in found:
        assert {obs.loc[anchor, "perturbation"], obs.loc[target, "perturbation"]} == {pairs.names[group]}
        assert where(obs, anchor) != where(obs, target)
    assert len({t for g, a, t in found if pairs.names[g] == "a"}) == 6


def test_a_single_well_pair_is_one_site_twice() -> None:
    _, _, found = drawn(PairSettings(wells="single"))
    assert all(anchor == target for _, anchor, target in found)


@pytest.mark.parametrize("prefer", ["plate", "batch"])
def test_another_plate_or_batch_is_taken_where_there_is_one(prefer: str) -> None:
    pairs, obs, found = drawn(PairSettings(prefer=prefer))
    for group, anchor, target in found:
        there_is_one = prefer == "plate" or pairs.names[group] != "DMSO"
        assert (obs.loc[anchor, prefer] != obs.loc[target, prefer]) == there_is_one


def test_an_epoch_of_sites_has_every_site_once_as_the_anchor() -> None:
    pairs = Pairs.of(table(), PairSettings(epoch="sites", repeats=2, controls=False))
    assert len(pairs) == 2 * 18
    for rows in pairs.passes():
        anchors = [pairs.draw(int(row), np.random.default_rng(0))[1] for row in rows]
        assert sorted(anchors) == list(range(18))


def test_an_epoch_of_perturbations_has_each_once_a_pass() -> None:
    pairs = Pairs.of(table(), PairSettings(repeats=3))
    assert len(pairs) == 12
    assert all(sorted(pairs.draw(int(r), np.random.default_rng(0))[0] for r in rows) == [0, 1, 2, 3] for rows in pairs.passes())


def test_a_lonely_well_is_refused_with_a_count_or_paired_with_itself() -> None:
    obs = table().query("perturbation != 'b' or (plate == 'P0' and well == 'B01')").reset_index(drop=True)
    with pytest.raises(InputError, match=r"1 of 4 perturbations have one well only \(first: 'b'\)"):
        Pairs.of(obs, PairSettings())
    pairs = Pairs.of(obs, PairSettings(lonely="same-well"))
    _, anchor, target = pairs.draw(pairs.names.index("b"), np.random.default_rng(0))
    assert where(obs, anchor) == where(obs, target) == ("P0", "B01")


def test_plates_of_one_name_are_two_places_and_the_rest_is_the_rule() -> None:
    """The oracle: every target of anchor 0, for each preference. Well A01 of plate 1 in batch x and in batch y are two wells."""
    rows = [("x", "1", "A01"), ("x", "1", "A02"), ("x", "2", "A01"), ("y", "1", "A01"), ("y", "1", "A01")]
    obs = pd.DataFrame(rows, columns=["batch", "plate", "well"]).assign(perturbation="a", site=list("11112"))
    allowed = {"any": {1, 2, 3, 4}, "plate": {2, 3, 4}, "batch": {3, 4}}
    for prefer, targets in allowed.items():
        pairs = Pairs.of(obs, PairSettings(prefer=prefer, epoch="sites"))
        drawn = [pairs.draw(0, np.random.default_rng(i)) for i in range(200)]
        assert {anchor for _, anchor, _ in drawn} == {0}
        assert {target for _, _, target in drawn} == targets
    several = [pairs.draw(0, np.random.default_rng(i))[2] for i in range(600)]
    assert abs(several.count(3) - 300) < 75  # two sites of one well: as often


def test_unknown_wells_and_doses() -> None:
    obs = table().assign(concentration=1.0)
    obs.loc[obs["perturbation"] == "a", "concentration"] = [1, 1, 1, 1, 10, 10]
    obs.loc[obs["perturbation"] == "b", "control_type"] = "unknown"
    pairs = Pairs.of(obs, PairSettings(lonely="same-well"))
    assert pairs.names == ["DMSO", "a@1", "a@10", "c"]


def test_wells_count_alike_however_many_sites_they_have() -> None:
    obs = pd.DataFrame({"plate": "p", "well": ["A01", *["A02"] * 9], "perturbation": "a", "site": list("1123456789")})
    pairs = Pairs.of(obs, PairSettings())
    anchors = [pairs.draw(0, np.random.default_rng(i))[1] for i in range(1000)]
    assert abs(anchors.count(0) - 500) < 60


def test_sites_without_a_perturbation_are_a_sentence() -> None:
    with pytest.raises(InputError, match="ingest the images with --platemap"):
        Pairs.of(table().drop(columns="perturbation"), PairSettings())


def test_only_the_rows_that_are_named_are_drawn() -> None:
    pairs = Pairs.of(table(), PairSettings(), among=range(1, 24, 2))
    assert {pairs.draw(i % len(pairs), np.random.default_rng(i))[1] % 2 for i in range(100)} == {1}


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_a_draw_is_a_function_of_its_generator(seed: int) -> None:
    pairs = Pairs.of(table(), PairSettings(prefer="plate"))
    assert pairs.draw(2, np.random.default_rng(seed)) == pairs.draw(2, np.random.default_rng(seed))
