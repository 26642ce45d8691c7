"""Differential features: effect and p by hand, their family, the null of control positions, and when nothing is called."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen
from tests.statistics.test_rank_sums import naive

from impasto import identity
from impasto.evaluation import control_groups
from impasto.evaluation.differential_features import evaluate
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.schema import InputError


def test_effect_p_and_q_are_by_hand() -> None:
    data = screen(plates=2, perturbations=3, active=1, controls=6, spared=6, width=4, effect=3.0)
    result = evaluate(data)
    table = result.tables["features"]
    obs, x = data.obs, data.X.astype(np.float64)
    for name in ("p00", "p02"):
        own = table[table["perturbation"] == name].set_index("feature")
        for number, feature in enumerate(data.var_names):
            sides, effects = [], []
            for plate in ("P0", "P1"):
                here = (obs["plate"] == plate).to_numpy()
                treated = x[here & (obs["perturbation"] == name).to_numpy(), number]
                controls = x[here & (obs["control_type"] == "negcon").to_numpy(), number]
                sides.append((treated, controls))
                spread = 1.4826 * np.median(np.abs(controls - np.median(controls)))
                effects.append((treated.mean() - np.median(controls)) / spread)
            assert own.loc[feature, "p"] == pytest.approx(naive(sides))
            assert own.loc[feature, "effect"] == pytest.approx(np.mean(effects), rel=1e-3)
    np.testing.assert_allclose(table["q"], stats.false_discovery_control(table["p"]))
    apart = evaluate(data, family="perturbation").tables["features"]
    for _, own in apart.groupby("perturbation"):
        np.testing.assert_allclose(own["q"], stats.false_discovery_control(own["p"]))
    assert result.per_group["floor"].tolist() == pytest.approx([2 / 49] * 3)


def test_planted_features_are_called_and_inert_ones_are_not() -> None:
    data = screen(perturbations=20, controls=30, spared=30, width=40)
    acting = np.isin(data.obs["perturbation"], ["p00", "p01", "p02", "p03"])
    data.X[np.ix_(acting, range(10))] += 6
    result = evaluate(data)
    table = result.tables["features"]
    features = list(data.var_names[:10])
    planted = table["perturbation"].isin(["p00", "p01", "p02", "p03"]) & table["feature"].isin(features)
    assert table.loc[planted, "called"].mean() > 0.9
    assert table.loc[~planted, "called"].mean() < 0.01
    assert (table.loc[planted, "effect"] > 2).all()
    score = {s.metric: s for s in rows(result) if s.group == "profiles"}
    called = table["called"].to_numpy().reshape(20, 40)
    assert score["mean share of features called"].value == pytest.approx(called.mean())
    assert score["share of perturbations with a called feature"].value == pytest.approx(called.any(axis=1).mean())
    assert result.per_group["called"].tolist() == called.sum(axis=1).tolist()


def test_control_positions_hold_their_level_and_show_what_a_position_does() -> None:
    inert = [s for seed in range(5) for s in rows(evaluate(screen(seed=seed, controls=20, spared=20))) if s.group == "control positions"]
    assert np.mean([s.value for s in inert]) == pytest.approx(0.045, abs=0.03)
    assert all(s.chance == 0.05 and s.n == 20 and s.unit == "position" for s in inert)


def test_a_run_that_is_not_calibrated_calls_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    moved = evaluate(screen(controls=20, spared=20, position=3.0))
    assert "called" not in moved.tables["features"]
    assert set(moved.scores["group"]) == {"control positions"}
    assert moved.scores["protocol"].str.endswith("NOT CALIBRATED").all()
    learned = screen(whole=True)
    identity.record_step(learned, {"method": "standardize"})
    assert "called" not in evaluate(learned).tables["features"]
    said = " ".join(capsys.readouterr().out.split())
    assert "in control positions" in said
    assert "a correction learned from all negative controls" in said


def test_constant_features_one_well_and_wrong_names() -> None:
    data = screen(plates=1, perturbations=4, controls=14, spared=14)
    data.X[:, 0] = 2
    table = evaluate(data).tables["features"]
    constant = table[table["feature"] == data.var_names[0]]
    assert (constant["p"] == 1).all()
    assert (constant["effect"] == 0).all()
    assert not table["called"].any()
    only = evaluate(data, perturbations=["p02"])
    assert set(only.tables["features"]["perturbation"]) == {"p02"}
    with pytest.raises(InputError, match="no perturbation 'p2'"):
        evaluate(data, perturbations=["p2"])
    with pytest.raises(InputError, match="rate is 2"):
        evaluate(data, rate=2.0)


@pytest.mark.parametrize("family", ["run", "perturbation"])
def test_the_interval_leaves_out_groups_of_control_wells(family: str) -> None:
    data = screen(plates=2, perturbations=8, active=8, controls=20, spared=20, width=5, effect=2.0)
    result = evaluate(data, family=family)
    score = rows(result)[0]
    assert score.unit == "perturbation and control well"
    left = result.left_out[(result.left_out["metric"] == score.metric) & (result.left_out["part"] > 0)]
    assert left.groupby("part").size().tolist() == [8, 8]
    sets = replicate_sets(data.obs, task="t", pool_doses=False, least=1, with_controls=True)
    group = control_groups.of_wells(sets, seed=0)
    for number in (2, 9):
        fewer = evaluate(data[group != number].copy(), family=family).tables["features"]
        stratum, place = divmod(number, 8)
        assert left[left["part"] == 1 + stratum]["value"].iloc[place] == pytest.approx(fewer["called"].mean())
