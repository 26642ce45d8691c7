"""What a fold lends, and sets drawn from it, in plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.evaluation import residual_null
from impasto.evaluation.residual_null import drawn, lender


def residuals(seed: int = 0, *, sets: int = 6, wells: int = 3, width: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(wells, width)) for _ in range(sets)]


def test_a_lender_holds_all_products_and_the_mean_squared_length() -> None:
    own = residuals()
    lent = lender(own, seed=[0])
    assert lent.products.shape == (18, 18)
    assert lent.starts.tolist() == [0, 3, 6, 9, 12, 15]
    assert sorted(np.diag(lent.products)) == pytest.approx(sorted(float(row @ row) for rows in own for row in rows))
    assert lent.length == pytest.approx(sum(float(row @ row) for rows in own for row in rows) / 18)


def test_a_fold_lends_whole_perturbations_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residual_null, "MOST_RESIDUALS", 10)
    assert lender(residuals(), seed=[0]).lengths.tolist() == [3, 3, 3]


@pytest.mark.parametrize("cosine", [True, False])
def test_drawn_sets_are_wells_of_different_perturbations_with_random_signs(cosine: bool) -> None:
    """Every value is one that the loop over choices and signs can give, and the two have one distribution."""
    own = residuals(sets=4, wells=1)
    lent = lender(own, seed=[0])
    values = drawn(lent, 3, (), cosine=cosine, draws=4000, rng=np.random.default_rng(1))
    possible = []
    for left in range(4):
        wells = [own[j][0] / (np.linalg.norm(own[j][0]) if cosine else 1) for j in range(4) if j != left]
        for bits in range(8):
            signed = [well * (1 if bits >> place & 1 else -1) for place, well in enumerate(wells)]
            possible.append(sum(signed[a] @ signed[b] for a in range(3) for b in range(3) if a != b) / 6)
    assert np.abs(values[:, None] - np.array(possible)).min(axis=1).max() < 1e-9
    assert values.mean() == pytest.approx(np.mean(possible), abs=4 * np.std(possible) / np.sqrt(4000))
    assert values.std() == pytest.approx(np.std(possible), rel=0.05)


@pytest.mark.parametrize("cosine", [True, False])
def test_wells_that_share_a_plate_share_an_error(cosine: bool) -> None:
    """Two wells of one plate and one of another, c = 2: s r + s' e / sqrt(2) in a loop, less its expectation."""
    own = residuals(sets=8, wells=2, width=12)
    lent = lender(own, seed=[0])
    values = drawn(lent, 3, ((2, 2),), cosine=cosine, draws=20_000, rng=np.random.default_rng(1))
    flat, rng, expected = np.concatenate(own), np.random.default_rng(2), []
    for _ in range(6000):
        wells = [own[j][rng.integers(2)] * rng.choice([-1, 1]) for j in rng.choice(8, 3, replace=False)]
        error = flat[rng.integers(16)] * rng.choice([-1, 1]) / np.sqrt(2)
        wells = [wells[0] + error, wells[1] + error, wells[2]]
        if cosine:
            wells = [well / np.linalg.norm(well) for well in wells]
        pairs = sum(wells[a] @ wells[b] for a in range(3) for b in range(3) if a != b)
        expected.append((pairs - 2 * (1 / 3 if cosine else lent.length / 2)) / 6)
    assert values.mean() == pytest.approx(np.mean(expected), abs=5 * np.std(expected) / np.sqrt(6000))
    assert values.std() == pytest.approx(np.std(expected), rel=0.08)
    np.testing.assert_allclose(
        np.quantile(values, [0.05, 0.5, 0.95]), np.quantile(expected, [0.05, 0.5, 0.95]), atol=0.15 * np.std(expected)
    )


def test_many_wells_are_drawn_as_fewer_and_scaled() -> None:
    lent = lender(residuals(sets=30, wells=2, width=40), seed=[0])
    rng = np.random.default_rng(0)
    most = drawn(lent, 24, (), cosine=True, draws=3000, rng=rng)
    more = drawn(lent, 48, (), cosine=True, draws=3000, rng=rng)
    assert more.std() == pytest.approx(most.std() * np.sqrt(24 * 23 / (48 * 47)), rel=0.1)


def test_drawn_numbers_are_different_and_uniform() -> None:
    drawn = residual_null.distinct(5, 4, 4000, np.random.default_rng(0))
    assert all(len(set(row)) == 4 for row in drawn.tolist())
    shares = np.array([[(drawn[:, column] == number).mean() for number in range(5)] for column in range(4)])
    assert np.abs(shares - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 4000)
