"""Compress: against singular values in float64, from the equation; what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction.compress import Compress, CompressSettings
from impasto.schema import InputError


def by_hand(values: np.ndarray, fit: np.ndarray, *, components: int, power: float) -> np.ndarray:
    """y = (x - mean) V_k diag(l)^(-p/2), from a singular value decomposition."""
    mean = fit.mean(axis=0)
    _, singular, right = np.linalg.svd(fit - mean, full_matrices=False)
    variance = singular**2 / (len(fit) - 1)
    return np.asarray((values - mean) @ right[:components].T * variance[:components] ** (-power / 2))


@pytest.mark.parametrize("on", ["all", "controls"])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("width", [8, 200])
def test_it_is_the_equation(on: str, power: float, width: int) -> None:
    data = plates(width=width)
    values = data.X.astype(np.float64)
    fit = values if on == "all" else values[control_rows(data)]
    made = Compress.fit(data, CompressSettings(components=5, power=power, on=on)).transform(data)  # type: ignore[arg-type]
    expected = by_hand(values, fit, components=5, power=power)
    assert made.shape == (data.n_obs, 5)
    np.testing.assert_allclose(np.abs(made.X), np.abs(expected), rtol=2e-4, atol=2e-4)
    # A direction may be turned; the products of rows may not.
    np.testing.assert_allclose(made.X @ made.X.T, expected @ expected.T, rtol=1e-3, atol=1e-3)


def test_components_that_the_rows_do_not_show_are_not_made() -> None:
    data = plates(width=8)
    assert Compress.fit(data, CompressSettings(components=64)).transform(data).n_vars == 8


def test_at_power_one_the_components_are_white() -> None:
    data = plates(width=8)
    made = Compress.fit(data, CompressSettings(components=4, power=1.0)).transform(data)
    np.testing.assert_allclose(np.cov(made.X.T.astype(np.float64)), np.eye(4), atol=1e-4)


def test_the_sign_of_a_component_does_not_depend_on_the_library() -> None:
    fitted = Compress.fit(plates(width=8), CompressSettings(components=4))
    assert (fitted.directions[np.abs(fitted.directions).argmax(axis=0), range(4)] > 0).all()


def test_features_in_another_order_give_the_same_values() -> None:
    data = plates(width=8)
    fitted = Compress.fit(data, CompressSettings(components=3))
    turned = data[:, list(data.var_names)[::-1]].copy()
    np.testing.assert_array_equal(fitted.transform(turned).X, fitted.transform(data).X)


def test_what_cannot_be_compressed_is_a_sentence() -> None:
    data = plates(width=8)
    fitted = Compress.fit(data)
    with pytest.raises(InputError, match="was fitted on 8 features, and these profiles have 7"):
        fitted.transform(data[:, :7].copy())
    with pytest.raises(InputError, match="0 negative controls are too few"):
        Compress.fit(data[~control_rows(data)].copy(), CompressSettings(on="controls"))
    controls = np.flatnonzero(control_rows(data))
    with pytest.raises(InputError, match="2 rows are too few to show components, 3 are needed"):
        Compress.fit(data[controls[:2]].copy())
    assert Compress.fit(data[controls[:3]].copy()).transform(data).n_vars == 2
    flat = data.copy()
    flat.X[:] = 1.0
    with pytest.raises(InputError, match="do not vary at all"):
        Compress.fit(flat)
