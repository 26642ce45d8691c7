"""The fraction retrieved and its interval: control wells leave as well as perturbations, and every p-value is made again."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.screens import screen

from impasto import ranking, wells
from impasto.evaluation import permutation, replicates
from impasto.evaluation.layout import layout
from impasto.evaluation.retrieved import FALSE_DISCOVERY, METRIC, called
from impasto.schema import NEGCON


def _by_hand(p: list[float]) -> list[bool]:
    """Benjamini and Hochberg's step-up rule."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    passed = [rank for rank, i in enumerate(order, start=1) if p[i] < FALSE_DISCOVERY * rank / len(p)]
    return [i in order[: max(passed, default=0)] for i in range(len(p))]


@pytest.mark.parametrize("p", [[0.01, 0.02, 0.03, 0.06], [0.02, 0.03, 0.045, 0.06], [0.001, 0.5, 0.02, 0.03], [0.9, 0.8]])
def test_called_are_those_of_the_step_up_rule(p: list[float]) -> None:
    assert called(np.array(p)).tolist() == _by_hand(p)


def test_the_interval_leaves_out_groups_of_controls_plate_by_plate() -> None:
    data = screen(plates=2, wells=2, perturbations=10, active=8, controls=9, spared=9, width=4, effect=2.0)
    result = replicates.evaluate(data, draws=400, shuffles=0, with_baselines=False)
    row = result.scores.set_index("metric").loc[METRIC]
    assert (row["unit"], row["about"]) == ("perturbation and control well", "other perturbations and control wells")
    assert row["interval"] == "jackknife"
    left = result.left_out[(result.left_out["metric"] == METRIC) & (result.left_out["part"] > 0)]
    assert left.groupby("part").size().tolist() == [8, 8]
    where = layout(data.obs, level="any")
    vectors = ranking.unit(wells.finite(data, task="t"))
    names = result.per_group["perturbation"].astype(str).tolist()
    deal = np.empty(9, dtype=int)
    deal[np.random.default_rng(0).permutation(9)] = np.arange(9) % 8
    group = np.full(data.n_obs, -1)
    for code, plate in enumerate(sorted(where.controls)):
        own = where.controls[plate]
        group[own[np.argsort(data.obs["well"].astype(str).to_numpy()[own], kind="stable")]] = 8 * code + deal
    without = permutation.p_values_without(vectors, where, names, group, draws=400, seed=0)
    values = [np.mean(_by_hand(p.tolist())) for p in without.T]
    assert len(set(values)) > 1
    np.testing.assert_allclose(left["value"], values)
    # Each perturbation leaves by itself.
    flags = np.array(_by_hand(result.per_group["p_value"].tolist()))
    single = result.left_out[(result.left_out["metric"] == METRIC) & (result.left_out["part"] == 0)]["value"]
    assert sorted(single) == pytest.approx(sorted((flags.sum() - flags) / 9))
    assert 0 < row["value"] < 1
    assert row["low"] < row["value"] < row["high"]


def test_controls_of_plates_without_a_ranked_perturbation_are_no_part_of_it() -> None:
    data = screen(plates=3, wells=2, perturbations=8, active=4, controls=9, spared=9, width=4, effect=1.2)
    empty = (data.obs["plate"] == "P2").to_numpy() & (data.obs["control_type"] != NEGCON).to_numpy()
    result = replicates.evaluate(data[~empty].copy(), draws=99, shuffles=0, with_baselines=False)
    assert result.left_out.loc[result.left_out["metric"] == METRIC, "part"].nunique() == 3


def test_perturbations_on_other_plates_keep_their_p() -> None:
    """Half of the perturbations stand on the first plate alone: no group of the second plate's controls changes theirs."""
    data = screen(plates=2, wells=4, perturbations=8, active=8, controls=12, spared=12, width=6, effect=4.0)
    late = data.obs["perturbation"].isin([f"p{i:02d}" for i in range(4)]) & (data.obs["plate"] == "P1")
    result = replicates.evaluate(data[~late.to_numpy()].copy(), draws=400, shuffles=0, with_baselines=False)
    p = result.per_group["p_value"].to_numpy()
    assert (p[:4] < 0.02).all()
    left = result.left_out[(result.left_out["metric"] == METRIC) & (result.left_out["part"] == 2)]["value"]
    assert (left > 0.5).all()


def test_copairs_draws_its_null_from_no_control_so_the_interval_is_over_perturbations_and_says_so() -> None:
    data = screen(plates=2, wells=2, perturbations=8, active=4, controls=6, spared=6, width=4)
    row = replicates.evaluate(data, protocol="copairs", draws=200, shuffles=0, with_baselines=False).scores.set_index("metric").loc[METRIC]
    assert (row["unit"], row["interval"], row["about"]) == ("perturbation", "wilson", "other perturbations, the same controls")


def test_a_table_too_large_for_the_jackknife_says_that_its_controls_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.evaluation.replicate_scores.MOST_COMPARED", 0)
    data = screen(plates=2, wells=2, perturbations=8, active=4, controls=6, spared=6, width=4)
    row = replicates.evaluate(data, draws=200, shuffles=0, with_baselines=False).scores.set_index("metric").loc[METRIC]
    assert row["about"] == "other perturbations, the same controls"


def test_nothing_retrieved_has_an_honest_upper_end() -> None:
    data = screen(plates=2, wells=2, perturbations=10, controls=8, spared=8, width=4)
    row = replicates.evaluate(data, draws=99, shuffles=0, with_baselines=False).scores.set_index("metric").loc[METRIC]
    assert (row["value"], row["low"]) == (0.0, 0.0)
    assert row["high"] > 0.1
