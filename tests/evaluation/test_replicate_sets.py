"""The wells of each perturbation, shuffles that keep every well on its plate, and controls that play."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.screens import screen
from tests.evaluation.small import plates

from impasto.evaluation.replicate_sets import replicate_sets
from impasto.schema import InputError
from impasto.statistics.interval import wilson


def test_members_patterns_and_controls_are_those_of_the_table() -> None:
    obs = plates().obs
    sets = replicate_sets(obs, task="x", pool_doses=False, least=2, with_controls=True)
    assert sets.names == list("abcd")
    for name, rows, pattern in zip(sets.names, sets.members, sets.patterns, strict=True):
        assert set(obs["perturbation"].iloc[rows]) == {name}
        assert len(rows) == 6
        assert pattern == (0, 0, 1, 1, 2, 2)
    assert sets.controls.sum() == 18
    assert sets.treated.sum() == 24
    assert replicate_sets(plates(doses=True).obs, task="x", pool_doses=False, least=3, with_controls=False).names == [
        f"{name}@{dose}" for name in "abcd" for dose in (1, 10)
    ]


def test_shuffled_wells_stay_on_their_plate_and_are_treated() -> None:
    sets = replicate_sets(plates().obs, task="x", pool_doses=False, least=2, with_controls=True)
    given = sets.shuffled(np.random.default_rng(0))
    assert sorted(given) == list(range(54))
    assert (sets.plate[given] == sets.plate).all()
    assert (given[~sets.treated] == np.flatnonzero(~sets.treated)).all()
    assert (given != np.arange(54)).any()


def test_spared_controls_alone_judge_and_play_by_position() -> None:
    data = screen(plates=3, controls=28, spared=14)
    sets = replicate_sets(data.obs, task="x", pool_doses=False, least=2, with_controls=True)
    assert sets.controls.sum() == 3 * 14
    played = sets.played_by_controls(seed=0)
    assert len(played) == 14
    for rows in played:
        assert data.obs["well"].iloc[rows].nunique() == 1
        assert data.obs["plate"].iloc[rows].nunique() == 3
        assert data.obs["spared"].iloc[rows].all()


def test_intervals_are_wilsons_or_over_compounds_where_one_has_doses() -> None:
    one = replicate_sets(screen().obs, task="x", pool_doses=False, least=2, with_controls=True)
    flags = np.arange(24) < 6
    assert one.share(flags, seed=0) == wilson(6, 24, unit="perturbation")
    data = screen()
    data.obs["concentration"] = np.where(data.obs["plate"] == "P0", 1.0, 10.0)
    several = replicate_sets(data.obs, task="x", pool_doses=False, least=1, with_controls=True)
    assert (len(several.names), len(several.units)) == (48, 24)
    assert several.share(np.arange(48) < 6, seed=0).method == "jackknife"
    part = one.part(np.array([3, 5]))
    assert part.names == ["p03", "p05"]
    assert len(part.units) == 2


@pytest.mark.parametrize(
    ("least", "controls", "sentence"),
    [(7, True, "7 wells or more on plates with negative controls, and the largest has 6"),
     (2, True, "negative controls, and none")],
)  # fmt: skip
def test_too_few_wells_or_no_controls_is_one_sentence(least: int, controls: bool, sentence: str) -> None:
    obs = plates().obs
    if least == 2:
        obs["control_type"] = obs["control_type"].replace("negcon", "trt")
    with pytest.raises(InputError, match=sentence):
        replicate_sets(obs, task="x", pool_doses=False, least=least, with_controls=controls)
