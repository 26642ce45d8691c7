"""Saturation: each number of plates against `replicates` on those plates alone; steps that are paired; what cannot grow."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen

from impasto.correction.steps import correct
from impasto.evaluation import control_groups, replicates
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.evaluation.saturation import evaluate
from impasto.schema import InputError


def test_a_number_of_plates_is_the_mean_over_the_tables_of_those_plates() -> None:
    data = screen(perturbations=12, active=6, controls=12, spared=12, effect=1.0)
    result = evaluate(data, subsets=10, draws=199, with_baselines=False)
    value = {(s.protocol[:8], s.metric): s for s in rows(result)}
    alone = []
    for pair in (("P0", "P1"), ("P0", "P2"), ("P1", "P2")):
        part = data[data.obs["plate"].isin(pair).to_numpy()].copy()
        alone.append(rows(replicates.evaluate(part, shuffles=0, with_baselines=False))[0].value)
    assert value["2 plates", "mAP"].value == pytest.approx(np.mean(alone))
    whole = rows(replicates.evaluate(data, shuffles=0, with_baselines=False))[0]
    assert value["3 plates", "mAP"].value == pytest.approx(whole.value)
    assert value["3 plates", "mAP"].chance == pytest.approx(whole.chance)
    step = value["3 plates", "mAP, step from 2 plates"]
    assert step.value == pytest.approx(whole.value - np.mean(alone))
    assert step.low < step.value < step.high  # type: ignore[operator]
    assert result.per_group.groupby("plates")["mAP"].mean().tolist() == pytest.approx([np.mean(alone), whole.value])


def test_the_share_retrieved_grows_where_there_is_something_and_not_under_shuffled_labels() -> None:
    data = screen(plates=4, perturbations=30, active=15, controls=16, spared=16, width=20, effect=1.5)
    scores = {(s.group, s.protocol[0], s.metric): s.value for s in rows(evaluate(data, draws=999, subsets=3))}
    own = [scores["profiles", n, "share retrieved"] for n in "234"]
    assert own[0] < own[2]
    assert own[2] > 0.4
    assert all(scores["shuffled labels", n, "share retrieved"] < 0.1 for n in "234")


def test_plates_of_other_layouts_are_chosen_apart() -> None:
    one, other = screen(perturbations=8, active=8), screen(seed=1, plates=2, perturbations=8, active=8)
    other.obs["perturbation"] = other.obs["perturbation"].astype(str).replace({f"p{i:02d}": f"q{i}" for i in range(8)})
    other.obs["plate"] = "Q" + other.obs["plate"].astype(str)
    both = anndata.concat([one, other], index_unique="-")
    assert set(evaluate(both, draws=99, with_baselines=False).scores["n"]) == {16}
    assert set(evaluate(both, draws=99, most=3, with_baselines=False).scores["n"]) == {8}


def test_one_plate_is_a_sentence() -> None:
    with pytest.raises(InputError, match="needs perturbations of 2 wells"):
        evaluate(screen(plates=1))
    with pytest.raises(InputError, match="no perturbation stands on 2 plates"):
        evaluate(screen(plates=1, wells=2))
    with pytest.raises(InputError, match="no perturbation stands on 5 plates"):
        evaluate(screen(), most=5)
    with pytest.raises(InputError, match="subsets is 0"):
        evaluate(screen(), subsets=0)


def test_where_no_control_can_judge_nothing_counts_as_retrieved(capsys: pytest.CaptureFixture[str]) -> None:
    data = screen(perturbations=24, active=12, controls=16, whole=True)
    corrected, _, _ = correct(data, ["standardize"], spare=0.0)
    result = evaluate(corrected, draws=99, with_baselines=False)
    assert result.scores["protocol"].str.endswith("NOT CALIBRATED").all()
    assert set(result.scores["metric"]) == {"mAP", "mAP, step from 2 plates"}
    assert "share retrieved" not in result.per_group
    assert "nothing counts as retrieved: a correction learned from all negative controls" in " ".join(capsys.readouterr().out.split())
    spared, _, _ = correct(data, ["standardize"], spare=0.5)
    assert "share retrieved" in set(evaluate(spared, draws=99, with_baselines=False).scores["metric"])


def test_the_interval_leaves_out_groups_of_control_wells_as_tables_without_them() -> None:
    data = screen(plates=2, perturbations=10, active=10, controls=18, spared=18, width=6, effect=1.0)
    result = evaluate(data, draws=399, with_baselines=False)
    found = result.left_out
    sets = replicate_sets(data.obs, task="t", pool_doses=False, least=2, with_controls=True)
    group = control_groups.of_wells(sets, seed=0)
    # Which group of a plate is which is a matter of order: as sets they are the same.
    for metric, tolerance in (("mAP", 1e-6), ("share retrieved", 0.21)):
        left = found[(found["metric"] == metric) & (found["part"] > 0)]
        assert left.groupby("part").size().tolist() == [8, 8]
        for plate in (0, 1):
            scores = []
            for number in range(8 * plate, 8 * plate + 8):
                fewer = evaluate(data[group != number].copy(), draws=399, with_baselines=False)
                scores.append(fewer.scores.loc[fewer.scores["metric"] == metric, "value"].iloc[0])
            np.testing.assert_allclose(sorted(left.loc[left["part"] == 1 + plate, "value"]), sorted(scores), atol=tolerance)
    assert {s.unit for s in rows(result)} == {"perturbation and control well"}


def test_a_group_of_control_wells_leaves_every_choice_of_plates() -> None:
    data = screen(plates=3, perturbations=8, active=8, controls=10, spared=10, width=6, effect=1.0)
    left_out = evaluate(data, draws=19, subsets=3, with_baselines=False).left_out
    sets = replicate_sets(data.obs, task="t", pool_doses=False, least=2, with_controls=True)
    group = control_groups.of_wells(sets, seed=0)
    scores = [evaluate(data[group != number].copy(), draws=19, subsets=3, with_baselines=False).scores for number in range(8, 16)]
    for plates in ("2 plates", "3 plates"):
        expected = [s.loc[(s["metric"] == "mAP") & s["protocol"].str.startswith(plates), "value"].iloc[0] for s in scores]
        own = left_out[(left_out["metric"] == "mAP") & left_out["protocol"].str.startswith(plates) & (left_out["part"] == 2)]
        np.testing.assert_allclose(sorted(own["value"]), sorted(expected), atol=1e-6)
