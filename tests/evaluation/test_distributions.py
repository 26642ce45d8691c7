"""Distribution tests: their p against counting by hand, their null on inert wells, cells that move with their well."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import anndata
import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen
from tests.evaluation.small import plates
from tests.evaluation.test_energy import naive
from tests.evaluation.test_sliced_wasserstein import naive as transport

from impasto import identity
from impasto.evaluation import control_groups, sliced_wasserstein
from impasto.evaluation.clouds import Clouds
from impasto.evaluation.distributions import _enough, evaluate
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.schema import InputError


def test_p_counts_every_choice_of_wells_by_hand() -> None:
    data = screen(plates=2, perturbations=4, active=1, controls=5, spared=5, width=3, wells=2, effect=1.0)
    result = evaluate(data, with_baselines=False, components=3)
    per = result.per_group.set_index("perturbation")
    x = data.X.astype(np.float64)
    for plate in ("P0", "P1"):
        own = (data.obs["plate"] == plate).to_numpy()
        x[own] -= x[own].mean(axis=0)
    x /= x.std(axis=0)
    for name in ("p00", "p02"):
        pools = []
        for plate in ("P0", "P1"):
            here = (data.obs["plate"] == plate).to_numpy()
            treated = np.flatnonzero(here & (data.obs["perturbation"] == name).to_numpy())
            pools.append((treated, np.flatnonzero(here & (data.obs["control_type"] == "negcon").to_numpy())))
        every = []
        for choice in itertools.product(*[itertools.combinations(np.concatenate(p), 2) for p in pools]):
            chosen = np.concatenate(choice)
            others = np.setdiff1d(np.concatenate([np.concatenate(p) for p in pools]), chosen)
            every.append(naive(x[chosen], x[others]))
        assert len(every) == 21**2
        assert per.loc[name, "distance"] == pytest.approx(every[0], rel=1e-4)
        assert per.loc[name, "p"] == pytest.approx(np.mean(np.array(every) >= every[0] * (1 - 1e-9)))
        assert per.loc[name, "exact"]
        assert per.loc[name, "floor"] == 1 / 441
        assert per.loc[name, "controls"] == 10


@pytest.mark.parametrize("protocol", ["energy", "wasserstein"])
def test_inert_perturbations_are_called_at_their_level_and_active_ones_are(protocol: str) -> None:
    small = []
    for seed in range(12):
        scores = rows(
            evaluate(
                screen(seed=seed, plates=2, wells=2, perturbations=20, controls=6, spared=6, width=5),
                protocol=protocol, draws=199, directions=8, with_baselines=False, seed=seed,
            )
        )  # fmt: skip
        assert (scores[0].chance, scores[1].chance) == (0.0, 0.05)
        small.append(scores[1].value)
    assert np.mean(small) == pytest.approx(0.05, abs=0.045)
    active = evaluate(screen(plates=2, wells=2, perturbations=20, active=10, controls=8, spared=8), protocol=protocol, directions=8)
    assert active.per_group["called"][:10].mean() >= 0.9
    assert active.per_group["called"][10:].sum() <= 2
    assert {"profiles", "position only"} <= set(active.scores["group"])


def test_a_spread_without_a_shift_is_seen() -> None:
    rng = np.random.default_rng(0)
    data = screen(plates=2, perturbations=1, wells=8, controls=40, spared=40, width=2)
    treated = (data.obs["control_type"] == "trt").to_numpy()
    data.X[treated] = rng.choice([-6, 6], (treated.sum(), 2)) + 0.5
    assert evaluate(data, with_baselines=False, draws=999).per_group["p"][0] < 0.01


def test_positions_that_act_show_in_the_row_of_control_positions() -> None:
    def called(position: float) -> float:
        data = screen(perturbations=6, controls=20, spared=20, position=position)
        return next(s.value for s in rows(evaluate(data, draws=999, with_baselines=False)) if s.group == "control positions")

    assert called(4.0) > 0.8
    assert called(0.0) < 0.25


def test_a_run_that_is_not_calibrated_calls_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    moved = evaluate(screen(perturbations=6, controls=20, spared=20, position=4.0), draws=999, with_baselines=False)
    assert "called" not in moved.per_group
    assert "share called" not in set(moved.scores["metric"])
    assert moved.scores["protocol"].str.endswith("NOT CALIBRATED").all()
    learned = screen(perturbations=6, whole=True)
    identity.record_step(learned, {"method": "standardize"})
    assert "called" not in evaluate(learned, draws=99, with_baselines=False).per_group
    said = " ".join(capsys.readouterr().out.split())
    assert "control positions have p of 0.05 or less" in said
    assert "a correction learned from all negative controls" in said


def test_cells_of_a_well_change_places_with_it() -> None:
    rng = np.random.default_rng(0)
    table = screen(plates=1, perturbations=3, wells=3, controls=12, spared=12, width=4)
    # Every well has a mean of its own, and forty cells around it: as cells are, not as wells are, perturbations would differ.
    values = np.repeat(rng.normal(size=(table.n_obs, 4)), 40, axis=0) + 0.05 * rng.normal(size=(table.n_obs * 40, 4))
    obs = table.obs.iloc[np.repeat(np.arange(table.n_obs), 40)].reset_index(drop=True).rename(index=str)
    per = evaluate(anndata.AnnData(X=values.astype(np.float32), obs=obs), cells=10, with_baselines=False).per_group
    assert (per["wells"] == 3).all()
    assert (per["p"] > 0.05).sum() >= 2
    assert per["floor"].iloc[0] == pytest.approx(1 / 455)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"least": 1}, "least is 1; it is 2 or more"),
        ({"components": 0}, "components is 0; it is 1 or more"),
        ({"directions": 0}, "directions is 0; it is 1 or more"),
        ({"cells": 0}, "cells is 0; it is 1 or more"),
        ({"draws": 18}, "draws is 18"),
        ({"rate": 0.0}, "rate is 0; draws is 19 or more, and rate lies between"),
        ({"rate": 1.0}, "rate is 1; draws"),
        ({"least": 7}, "needs perturbations of 7 wells"),
        ({"protocol": "enrgy"}, "did you mean 'energy'"),
    ],
)
def test_a_wrong_setting_is_one_sentence(settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        evaluate(plates(), **settings)


def test_constant_features_are_one_sentence() -> None:
    data = plates()
    data.X[:] = 3
    with pytest.raises(InputError, match="none of 6 features varies"):
        evaluate(data)


def optimal(x: np.ndarray, y: np.ndarray) -> float:
    """Sliced 2-Wasserstein along the directions of seed 0, each by transport between samples repeated to one size."""
    axes = sliced_wasserstein.directions(x.shape[1], 4, seed=0)
    return float(np.sqrt(np.mean([transport(x @ axis, y @ axis) for axis in axes.T])))


@pytest.mark.parametrize(("protocol", "distance"), [("energy", naive), ("wasserstein", optimal)])
def test_the_interval_leaves_out_groups_of_control_wells_and_is_that_of_tables_without_them(
    protocol: str, distance: Callable[[np.ndarray, np.ndarray], float]
) -> None:
    data = screen(plates=2, perturbations=6, active=3, controls=7, spared=7, width=3, wells=2, effect=0.8)
    result = evaluate(data, protocol=protocol, with_baselines=False, components=3, directions=4)
    score = next(s for s in rows(result) if s.metric == "share with p <= 0.05")
    assert (score.unit, score.about) == ("perturbation and control well", "other perturbations and control wells")
    left = result.left_out[(result.left_out["metric"] == score.metric) & (result.left_out["part"] > 0)]
    assert left.groupby("part").size().tolist() == [7, 7]
    obs = data.obs
    every_well = np.ones(len(obs), dtype=bool)
    points = Clouds.of(data, cells=1, seed=0).points(data.X, (obs["plate"] == "P1").to_numpy().astype(int), every_well, components=3)
    assert points is not None
    x = points[:, 0]
    negative = (obs["control_type"] == "negcon").to_numpy()
    sets = replicate_sets(obs, task="t", pool_doses=False, least=3, with_controls=True)
    group = control_groups.of_wells(sets, seed=0)
    for number in (0, 13):
        called = []
        for name in sets.names:
            pools = []
            for plate in ("P0", "P1"):
                here = (obs["plate"] == plate).to_numpy()
                pools.append(
                    (np.flatnonzero(here & (obs["perturbation"] == name).to_numpy()), np.flatnonzero(here & negative & (group != number)))
                )
            every = []
            everyone = np.concatenate([np.concatenate(p) for p in pools])
            for choice in itertools.product(*[itertools.combinations(np.concatenate(p), 2) for p in pools]):
                chosen = np.concatenate(choice)
                every.append(distance(x[chosen], x[np.setdiff1d(everyone, chosen)]))
            called.append(np.mean(np.array(every) >= every[0] - 1e-9) <= 0.05)
        stratum, place = divmod(number, 8)
        assert left[left["part"] == 1 + stratum]["value"].iloc[place] == pytest.approx(np.mean(called))


def test_a_costly_distance_is_made_again_by_as_many_choices_as_tell_whether_one_more_is_called() -> None:
    p = np.array([0.5, 0.11, 0.1, 0.01, np.nan])
    # None of four is called at .05; one more would be with p of .05 / 4, which four times as many choices tell.
    np.testing.assert_array_equal(_enough(p, rate=0.002)[:4], [999, 999, 8000, 8000])
    # With one called, one more may have twice the p.
    np.testing.assert_array_equal(_enough(np.array([0.5, 0.0001, 0.04, 0.9]), rate=0.002)[:4], [999, 4000, 4000, 999])
    assert (_enough(p, rate=0.05) == 999).all()


def test_the_order_of_the_rows_changes_no_drawn_p() -> None:
    data = screen(plates=4, perturbations=4, active=1, controls=12, spared=12, width=3, effect=0.5)
    shuffled = data[np.random.default_rng(3).permutation(data.n_obs)].copy()
    first, second = (evaluate(each, draws=300, with_baselines=False, components=3).per_group for each in (data, shuffled))
    assert not first["exact"].any()
    assert second["p"].tolist() == first["p"].tolist()
