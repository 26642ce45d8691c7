"""The planner: effects and noise as planted, power as screens of that design have it, a null that holds, designs that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen

from impasto.correction.steps import correct
from impasto.evaluation import hits
from impasto.evaluation.power import Measured, Planned, _effects, _residuals, evaluate, simulated
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.schema import InputError


def test_an_effect_has_its_length_without_bias() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([2.0, 1.0, 0.0, 0.0])
    x = np.concatenate([truth + rng.normal(size=(3, 4)) for _ in range(4000)])
    effects, likeness = _effects(x, [np.arange(i * 3, i * 3 + 3) for i in range(4000)])
    assert likeness.mean() == pytest.approx(5.0, abs=0.1)
    own = x[:3]
    assert likeness[0] == pytest.approx(np.mean([own[0] @ own[1], own[0] @ own[2], own[1] @ own[2]]))
    assert (effects[0] ** 2).sum() == pytest.approx(max(likeness[0], 0))
    assert np.corrcoef(effects[0], own.mean(axis=0))[0, 1] == pytest.approx(1)


def test_residuals_have_the_variance_of_a_well_whatever_the_number_of_replicates() -> None:
    rng = np.random.default_rng(1)
    sets = [np.arange(i, i + 2) for i in range(0, 4000, 2)] + [np.arange(4000 + i, 4004 + i) for i in range(0, 4000, 4)]
    plate = np.arange(8000) % 2
    rest = _residuals(5 + 2 * rng.normal(size=(8000, 3)), sets, plate)
    assert rest.var() == pytest.approx(4.0, rel=0.05)


def test_a_simulated_screen_is_the_design() -> None:
    data = screen(perturbations=20, active=10, effect=3.0)
    sets = replicate_sets(data.obs, task="x", pool_doses=False, least=2, with_controls=True)
    measured = Measured.of(data, sets, components=8, seed=0)
    assert measured.acts[:10].mean() > 0.8
    made = simulated(measured, np.arange(20), Planned(4, 18, 2), seed=0)
    assert made.n_obs == 4 * (20 * 2 + 18)
    counts = made.obs.groupby(["plate", "control_type"]).size()
    assert counts["P3", "negcon"] == 18
    place = made.obs.groupby("well")["perturbation"].nunique()
    assert (place == 1).all()
    acting = made.X[(made.obs["perturbation"] == "p00000").to_numpy()].mean(axis=0)
    assert acting == pytest.approx(measured.effects[0], abs=1.5)


def test_power_is_that_of_screens_of_this_design() -> None:
    shape = {"perturbations": 40, "active": 20, "width": 16, "effect": 0.8}
    planned = evaluate(screen(seed=99, plates=4, controls=32, spared=32, **shape), plates=[3], controls=[32], runs=8)
    score = {s.metric: s for s in rows(planned)}
    fresh = [hits.evaluate(screen(seed=seed, plates=3, controls=32, spared=16, **shape)).per_group["hit"][:20].mean() for seed in range(4)]
    assert score["power"].value == pytest.approx(np.mean(fresh), abs=0.25)
    inert = score["share with p <= 0.05"]
    assert inert.value < 0.12
    assert (inert.unit, inert.clusters, inert.chance) == ("simulated screen", 8, 0.05)


def test_more_plates_have_more_power() -> None:
    data = screen(plates=3, perturbations=40, active=20, width=16, effect=0.6, controls=32, spared=32)
    power = [s.value for s in rows(evaluate(data, plates=[2, 6], controls=[32], runs=4)) if s.metric == "power"]
    assert power[1] > power[0] + 0.1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"plates": [1]}, "one plate of one well"),
        ({"plates": [0, 3]}, "plates is 0; it is 1 or more"),
        ({"wells_a_plate": 0}, "wells_a_plate is 0; it is 1 or more"),
        ({"controls": [1]}, "controls is 1; it is 2 or more"),
        ({"runs": 1}, "runs is 1; it is 2 or more"),
        ({"controls": [2000]}, "more than a plate holds"),
    ],
)
def test_a_design_that_cannot_be_is_one_sentence(settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        evaluate(screen(active=10), **settings)


def test_nothing_to_plan_for_is_one_sentence() -> None:
    data = screen()
    data.X[:] = 1
    with pytest.raises(InputError, match="none of 8 features varies"):
        evaluate(data)


def test_nothing_is_planned_by_controls_that_a_correction_learned_from() -> None:
    data = screen(perturbations=24, active=12, controls=16, whole=True)
    corrected, _, _ = correct(data, ["standardize"], spare=0.0)
    with pytest.raises(InputError, match="nothing can be planned by these profiles: a correction learned from all negative controls"):
        evaluate(corrected, plates=[3], controls=[16], runs=2, draws=200)
    spared, _, _ = correct(data, ["standardize"], spare=0.5)
    assert "power" in set(evaluate(spared, plates=[3], controls=[16], runs=2, draws=200).scores["metric"])


def test_two_wells_are_replicates_enough_to_plan_by() -> None:
    data = screen(perturbations=24, active=12, plates=2, controls=16, spared=16)
    found = evaluate(data, plates=[3], controls=[16], runs=2, draws=200)
    assert len(found.per_group) == 24
