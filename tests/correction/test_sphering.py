"""Sphering against its matrix formula and pycytominer's Spherize."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import control_rows, plates
from tests.peers import peer

from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.schema import InputError


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
    operations = peer("pycytominer.operations")
    data = plates(plates=1, wells=96, controls=90)
    found = Sphering.fit(data, SpheringSettings(regulariser=1e-12, on="all")).transform(data).X
    frame = pd.DataFrame(data.X.astype(np.float64))
    theirs = operations.Spherize(method="ZCA-cor", epsilon=1e-12).fit(frame).transform(frame).to_numpy()
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["ZCA", "ZCA-cor"])
def test_each_plate_has_its_own_whitening_and_a_constant_feature_becomes_zero(form: str) -> None:
    data = plates(plates=2, width=5)
    data.X[:, 2] = 3.0
    found = Sphering.fit(data, SpheringSettings(form=form, by="plate", regulariser=0.2)).transform(data).X  # type: ignore[arg-type]
    varies = [0, 1, 3, 4]
    for plate in ("P0", "P1"):
        rows, own = (data.obs["plate"] == plate).to_numpy(), control_rows(data, plate)
        x = data.X.astype(np.float64)[:, varies]
        centred = x - x[own].mean(axis=0)
        if form == "ZCA-cor":
            centred = centred / x[own].std(axis=0, ddof=1)
        matrix = np.cov(centred[own], rowvar=False)
        values, vectors = np.linalg.eigh(matrix + 0.2 * np.trace(matrix) / 5 * np.eye(4))  # the mean is over all five features
        np.testing.assert_allclose(found[rows][:, varies], centred[rows] @ (vectors / np.sqrt(values)) @ vectors.T, rtol=2e-3, atol=2e-3)
    assert np.abs(found[:, 2]).max() < 1e-12


def test_directions_that_controls_never_show_are_scaled_by_the_regulariser() -> None:
    data = plates(plates=1, wells=30, controls=4, width=9)
    fitted = Sphering.fit(data, SpheringSettings(regulariser=0.25, form="ZCA"))
    (learned,) = fitted.learned.values()
    own = data.X[control_rows(data)].astype(np.float64)
    floor = 0.25 * np.trace(np.cov(own, rowvar=False)) / 9
    assert learned.elsewhere == pytest.approx(1 / np.sqrt(floor), rel=1e-6)
    unseen = np.linalg.svd(own - own.mean(axis=0))[2][-1]
    moved = (own.mean(axis=0) + unseen).astype(np.float32)[None]
    np.testing.assert_allclose(learned.apply(moved)[0], unseen / np.sqrt(floor), rtol=1e-3, atol=1e-4)


def test_defaults_are_one_rotation_by_the_correlation_of_the_controls() -> None:
    assert SpheringSettings() == SpheringSettings(by=None, on="controls", form="ZCA-cor", regulariser=0.1)
    with pytest.raises(InputError, match="needs a regulariser above 0, not 0"):
        Sphering.fit(plates(), SpheringSettings(regulariser=0.0))
