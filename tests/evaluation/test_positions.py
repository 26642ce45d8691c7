"""Which spared wells play together, p2 from its equation, and what a run calls of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.evaluation.screens import screen

from impasto.evaluation import noise, positions, reproduction
from impasto.evaluation.design import Design, design
from impasto.evaluation.positions import Played
from impasto.evaluation.reproduction import Reproduction


def of(data) -> Design:
    return design(data, pool_doses=False, by_batch=False, seed=0)


def made(data, *, draws: int = 4000) -> tuple[Reproduction, Design, Played]:
    where = of(data)
    which = positions.played(where, seed=0)
    x = noise.centred(data.X, where, np.arange(data.n_obs))
    return reproduction.reproduction(x, where, [*where.members, *which.sets], draws=draws, seed=0), where, which


def test_spared_wells_of_one_position_play_where_perturbations_keep_theirs() -> None:
    data = screen(perturbations=4, controls=6, spared=3)
    which = positions.played(of(data), seed=0)
    assert [rows.tolist() for rows in which.sets] == [[4, 14, 24], [5, 15, 25], [6, 16, 26]]
    assert which.positions == 3
    one_lacks = data[[i for i in range(30) if i != 14]].copy()
    assert [len(rows) for rows in positions.played(of(one_lacks), seed=0).sets] == [2, 3, 3]


def test_two_wells_a_plate_at_kept_positions_are_played_by_position_too() -> None:
    which = positions.played(of(screen(perturbations=4, controls=6, spared=3, wells=2)), seed=0)
    assert [len(rows) for rows in which.sets] == [3, 3, 3]


def test_spared_wells_are_dealt_where_perturbations_change_position() -> None:
    data = screen(perturbations=4, controls=14, spared=12, scrambled=True)
    where = of(data)
    which = positions.played(where, seed=0)
    assert which.positions == len(which.sets) == 12
    for rows in which.sets:
        assert where.plate[rows].tolist() == [0, 1, 2]
        assert where.judging[rows].all()
    assert len(np.unique(np.concatenate(which.sets))) == 36
    assert [rows.tolist() for rows in positions.played(where, seed=1).sets] != [rows.tolist() for rows in which.sets]


def test_on_one_plate_as_many_wells_are_dealt_as_a_perturbation_has() -> None:
    which = positions.played(of(screen(plates=1, perturbations=4, controls=14, spared=11, wells=3)), seed=0)
    assert [len(rows) for rows in which.sets] == [3, 3, 3]


def test_plates_are_played_with_those_that_hold_the_same_perturbations() -> None:
    """Two sets of two plates, one compound on all four: the sets are played apart, each position in each."""
    first, second = (screen(perturbations=4, controls=6, spared=3, plates=2, seed=s) for s in (0, 1))
    second.obs["plate"] = second.obs["plate"].replace({"P0": "Q0", "P1": "Q1"})
    second.obs["perturbation"] = second.obs["perturbation"].replace({"p01": "q1", "p02": "q2", "p03": "q3"})
    import anndata

    both = anndata.concat([first, second], index_unique="-")
    where = of(both)
    which = positions.played(where, seed=0)
    assert [tuple(np.unique(where.plate[rows])) for rows in which.sets] == [(0, 1)] * 3 + [(2, 3)] * 3
    assert which.positions == 3


def test_p2_is_the_tail_of_t_written_out() -> None:
    values = np.random.default_rng(0).normal(size=14) * 0.2 + 0.1
    known = positions.spread(values, [3.0] * 14, positions=14)
    assert known is not None
    m, s = values.mean(), values.std(ddof=1)
    for size, k in ((3, 1.0), (6, np.sqrt(6 / 30)), (2, np.sqrt(6 / 2))):
        expected = 1 - stats.t.cdf((0.5 - m) / (s * k * np.sqrt(1 + 1 / 14)), 13)
        assert known.p_values(np.array([0.5]), np.array([size]))[0] == pytest.approx(expected)
    assert np.isnan(known.p_values(np.array([np.nan]), np.array([3]))[0])
    assert positions.spread(values[:11], [3.0] * 11, positions=11) is None
    assert positions.spread(values, [3.0] * 14, positions=11) is None


def test_played_sets_of_other_sizes_are_scaled_to_a_pair() -> None:
    rng = np.random.default_rng(1)
    sizes = np.repeat([2.0, 4.0], 4000)
    values = rng.normal(size=8000) / np.sqrt(sizes * (sizes - 1))
    known = positions.spread(values, sizes, positions=8000)
    assert known.deviation == pytest.approx(1.0, rel=0.05)


def test_where_all_spared_positions_agree_p2_is_nought_above_them() -> None:
    known = positions.spread(np.full(12, 0.25), [3.0] * 12, positions=12)
    assert known.p_values(np.array([0.5, 0.25, 0.1]), np.array([3.0, 3.0, 3.0])).tolist() == [0.0, 1.0, 1.0]


def test_p_is_the_larger_of_the_two() -> None:
    data = screen(perturbations=20, active=4, controls=30, spared=15, position=1.0)
    test, _, which = made(data)
    judged = positions.judge(test, 20, which)
    shown = positions.spread([test.statistic(20 + i, cosine=True) for i in range(15)], [3.0] * 15, positions=15)
    for j in range(20):
        assert judged.p1[j] == test.p_value(j)
        assert judged.statistic[j] == test.statistic(j, cosine=True)
        assert judged.p2[j] == pytest.approx(shown.p_values(np.array([judged.statistic[j]]), np.array([3.0]))[0])
        assert judged.p[j] == max(judged.p1[j], judged.p2[j])
    few = positions.judge(test, 20, Played(which.sets[:11], 11))
    assert np.isnan(few.p2).all()
    np.testing.assert_array_equal(few.p, few.p1)


def test_a_product_of_two_wells_is_judged_by_products_of_the_played() -> None:
    data = screen(perturbations=20, controls=30, spared=15)
    lost = np.flatnonzero((data.obs["perturbation"] == "p03") & (data.obs["plate"] == "P1"))
    data = data[np.setdiff1d(np.arange(data.n_obs), lost)].copy()
    test, _, which = made(data)
    judged = positions.judge(test, 20, which)
    products = positions.spread([test.statistic(20 + i, cosine=False) for i in range(15)], [3.0] * 15, positions=15)
    assert judged.statistic[3] == test.statistic(3, cosine=False)
    assert judged.p2[3] == pytest.approx(products.p_values(judged.statistic[[3]], np.array([2.0]))[0])


def test_each_spared_position_is_called_by_what_the_others_show() -> None:
    data = screen(perturbations=20, controls=30, spared=15, position=1.5)
    test, _, which = made(data)
    values = np.array([test.statistic(20 + i, cosine=True) for i in range(15)])
    expected = []
    for i in range(15):
        rest = np.delete(values, i)
        p2 = stats.t.sf((values[i] - rest.mean()) / (rest.std(ddof=1) * np.sqrt(1 + 1 / 14)), 13)
        expected.append(max(test.p_value(20 + i), p2) <= 0.05)
    assert positions.called(test, 20, which).tolist() == expected
    # Of twelve, each is judged by eleven others.
    assert positions.called(test, 20, Played(which.sets[:12], 12)).mean() < 0.3
    # Too few to learn from each other: p1 alone, which a position fools.
    assert positions.called(test, 20, Played(which.sets[:11], 11)).mean() > 0.5


def test_a_position_that_is_judged_is_none_of_those_that_judge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    test, _, which = made(screen(perturbations=20, controls=30, spared=15))
    asked = []
    plain = positions.spread

    def recorded(values: np.ndarray, sizes: np.ndarray, **counted: int):
        asked.append((len(values), counted["positions"], counted["fewest"]))
        return plain(values, sizes, **counted)

    monkeypatch.setattr(positions, "spread", recorded)
    # Fifteen sets that stand for thirteen positions, as where two groups of plates are played apart.
    positions.called(test, 20, Played(which.sets, 13))
    assert set(asked) == {(14, 12, 11)}


def test_a_position_effect_fools_p1_and_not_the_larger() -> None:
    p1, p = [], []
    for seed in range(8):
        test, _, which = made(screen(seed=seed, perturbations=30, controls=40, spared=20, position=0.7, width=30))
        judged = positions.judge(test, 30, which)
        p1.append((judged.p1 <= 0.05).mean())
        p.append((judged.p <= 0.05).mean())
    assert np.mean(p1) > 0.4
    assert np.mean(p) < 0.1


def test_a_table_without_wells_deals(tmp_path) -> None:
    data = screen(perturbations=4, controls=6, spared=3)
    data.obs = pd.DataFrame(data.obs.drop(columns="well"))
    assert [len(rows) for rows in positions.played(of(data), seed=0).sets] == [3, 3, 3]
