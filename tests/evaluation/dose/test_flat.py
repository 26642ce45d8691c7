"""The test against flat: its statistic in loops, what a permutation may move, and p of flat compounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from impasto.evaluation.dose import direction, flat
from impasto.evaluation.dose.hill import Design, Shapes

DOSES = np.array([0.1, 1.0, 3.0, 10.0])


def _design(plates: int, controls: int) -> Design:
    at = np.tile(np.r_[np.full(controls, -1), np.arange(4)], plates)
    return Design.of(Shapes.of(DOSES), at, np.repeat(np.arange(plates), controls + 4))


def test_the_statistic_is_what_the_best_shape_explains_over_the_rest() -> None:
    design = _design(2, 3)
    responses = direction.centred(np.random.default_rng(0).normal(size=(1, 14)), design.plate)
    best = 0.0
    for shape in design.shapes.at_doses:
        curve = np.where(design.at >= 0, shape[design.at], 0.0)
        columns = np.stack([design.plate == 0, design.plate == 1, curve], axis=1).astype(float)
        left = responses[0] - columns @ np.linalg.lstsq(columns, responses[0], rcond=None)[0]
        total = float((responses[0] ** 2).sum())
        best = max(best, (total - left @ left) / (left @ left))
    assert flat.statistic(design, responses, design.at[None])[0] == pytest.approx(best)


def test_wells_that_are_all_alike_have_no_curve() -> None:
    design = _design(2, 3)
    assert flat.statistic(design, np.zeros((1, 14)), design.at[None])[0] == 0
    assert flat.p_value(design, np.zeros((14, 14)), movable=design.at >= 0, seed=0) == 1


def test_a_curve_without_noise_has_the_smallest_p() -> None:
    design = _design(3, 4)
    wells = np.where(design.at >= 0, design.shapes.at_doses[12 * 32 + 4][design.at], 0.0)[:, None] * np.ones((1, 3))
    products = direction.gram(wells, design.plate)
    assert flat.p_value(design, products, movable=design.at >= 0, seed=0, most=199) == pytest.approx(1 / 200)


def test_only_movable_wells_move_and_only_within_their_plate() -> None:
    """Permutations of plates with one movable well each are the truth itself, so every draw ties."""
    design = _design(2, 3)
    products = direction.gram(np.random.default_rng(0).normal(size=(14, 5)), design.plate)
    one = np.zeros(14, dtype=bool)
    one[[5, 12]] = True
    assert flat.p_value(design, products, movable=one, seed=0) == 1
    both = design.at == 3
    assert both.sum() == 2  # one a plate: to swap them would cross plates
    assert flat.p_value(design, products, movable=both, seed=0) == 1
    assert flat.p_value(design, products, movable=design.at >= 2, seed=0, most=99) < 1


def test_draws_learn_the_direction_again() -> None:
    """The statistic of every draw, from permuted doses alone, in features."""
    design = _design(2, 3)
    wells = np.random.default_rng(3).normal(size=(14, 5))
    products, movable = direction.gram(wells, design.plate), design.at >= 0
    weights = direction.contrast(design.at, design.plate)
    drawn = flat._permuted(design, products, weights, movable, np.random.default_rng(0))
    got = [next(drawn) for _ in range(60)]
    rng, expected = np.random.default_rng(0), []
    for together in (40, 250):
        order = np.tile(np.arange(14), (together, 1))
        for plate in (0, 1):
            own = np.flatnonzero(movable & (design.plate == plate))
            order[:, own] = own[rng.random((together, len(own))).argsort(axis=1)]
        for row in order:
            at = design.at[row]
            again = direction.responses(products, direction.contrast(at, design.plate)[None], design.plate)
            expected.append(flat.statistic(design, again, at[None])[0])
    assert got == pytest.approx(expected[:60])
    assert len(set(got)) > 20


def test_flat_compounds_have_uniform_p() -> None:
    design = _design(2, 6)
    p = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        # Treated wells scatter twice as much as controls and lie elsewhere: that is no curve.
        wells = rng.normal(size=(20, 8)) * np.where(design.at >= 0, 2, 1)[:, None] + np.where(design.at >= 0, 1, 0)[:, None]
        p.append(flat.p_value(design, direction.gram(wells, design.plate), movable=design.at >= 0, seed=seed, most=99))
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.12)
    assert stats.kstest(np.array(p) - np.random.default_rng(0).uniform(0, 0.01, 200), "uniform").pvalue > 0.001


def test_few_ways_to_deal_the_doses_limit_p() -> None:
    assert flat.smallest(_design(3, 2)) == pytest.approx(1 / 2000)
    assert flat.smallest(_design(1, 2)) == pytest.approx(1 / 24)
    assert flat.smallest(_design(2, 2)) == pytest.approx(1 / 576)
    assert flat.smallest(_design(2, 2), most=99) == pytest.approx(1 / 100)


def test_draws_end_with_the_tenth_that_is_as_good() -> None:
    design = _design(2, 3)
    products, movable = direction.gram(np.random.default_rng(3).normal(size=(14, 5)), design.plate), design.at >= 0
    weights = direction.contrast(design.at, design.plate)
    observed = flat.statistic(design, direction.responses(products, weights[None], design.plate), design.at[None])[0]
    drawn = flat._permuted(design, products, weights, movable, np.random.default_rng(5))
    as_good = np.cumsum([next(drawn) >= observed - 1e-12 for _ in range(flat.MOST)])
    expected = 10 / (1 + int(np.argmax(as_good == 10))) if as_good[-1] >= 10 else (1 + as_good[-1]) / 2000
    assert as_good[-1] >= 10, "a case that ends early"
    assert flat.p_value(design, products, movable=movable, seed=5) == pytest.approx(expected)
    assert flat.MOST == 1999
