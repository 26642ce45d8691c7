"""T, S_f and p1 against plain loops in float64, written from their equations."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from scipy import stats
from sklearn.covariance import ledoit_wolf
from tests.evaluation.screens import screen
from tests.evaluation.test_noise import naive_centred

from impasto.evaluation import noise, reproduction
from impasto.evaluation.design import Design, design
from impasto.evaluation.reproduction import Reproduction


def made(data: anndata.AnnData, *, draws: int = 5000, seed: int = 0) -> tuple[Reproduction, Design]:
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    x = noise.centred(data.X, where, np.arange(data.n_obs))
    return reproduction.reproduction(x, where, where.members, draws=draws, seed=seed), where


def naive_residuals(x: np.ndarray, where: Design) -> dict[tuple[int, int], np.ndarray]:
    """(set, row) -> (x - mean of the set) sqrt(K / (K - 1)), less the mean of the plate's residuals, times sqrt(n / (n - 1))."""
    plain = {}
    for j, rows in enumerate(where.members):
        mean = sum(x[i] for i in rows) / len(rows)
        for i in rows:
            plain[j, i] = (x[i] - mean) * np.sqrt(len(rows) / (len(rows) - 1))
    final = {}
    for (j, i), value in plain.items():
        same = [other for (_, k), other in plain.items() if where.plate[k] == where.plate[i]]
        final[j, i] = (value - sum(same) / len(same)) * np.sqrt(len(same) / (len(same) - 1))
    return final


def naive_inverse(data: anndata.AnnData, where: Design, x: np.ndarray, others: list[int]) -> np.ndarray:
    """S_f^-1 of control residuals and the residuals of other folds, shrunk by scikit-learn."""
    rows = []
    for code in range(len(where.plates)):
        own = [i for i in range(data.n_obs) if where.fitting[i] and where.plate[i] == code]
        mean = sum(x[i] for i in own) / len(own)
        rows += [(x[i] - mean) * np.sqrt(len(own) / (len(own) - 1)) for i in own]
    rows += [value for (j, _), value in naive_residuals(x, where).items() if j in others]
    covariance, share = ledoit_wolf(np.array(rows), assume_centered=True)
    assert share > noise.LEAST_SHRINKAGE
    return np.linalg.inv(covariance)


@pytest.mark.parametrize(("plates", "cosine"), [(2, False), (3, True), (3, False)])
def test_the_statistic_is_the_loop_of_its_equation(plates: int, cosine: bool) -> None:
    data = screen(plates=plates, perturbations=20, active=8)
    test, where = made(data)
    x = naive_centred(data)
    for j in (0, 7, 19):
        others = [k for k in range(20) if test.fold[k] != test.fold[j]]
        inverse = naive_inverse(data, where, x, others)
        rows = where.members[j]
        total = 0.0
        for a in rows:
            for b in rows:
                if a != b:
                    product = x[a] @ inverse @ x[b]
                    total += product / np.sqrt((x[a] @ inverse @ x[a]) * (x[b] @ inverse @ x[b])) if cosine else product
        expected = total / (len(rows) * (len(rows) - 1))
        assert test.statistic(j, cosine=cosine) == pytest.approx(expected, rel=1e-4)


def test_folds_are_dealt_evenly_and_no_perturbation_whitens_itself() -> None:
    data = screen(perturbations=20)
    test, where = made(data)
    assert np.bincount(test.fold).tolist() == [4] * 5
    other = data.copy()
    other.X[where.members[3]] += np.random.default_rng(0).normal(size=(3, 8)) * 0.5
    changed, _ = made(other)
    same, differs = ([j for j in range(20) if (test.fold[j] == test.fold[3]) == inside and j != 3] for inside in (True, False))
    # Features are scaled anew, which a whitening does not see but for its shrinkage.
    near = [abs(changed.statistic(j, cosine=True) - test.statistic(j, cosine=True)) for j in same]
    far = [abs(changed.statistic(j, cosine=True) - test.statistic(j, cosine=True)) for j in differs]
    assert max(near) < min(max(far), 0.05)


@pytest.mark.parametrize("plates", [2, 3])
def test_p1_is_the_share_of_mixed_residuals_that_reach_it(plates: int) -> None:
    """The null again in plain loops: residuals of different perturbations of a fold, random signs, sqrt(1 + 1/c) for a product."""
    data = screen(plates=plates, perturbations=20, active=6, effect=0.5)
    test, where = made(data, draws=20_000)
    rng = np.random.default_rng(5)
    null = []
    for _ in range(2500):
        fold = rng.integers(5)
        chosen = rng.choice(np.flatnonzero(test.fold == fold), plates, replace=False)
        wells = [test.residuals[j][rng.integers(plates)] * rng.choice([-1, 1]) for j in chosen]
        wells = [well / np.linalg.norm(well) if plates > 2 else well * np.sqrt(1 + 1 / 14) for well in wells]
        pairs = [wells[a] @ wells[b] for a in range(plates) for b in range(plates) if a != b]
        null.append(sum(pairs) / len(pairs))
    assert where.controls_of_plates().tolist() == [14] * plates
    for j in range(20):
        expected = (1 + sum(value >= test.statistic(j, cosine=plates > 2) for value in null)) / 2501
        assert test.p_value(j) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 2500) + 5e-4), j


def test_the_smallest_p_is_one_over_one_more_than_the_draws() -> None:
    test, _ = made(screen(perturbations=20, active=2, effect=30.0), draws=2000)
    assert test.p_value(0) == pytest.approx(1 / 2001)


def test_a_plate_can_be_left_out() -> None:
    data = screen(perturbations=20, active=5)
    test, where = made(data)
    own = test.wells[2]
    assert test.size(2, without=1) == 2
    assert test.statistic(2, cosine=False, without=1) == pytest.approx(own[0] @ own[2])
    expected = test._null((False, 2, ()))
    reach = own[0] @ own[2] / (1 + 1 / 14)
    assert test.p_value(2, without=1) == pytest.approx((1 + (expected >= reach).sum()) / (1 + len(expected)))
    one, _ = made(screen(perturbations=20, plates=2))
    assert np.isnan(one.p_value(0, without=0))
    assert np.isnan(one.statistic(0, cosine=False, without=0))
    assert where.plates == ["X/P0", "X/P1", "X/P2"]


def test_more_wells_than_perturbations_of_a_fold_are_scaled_from_fewer() -> None:
    test, _ = made(screen(perturbations=20, plates=4))
    assert np.bincount(test.fold).tolist() == [4] * 5
    small, large = test._null((True, 4, ())), test._null((True, 8, ()))
    # 12 ordered pairs of four wells, 56 of eight.
    assert np.std(large) == pytest.approx(np.std(small) * np.sqrt(12 / 56), rel=0.1)


def test_wells_of_one_plate_share_the_error_of_its_centre_and_it_is_taken_off() -> None:
    """Four inert wells on one plate whose centre is known from four controls: T is centred, and p1 is uniform."""
    found, values = [], []
    for seed in range(20):
        data = screen(seed=seed, plates=1, perturbations=24, controls=4, spared=0, wells=4)
        test, _ = made(data, draws=4000, seed=seed)
        values.append(np.mean([test.statistic(j, cosine=True) for j in range(24)]))
        found.append(np.mean([test.p_value(j) <= 0.05 for j in range(24)]))
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(20)
    assert abs(np.mean(found) - 0.05) < 4 * np.std(found) / np.sqrt(20) + 0.02


def test_p1_is_uniform_on_inert_screens() -> None:
    """Perturbations of one screen share its controls, so screens are what is independent."""
    shares = {0.01: [], 0.05: [], 0.2: [], 0.5: []}
    pooled = []
    for seed in range(30):
        test, _ = made(screen(seed=100 + seed, perturbations=40, controls=24, spared=0, width=30), draws=4000, seed=seed)
        p = np.array([test.p_value(j) for j in range(40)])
        pooled.append(p)
        for level, kept in shares.items():
            kept.append(float((p <= level).mean()))
    for level, kept in shares.items():
        assert abs(np.mean(kept) - level) < 3.5 * np.std(kept) / np.sqrt(30) + 0.01, level
    assert stats.kstest(np.concatenate(pooled), "uniform").statistic < 0.05
