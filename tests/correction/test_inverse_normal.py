"""The rank-based inverse normal is Blom's formula."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from tests.correction.plated import plates

from impasto.correction.inverse_normal import InverseNormal, InverseNormalSettings


def test_inverse_normal_is_bloms_formula() -> None:
    from scipy.stats import norm, rankdata

    data = plates(plates=2)
    found = InverseNormal.fit(data, InverseNormalSettings()).transform(data)
    for plate in ("P0", "P1"):
        rows = (data.obs["plate"] == plate).to_numpy()
        expected = norm.ppf((rankdata(data.X[rows], axis=0) - 0.375) / (rows.sum() + 0.25))
        np.testing.assert_allclose(found.X[rows], expected, atol=1e-5)


def test_new_values_ties_and_ends_take_the_quantiles_of_the_fit() -> None:
    """Fitted on 1, 2, 2, 4: ranks 1, 2.5, 2.5, 4 of n = 4. A value between two lies half way; beyond the ends it takes the end."""
    from statistics import NormalDist

    def table(values: list[float]) -> anndata.AnnData:
        obs = pd.DataFrame({"plate": ["P"] * len(values)}).rename(index=str)
        return anndata.AnnData(X=np.array([[v] for v in values], dtype=np.float32), obs=obs)

    fitted = InverseNormal.fit(table([2.0, 4.0, 1.0, 2.0]))
    ranks = {1.0: 1, 2.0: 2.5, 4.0: 4, 1.5: 1.5, 3.0: 3.5, -100.0: 1, 100.0: 4}
    found = fitted.transform(table(list(ranks))).X[:, 0]
    expected = [NormalDist().inv_cdf((rank - 0.375) / 4.25) for rank in ranks.values()]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_all_rows_are_one_group_where_asked() -> None:
    from scipy.stats import norm, rankdata

    data = plates(plates=2)
    found = InverseNormal.fit(data, InverseNormalSettings(by=None)).transform(data)
    np.testing.assert_allclose(found.X, norm.ppf((rankdata(data.X, axis=0) - 0.375) / 80.25), atol=1e-5)
