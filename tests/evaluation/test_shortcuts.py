"""The audit flags a planted shortcut and stays quiet on a true effect."""

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from tests.evaluation.rows import rows

from impasto.evaluation import shortcuts
from impasto.evaluation.shortcuts import evaluate
from impasto.profiles import describe_features


def _plates(seed: int, *, effect: float, count_effect: float, position_effect: float = 0.0, fixed: bool = False) -> anndata.AnnData:
    """Four plates of 24 compounds and 8 controls; features follow the compound, the count of cells, or the well."""
    rng = np.random.default_rng(seed)
    direction, killing, of_count = rng.normal(size=(24, 30)), rng.normal(size=24), rng.normal(size=30)
    of_place = rng.normal(size=(2, 30))
    rows, values = [], []
    places = rng.permutation(32)
    for plate in range(4):
        places = places if fixed else rng.permutation(32)
        for number in range(32):
            compound = number if number < 24 else None
            row, column = divmod(int(places[number]), 8)
            log_count = rng.normal(scale=0.2) + (count_effect * killing[compound] if compound is not None else 0)
            value = 2 * log_count * of_count + rng.normal(size=30) + position_effect * (row * of_place[0] + column * of_place[1])
            value += effect * direction[compound] if compound is not None else 0
            name = "DMSO" if compound is None else f"C{compound:02d}"
            rows.append(
                (f"P{plate}", f"{'ABCD'[row]}{column + 1:02d}", name, "negcon" if compound is None else "trt", 500 * np.exp(log_count))
            )
            values.append(value)
    obs = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "control_type", "cell_count"]).rename(index=str)
    var = describe_features([f"Cells_Texture_Contrast_DNA_{i}" for i in range(30)])
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs, var=var)


def _flags(profiles: anndata.AnnData) -> set[str]:
    scores = rows(evaluate(profiles, draws=200))
    return {s.group for s in scores if s.metric == "flagged" and s.value == 1}


@pytest.mark.parametrize("seed", range(3))
def test_a_label_that_only_kills_cells_is_flagged(seed: int) -> None:
    assert _flags(_plates(seed, effect=0, count_effect=1.0)) == {"cell count"}


@pytest.mark.parametrize("seed", range(3))
def test_a_true_effect_is_not_flagged(seed: int) -> None:
    assert not _flags(_plates(seed, effect=1.0, count_effect=0))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_flagged(seed: int) -> None:
    assert not _flags(_plates(seed, effect=0, count_effect=0))


def test_a_fixed_layout_with_a_position_effect_is_flagged() -> None:
    assert "position" in _flags(_plates(0, effect=0, count_effect=0, position_effect=1.0, fixed=True))
    assert "position" not in _flags(_plates(0, effect=1.0, count_effect=0, position_effect=1.0, fixed=False))


def test_explained_is_the_analysis_of_variance_by_hand() -> None:
    rng = np.random.default_rng(0)
    columns, labels = rng.normal(size=(30, 2)), rng.integers(0, 4, 30)
    total = within = 0.0
    for column in columns.T:
        total += sum((v - column.mean()) ** 2 for v in column)
        within += sum((v - column[labels == label].mean()) ** 2 for v, label in zip(column, labels, strict=True))
    assert shortcuts.explained(columns, labels) == pytest.approx(1 - within / total)


def test_without_is_the_residual_of_least_squares_even_when_columns_repeat() -> None:
    rng = np.random.default_rng(1)
    values, columns = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(40, 2))
    columns = np.concatenate([columns, columns[:, :1]], axis=1)
    theirs = values - LinearRegression().fit(columns[:, :2], values).predict(columns[:, :2])
    np.testing.assert_allclose(shortcuts.without(values, columns), theirs, atol=1e-5)
