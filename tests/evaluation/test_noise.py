"""Centre, residuals and shrunk covariance, each written out in loops from its equation; scikit-learn's Ledoit-Wolf beside ours."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from tests.evaluation.screens import screen

from impasto.evaluation import noise
from impasto.evaluation.design import Design, design
from impasto.schema import InputError


def of(data: anndata.AnnData) -> Design:
    return design(data, pool_doses=False, by_batch=False, seed=0)


def naive_centred(data: anndata.AnnData) -> np.ndarray:
    """x = Y - mean of the plate's fitting controls, in units of the spread of the wells about that mean."""
    obs, values = data.obs.reset_index(drop=True), np.asarray(data.X, dtype=np.float64)
    about = np.empty_like(values)
    for i in range(len(values)):
        own = [
            j
            for j in range(len(values))
            if obs["plate"][j] == obs["plate"][i] and obs["control_type"][j] == "negcon" and not obs["spared"][j]
        ]
        about[i] = values[i] - sum(values[j] for j in own) / len(own)
    middle = sum(about) / len(about)
    spread = np.sqrt(sum((row - middle) ** 2 for row in about) / len(about))
    return about / np.where(spread > 0, spread, 1)


def test_wells_are_centred_by_the_fitting_controls_of_their_plate() -> None:
    data = screen(perturbations=4, controls=6, spared=3)
    data.X[:, 2] = 5.0
    x = noise.centred(data.X, of(data), np.arange(data.n_obs))
    assert (x.basis, x.features, x.kept.tolist()) == (None, 7, [f != 2 for f in range(8)])
    np.testing.assert_allclose(x.values, naive_centred(data)[:, x.kept], rtol=1e-5)


def test_more_features_than_wells_change_no_inner_product() -> None:
    data = screen(perturbations=3, controls=4, spared=2, plates=2, width=30)
    rows = np.arange(data.n_obs)
    x, expected = noise.centred(data.X, of(data), rows), naive_centred(data)
    assert x.values.shape == (14, 14)
    np.testing.assert_allclose(x.values @ x.values.T, expected @ expected.T, atol=1e-4)
    np.testing.assert_allclose(x.in_features(x.values), expected, atol=1e-5)


def test_rows_that_are_not_used_change_nothing() -> None:
    data = screen(perturbations=4, controls=6, spared=3)
    used = np.flatnonzero((data.obs["perturbation"] != "p03").to_numpy())
    other = data.copy()
    other.X[(data.obs["perturbation"] == "p03").to_numpy()] = 1e6
    one, two = (noise.centred(d.X, of(data), used).values[used] for d in (data, other))
    np.testing.assert_array_equal(one, two)


def test_features_that_do_not_vary_are_one_sentence() -> None:
    data = screen(perturbations=3, controls=4, spared=2)
    data.X[:] = 7.0
    with pytest.raises(InputError, match="none of 8 features varies between wells of a plate"):
        noise.centred(data.X, of(data), np.arange(data.n_obs))


def test_residuals_of_replicates_and_controls_by_their_equations() -> None:
    rng = np.random.default_rng(0)
    x, plate = rng.normal(size=(6, 2)), np.array([0, 1, 2, 0, 1, 2])
    sets = [np.array([0, 1, 2]), np.array([3, 4])]
    plain = []
    for rows in sets:
        mean = sum(x[i] for i in rows) / len(rows)
        plain += [(x[i] - mean) * np.sqrt(len(rows) / (len(rows) - 1)) for i in rows]
    at = [0, 1, 2, 0, 1]
    expected = []
    for number, residual in enumerate(plain):
        same = [plain[other] for other in range(5) if at[other] == at[number]]
        n = len(same)
        expected.append(residual if n == 1 else (residual - sum(same) / n) * np.sqrt(n / (n - 1)))
    np.testing.assert_allclose(np.concatenate(noise.of_replicates(x, sets, plate)), expected)
    data = screen(perturbations=2, controls=5, spared=2, plates=2)
    where = of(data)
    ours = noise.of_controls(np.asarray(data.X, dtype=np.float64), where)
    own = np.flatnonzero(where.fitting & (where.plate == 1))
    mean = sum(data.X[i].astype(float) for i in own) / 3
    np.testing.assert_allclose(ours[3:], [(data.X[i] - mean) * np.sqrt(3 / 2) for i in own], rtol=1e-5)


@pytest.mark.parametrize("shape", [(60, 10), (12, 30)])
def test_the_covariance_is_ledoit_and_wolfs(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    residuals = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1]))
    factor = noise.shrunk_factor(residuals, features=shape[1])
    theirs, share = ledoit_wolf(residuals, assume_centered=True)
    assert share > noise.LEAST_SHRINKAGE
    np.testing.assert_allclose(factor @ factor.T, theirs)
    rows = rng.normal(size=(4, shape[1]))
    white = noise.whitened(rows, factor)
    np.testing.assert_allclose(white @ white.T, rows @ np.linalg.inv(theirs) @ rows.T)


def test_a_basis_changes_neither_target_nor_shrinkage() -> None:
    rng = np.random.default_rng(2)
    wide = rng.normal(size=(9, 40)) @ rng.normal(size=(40, 40))
    basis, _ = np.linalg.qr(wide.T)
    whole, within = noise.shrunk_factor(wide, features=40), noise.shrunk_factor(wide @ basis, features=40)
    one, two = noise.whitened(wide, whole), noise.whitened(wide @ basis, within)
    np.testing.assert_allclose(one @ one.T, two @ two.T)


def test_little_noise_is_never_divided_by_nothing() -> None:
    residuals = np.tile([[1.0, 0.0], [-1.0, 0.0]], (500, 1))
    factor = noise.shrunk_factor(residuals, features=2)
    assert (factor @ factor.T)[1, 1] == pytest.approx(0.02 * 0.5)
    np.testing.assert_array_equal(noise.shrunk_factor(np.zeros((4, 3)), features=3), np.eye(3))
