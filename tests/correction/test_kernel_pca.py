"""Kernel PCA against scikit-learn's, scaled by a batch's controls."""

from __future__ import annotations

from typing import Literal

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import KernelPCA
from sklearn.preprocessing import StandardScaler
from tests.correction.plated import plates

from impasto.correction.kernel_pca import KernelPca, KernelPcaSettings
from impasto.schema import InputError


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
def test_it_is_scikit_learns_kernel_pca_and_a_scaler_for_each_batch(kernel: Literal["linear", "poly", "rbf"]) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 5)).astype(np.float32)
    obs = pd.DataFrame({"plate": np.repeat(["P", "Q"], 30), "control_type": np.tile(["negcon", "trt"], 30)}).rename(index=str)
    data = anndata.AnnData(X=values, obs=obs)
    found = KernelPca.fit(data, KernelPcaSettings(kernel=kernel, components=4)).transform(data).X
    own = (obs["control_type"] == "negcon").to_numpy()
    x = values.astype(np.float64)
    theirs = KernelPCA(4, kernel=kernel, degree=3, coef0=1, gamma=1 / (5 * x[own].var()), eigen_solver="dense").fit(x[own]).transform(x)
    for plate in ("P", "Q"):
        rows = (obs["plate"] == plate).to_numpy()
        expected = StandardScaler().fit(theirs[rows & own]).transform(theirs[rows])
        np.testing.assert_allclose(np.abs(found[rows]), np.abs(expected), rtol=2e-3, atol=2e-3)  # a component's sign is free


def test_components_are_the_largest_of_those_that_controls_show() -> None:
    data = plates(plates=2, controls=3, width=10)
    whole = KernelPca.fit(data).transform(data)
    assert whole.n_vars == 5  # six controls, centred
    assert list(whole.var_names) == [f"kernel_pca_{i:04d}" for i in range(5)]
    assert set(whole.var["group"]) == {"embedding"}
    few = KernelPca.fit(data, KernelPcaSettings(components=2)).transform(data)
    np.testing.assert_allclose(few.X, whole.X[:, :2], rtol=1e-5)
    fitted = KernelPca.fit(data)
    spread = fitted.coordinates(fitted.controls.astype(np.float32)).std(axis=0)
    assert (np.diff(spread) < 0).all()
    assert KernelPcaSettings() == KernelPcaSettings(by="plate", kernel="linear", components=None)


def test_components_of_rounding_are_dropped_and_the_controls_lie_around_zero() -> None:
    data = plates(plates=2, controls=20, width=4)  # forty controls in four dimensions
    fitted = KernelPca.fit(data)
    assert fitted.transform(data).n_vars == 4
    for kernel in ("linear", "poly", "rbf"):
        chosen = KernelPcaSettings(kernel=kernel, components=3)  # type: ignore[arg-type]
        own = KernelPca.fit(data, chosen)
        coordinates = own.coordinates(own.controls.astype(np.float32))
        np.testing.assert_allclose(coordinates.mean(axis=0), 0, atol=1e-6 * np.abs(coordinates).max())


def test_controls_that_do_not_vary_are_a_sentence() -> None:
    data = plates(plates=2)
    data.X[:] = 1.5
    for kernel in ("linear", "poly", "rbf"):
        with pytest.raises(InputError, match="kernel_pca: the negative controls do not vary at all"):
            KernelPca.fit(data, KernelPcaSettings(kernel=kernel))  # type: ignore[arg-type]
