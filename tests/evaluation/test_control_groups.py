"""Controls as a second sample: whole groups of a plate's wells, by their place and never by their row; those that play leave as wholes."""

from __future__ import annotations

import numpy as np
from tests.evaluation.screens import screen

from impasto.evaluation import control_groups
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.statistics import jackknife


def test_the_wells_of_a_plate_fall_into_eight_groups_that_follow_their_place() -> None:
    data = screen(controls=28, spared=20)
    order = np.random.default_rng(0).permutation(data.n_obs)
    of_well = []
    for table in (data, data[order].copy()):
        sets = replicate_sets(table.obs, task="t", pool_doses=False, least=2, with_controls=True)
        group = control_groups.of_wells(sets, seed=3)
        spared = table.obs["spared"].to_numpy(dtype=bool)
        assert (group >= 0).tolist() == spared.tolist()
        assert set(group[~spared]) == {-1}
        for number, plate in enumerate(sets.plates):
            own = group[spared & (sets.plate == number)]
            assert set(own) == set(range(8 * number, 8 * number + 8)), plate
            assert sorted(np.bincount(own - 8 * number)) == [2, 2, 2, 2, 3, 3, 3, 3]
        of_well.append(dict(zip(zip(table.obs["plate"], table.obs["well"], strict=True), group, strict=True)))
    assert of_well[0] == of_well[1]


def test_a_score_without_each_group_stands_plate_by_plate() -> None:
    group = np.array([-1, 0, 0, 1, 8, 9, 9, 17])
    strata = control_groups.left_out(0.5, lambda number: float(number), group)
    assert [left.single.tolist() for left in strata] == [[0.0, 1.0], [8.0, 9.0], [17.0]]
    assert [left.units for left in strata] == [3, 3, 1]
    assert {left.stratum_of for left in strata} == {"control well"}
    assert all(left.whole == 0.5 and left.pair is None for left in strata)


def test_controls_that_play_leave_once_each() -> None:
    asked: list[np.ndarray] = []

    def without(stays: np.ndarray) -> float:
        asked.append(stays)
        return float(stays.sum())

    left = control_groups.played(1.0, without, 24, seed=0)
    assert sum(~stays for stays in asked).tolist() == [1] * 24  # type: ignore[attr-defined]
    assert sorted(left.single.tolist()) == [22.0] * 4 + [23.0] * 16
    assert left.units == 24
    assert [a.tolist() for a in asked] == [s.tolist() for s in control_groups.stays(24, seed=0)]


def test_groups_of_a_table_known_plate_by_plate_follow_its_order() -> None:
    """Nine controls of one plate and two of another: plates are numbered by their names, rows dealt in the order that is given."""
    controls = {"Q": np.array([3, 1]), "P": np.arange(4, 13)}
    order = np.arange(20)[::-1]
    group = control_groups.of_layout(controls, order, seed=2)
    dealt = {count: jackknife.deal(count, seed=2, most=8) for count in (2, 9)}
    expected = np.full(20, -1)
    expected[np.arange(12, 3, -1)] = dealt[9]
    expected[[3, 1]] = 8 + dealt[2]
    assert group.tolist() == expected.tolist()
