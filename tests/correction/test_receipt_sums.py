"""Shares from sums over plates against the naive ones on all rows."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.correction import receipt_sums


def table(values: np.ndarray, **columns: object) -> anndata.AnnData:
    obs = pd.DataFrame({"plate": "P", **columns}, index=pd.RangeIndex(len(values)).astype(str))
    names = [f"f{i}" for i in range(values.shape[1])]
    return anndata.AnnData(X=values.astype(np.float32), obs=obs, var=pd.DataFrame(index=names))


def shares(data: anndata.AnnData, *, chunk: int = 2) -> dict[str, float]:
    plates = [data[(data.obs["plate"] == name).to_numpy()].copy() for name in sorted(set(data.obs["plate"]))]
    limit = receipt_sums.limits([plate.X for plate in plates])
    limits = {"before": limit, "after": limit}
    pairs = [(plate, plate) for plate in plates]
    parts = [receipt_sums.summarise(pairs[i : i + chunk], limits) for i in range(0, len(pairs), chunk)]
    found = receipt_sums.explained(parts)
    assert all(share["before"] == share["after"] for share in found.values())
    return {name: share["before"] for name, share in found.items()}


def naive(values: np.ndarray, labels: np.ndarray) -> float:
    x = np.clip(values, *(s * np.quantile(np.abs(values), 0.999, axis=0) for s in (-1, 1)))
    ratios = []
    for f in x.T:
        between = sum((labels == g).sum() * (f[labels == g].mean() - f.mean()) ** 2 for g in np.unique(labels))
        ratios.append(between / ((f - f.mean()) ** 2).sum())
    chance = (len(np.unique(labels)) - 1) / (len(x) - 1)
    return max(0.0, (np.mean(ratios) - chance) / (1 - chance))


def test_the_share_of_groups_is_the_sum_of_squares_between_them_less_chance() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 60)
    values = (rng.normal(size=(60, 5)) + 1.5 * rng.normal(size=(5, 5))[labels]).astype(np.float32)
    assert shares(table(values, plate=[f"P{n}" for n in labels]))["plate"] == pytest.approx(naive(values.astype(float), labels))


def test_noise_explains_nothing_and_pure_groups_all() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 50)
    plate = [f"P{n}" for n in labels]
    assert shares(table(rng.normal(size=(200, 40)), plate=plate))["plate"] < 0.01
    pure = np.repeat(rng.normal(size=(4, 5)), 50, axis=0)
    assert shares(table(pure, plate=plate))["plate"] == pytest.approx(1.0)


def test_chance_is_what_random_groups_explain() -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(60) % 20
    assert shares(table(rng.normal(size=(60, 3000)), plate=[f"P{n:02d}" for n in labels]))["plate"] < 0.01


def test_rows_and_columns_over_plates_of_other_sizes() -> None:
    rng = np.random.default_rng(3)
    wells = ["A01", "A02", "B01", "B02", "B03", "A01", "C01", "A02", "C04", "B01"]
    values = rng.normal(size=(10, 4)).astype(np.float32)
    plate = ["P0"] * 5 + ["P1"] * 3 + ["P2"] * 2
    found = shares(table(values, plate=plate, well=wells), chunk=1)
    for name, labels in (("row", np.array([w[0] for w in wells])), ("column", np.array([w[1:] for w in wells]))):
        assert found[name] == pytest.approx(naive(values.astype(float), labels))


def test_the_share_of_the_count_is_its_mean_squared_correlation_less_chance() -> None:
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=50)
    values[:, :3] += counts[:, None].astype(np.float32)
    plate = [f"P{n % 3}" for n in range(50)]
    x = np.clip(values, *(s * np.quantile(np.abs(values.astype(float)), 0.999, axis=0) for s in (-1, 1)))
    squared = np.mean([np.corrcoef(x[:, f], counts)[0, 1] ** 2 for f in range(6)])
    found = shares(table(values, plate=plate, cell_count=counts))
    assert found["cell count"] == pytest.approx((squared - 1 / 49) / (1 - 1 / 49))
    assert shares(table(values, plate=plate, cell_count=np.full(50, 3.0)))["cell count"] == 0.0
    counts[:48] = np.nan
    assert shares(table(values, plate=plate, cell_count=counts))["cell count"] == 0.0


def test_counts_that_some_wells_lack() -> None:
    rng = np.random.default_rng(5)
    values, counts = rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=40)
    values += counts[:, None].astype(np.float32)
    counts[[3, 17, 30]] = np.nan
    known = np.isfinite(counts)
    x = np.clip(values, *(s * np.quantile(np.abs(values.astype(float)), 0.999, axis=0) for s in (-1, 1)))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    c = counts[known] - counts[known].mean()
    correlation = z[known].T @ c / (37 * c.std())
    expected = (np.mean(correlation**2) - 1 / 36) / (1 - 1 / 36)
    assert shares(table(values, plate=[f"P{n % 2}" for n in range(40)], cell_count=counts))["cell count"] == pytest.approx(expected)


def test_a_feature_that_does_not_vary_counts_for_nothing() -> None:
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.normal(size=30), np.full(30, 2.0)]).astype(np.float32)
    labels = np.arange(30) % 3
    expected = naive(values[:, :1].astype(float), labels)
    assert shares(table(values, plate=[f"P{n}" for n in labels]))["plate"] == pytest.approx(expected)
