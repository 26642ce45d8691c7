"""Selection drops features that cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import plates

from impasto.correction.select import Select, SelectSettings
from impasto.schema import InputError


def test_select_drops_what_cannot_be_compared() -> None:
    data = plates(width=6)
    data.X[:, 1] = data.X[:, 0] * 2 + 0.001 * data.X[:, 5]
    data.X[:, 2] = 1.0
    data.X[: data.n_obs // 2, 3] = np.nan
    data.X[0, 4] = np.inf
    fitted = Select.fit(data, SelectSettings(block=r"Contrast5_"))
    kept = set(fitted.transform(data).var_names)
    names = list(data.var_names)
    assert len(kept & {names[0], names[1]}) == 1
    assert not kept & {names[2], names[3], names[5]}
    assert names[4] in kept
    assert np.isfinite(fitted.transform(data).X).all()


def test_of_a_correlated_pair_the_one_with_more_company_goes() -> None:
    data = plates(plates=1, wells=200, width=8, seed=3)
    data.X[:, 6] = data.X[:, 0] + 0.1 * data.X[:, 6]
    data.X[:, 7] = data.X[:, 0] + 0.1 * data.X[:, 7]
    kept = list(range(8))
    correlation = np.abs(np.corrcoef(data.X.astype(np.float64), rowvar=False)) - np.eye(8)
    for feature in sorted(range(8), key=lambda f: -correlation[f].sum()):
        if any(correlation[feature, other] > 0.9 for other in kept):
            kept.remove(feature)
    assert len(kept) < 8
    assert Select.fit(data, SelectSettings()).kept == tuple(data.var_names[kept])
    assert len(Select.fit(data, SelectSettings(correlation=None)).kept) == 8


def test_what_is_missing_becomes_the_median_of_the_rows_learned_from() -> None:
    data = plates(plates=2, width=3)
    data.X[5, 1] = np.nan
    first = (data.obs["plate"] == "P0").to_numpy()
    fitted = Select.fit(data[first].copy(), SelectSettings(correlation=None))
    assert fitted.transform(data).X[5, 1] == pytest.approx(np.nanmedian(data.X[first, 1]))


def test_features_that_are_not_there_and_tables_without_any_are_sentences() -> None:
    data = plates(width=4)
    fitted = Select.fit(data, SelectSettings(correlation=None))
    with pytest.raises(
        InputError, match=r"select keeps 4 features, 1 of which these profiles lack \(first: 'Cells_Texture_Contrast0_DNA'\)"
    ):
        fitted.transform(data[:, 1:].copy())
    with pytest.raises(InputError, match="select keeps none of the 4 features; loosen"):
        Select.fit(data, SelectSettings(block="Cells"))
