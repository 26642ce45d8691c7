"""The rank-based inverse normal is Blom's formula."""

from __future__ import annotations

import numpy as np
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
