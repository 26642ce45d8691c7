"""Kernel PCA against scikit-learn's, scaled by a batch's controls."""

from __future__ import annotations

from typing import Literal

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import KernelPCA
from sklearn.preprocessing import StandardScaler

from impasto.correction.kernel_pca import KernelPca, KernelPcaSettings


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
