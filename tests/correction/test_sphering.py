"""Sphering against its matrix formula and pycytominer's Spherize."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction.sphering import Sphering, SpheringSettings


@pytest.mark.parametrize("form", ["ZCA", "ZCA-cor"])
@pytest.mark.parametrize("width", [6, 30])
def test_sphering_is_the_matrix_formula(form: str, width: int) -> None:
    """W = (C + r I)^(-1/2) with r a share of the mean eigenvalue; wide tables go through the Gram matrix and must agree."""
    data = plates(plates=1, width=width)
    chosen = SpheringSettings(form=form, regulariser=0.3)  # type: ignore[arg-type]
    found = Sphering.fit(data, chosen).transform(data).X
    x, own = data.X.astype(np.float64), data.X[control_rows(data)].astype(np.float64)
    centred = x - own.mean(axis=0)
    if form == "ZCA-cor":
        centred = centred / own.std(axis=0, ddof=1)
        matrix = np.corrcoef(own, rowvar=False)
    else:
        matrix = np.cov(own, rowvar=False)
    matrix = matrix + 0.3 * np.trace(matrix) / width * np.eye(width)
    values, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(found, centred @ (vectors / np.sqrt(values)) @ vectors.T, rtol=1e-3, atol=1e-3)


def test_sphered_controls_are_white() -> None:
    data = plates(plates=1, wells=96, controls=90)
    found = Sphering.fit(data, SpheringSettings(regulariser=1e-6)).transform(data).X[control_rows(data)]
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(6), atol=0.01)


def test_sphering_without_a_regulariser_is_pycytominers() -> None:
    operations = pytest.importorskip("pycytominer.operations")
    data = plates(plates=1, wells=96, controls=90)
    found = Sphering.fit(data, SpheringSettings(regulariser=1e-12, on="all")).transform(data).X
    frame = pd.DataFrame(data.X.astype(np.float64))
    theirs = operations.Spherize(method="ZCA-cor", epsilon=1e-12).fit(frame).transform(frame).to_numpy()
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-5)
