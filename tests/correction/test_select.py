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


def test_missing_values_are_allowed_in_five_rows_of_a_hundred() -> None:
    data = plates(plates=1, wells=100, controls=50, width=4)
    data.X[:5, 0] = np.nan
    data.X[:4, 1], data.X[4:6, 1] = np.inf, np.nan
    kept = Select.fit(data, SelectSettings(correlation=None)).kept
    assert kept == tuple(data.var_names[[0, 2, 3]])
    assert Select.fit(data, SelectSettings(correlation=None, missing=0.06)).kept == tuple(data.var_names)
    assert Select.fit(data, SelectSettings(correlation=None, missing=0.0)).kept == tuple(data.var_names[2:])
    data.X[:, 3] = np.nan
    assert Select.fit(data, SelectSettings(correlation=None, missing=1.0)).kept == tuple(data.var_names[:3])


@pytest.mark.parametrize(("wobble", "stays"), [(0.9e-6, False), (1.5e-6, True)])
def test_the_sd_has_to_be_above_a_millionth(wobble: float, stays: bool) -> None:
    data = plates(plates=1, width=3)
    data.X[:, 1] = np.where(np.arange(40) % 2, wobble, -wobble)
    assert (data.var_names[1] in Select.fit(data, SelectSettings(correlation=None)).kept) == stays


@pytest.mark.parametrize(("correlation", "stays"), [(0.89, 2), (-0.89, 2), (0.91, 1), (-0.91, 1)])
def test_pairs_above_nine_tenths_in_either_direction_lose_one(correlation: float, stays: int) -> None:
    rng = np.random.default_rng(0)
    a, b = np.linalg.qr(rng.normal(size=(500, 3)) - rng.normal(size=(500, 3)).mean(axis=0))[0][:, :2].T
    a, b = a - a.mean(), b - b.mean()
    b = b - a * (a @ b) / (a @ a)
    second = correlation * a / np.linalg.norm(a) + np.sqrt(1 - correlation**2) * b / np.linalg.norm(b)
    data = plates(plates=1, wells=500, controls=50, width=2)
    data.X = np.stack([a / np.linalg.norm(a), second], axis=1).astype(np.float32)
    assert len(Select.fit(data).kept) == stays


def test_the_default_blocklist_is_the_fields() -> None:
    names = ["Nuclei_Correlation_RWC_DNA_ER", "Cells_Correlation_RWC_DNA_ER", "Cells_Correlation_Manders_ER_DNA"]
    names += [f"Cells_Granularity_{i}_DNA" for i in (3, 13, 14, 15, 16)]
    data = plates(plates=1, wells=60, width=8)
    data.var_names = names
    kept = Select.fit(data, SelectSettings(correlation=None)).kept
    assert kept == ("Cells_Correlation_RWC_DNA_ER", "Cells_Granularity_3_DNA", "Cells_Granularity_13_DNA")
    assert len(Select.fit(data, SelectSettings(correlation=None, block="")).kept) == 8


def test_one_feature_alone_is_kept_and_a_broken_expression_is_a_sentence() -> None:
    data = plates(width=1)
    assert Select.fit(data).kept == tuple(data.var_names)
    with pytest.raises(InputError, match=r"select: block = '\(' is no regular expression"):
        Select.fit(data, SelectSettings(block="("))


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_the_share_of_missing_rows_is_from_zero_to_one(share: float) -> None:
    from impasto.correction import CORRECTORS

    with pytest.raises(InputError, match="missing"):
        CORRECTORS["select"].settings_class.read({"missing": share}, where="test")
    assert CORRECTORS["select"].settings_class.read({}, where="test").missing == 0.05
