"""Median polish takes rows and columns out."""

from __future__ import annotations

from statistics import median

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import plates

from impasto.correction.position import Position, PositionSettings, median_polish


def test_position_takes_rows_and_columns_out_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    wells = [(r, c) for r in range(8) for c in range(12)]
    row, column = rng.normal(size=(8, 3)), rng.normal(size=(12, 3))
    row, column = row - np.median(row, axis=0), column - np.median(column, axis=0)
    signal = np.zeros((96, 3))
    signal[37] = 5.0
    values = np.array([row[r] + column[c] for r, c in wells]) + signal
    obs = pd.DataFrame({"plate": "P", "well": [f"{chr(65 + r)}{c + 1:02d}" for r, c in wells]})
    data = anndata.AnnData(X=values.astype(np.float32), obs=obs.rename(index=str))
    found = Position.fit(data, PositionSettings()).transform(data).X
    np.testing.assert_allclose(found - np.median(found, axis=0), signal, atol=1e-4)


def test_a_row_with_too_few_wells_keeps_its_effect() -> None:
    data = plates(plates=1, wells=27)  # two rows of twelve, and three wells of a third
    data.X[24:] += 50
    found = Position.fit(data, PositionSettings(least=4)).transform(data).X
    assert found[24:].min() > 20
    polished = Position.fit(data, PositionSettings(least=3)).transform(data).X
    assert np.abs(np.median(polished[24:], axis=0)).max() < 20


def test_wells_of_a_row_that_no_fit_has_seen_keep_it_and_lose_their_column() -> None:
    """Held-out wells may fill the last row of a plate: the fit, which goes without them, knows no effect of that row."""
    data = plates(plates=2)
    last = data.obs["well"].str.startswith("D").to_numpy()
    fitted = Position.fit(data[~last].copy(), PositionSettings())
    found = fitted.transform(data).X
    np.testing.assert_array_equal(found[~last], fitted.transform(data[~last].copy()).X)
    for row in np.flatnonzero(last):
        plate, column = data.obs["plate"].iloc[row], int(data.obs["well"].iloc[row][1:]) - 1
        np.testing.assert_allclose(found[row], data.X[row] - fitted.learned[f"B{plate[1]}/{plate}"].column_effects[column], atol=1e-5)


def test_effects_are_tukeys_median_polish_written_out() -> None:
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(5, 7))
    row, column = np.divmod(np.arange(35), 7)
    rest = [[v - float(np.median(cells)) for v in row] for row in cells.tolist()]
    rows, columns = [0.0] * 5, [0.0] * 7
    for _ in range(10):
        for r in range(5):
            middle = median(rest[r])
            rows[r], rest[r] = rows[r] + middle, [v - middle for v in rest[r]]
        for c in range(7):
            middle = median(rest[r][c] for r in range(5))
            columns[c] += middle
            for r in range(5):
                rest[r][c] -= middle
    found = median_polish(cells.reshape(-1, 1), row, column, least=4, turns=10)
    np.testing.assert_allclose(found.row_effects[:, 0], rows, atol=1e-9)
    np.testing.assert_allclose(found.column_effects[:, 0], columns, atol=1e-9)


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_each_side_of_a_plate_loses_its_own_shift(side: str) -> None:
    rng = np.random.default_rng(2)
    row, column = np.divmod(np.arange(8 * 12), 12)
    lines = {"top": row == 0, "bottom": row == 7, "left": column == 0, "right": column == 11}
    clean = rng.normal(size=(96, 2))
    values = clean + 9.0 * lines[side][:, None]
    obs = pd.DataFrame({"plate": "P", "well": [f"{chr(65 + r)}{c + 1:02d}" for r, c in zip(row, column, strict=True)]})
    data = anndata.AnnData(X=values.astype(np.float32), obs=obs.rename(index=str))
    found = Position.fit(data).transform(data).X
    rest = ~lines[side]
    assert np.abs(np.median(found[lines[side]], axis=0) - np.median(found[rest], axis=0)).max() < 0.5
    (effects,) = Position.fit(data).learned.values()
    rows, columns = effects.row_effects, effects.column_effects
    of_side = {"top": rows[0], "bottom": rows[7], "left": columns[0], "right": columns[11]}
    assert all((np.abs(effect - 9.0).max() < 1.5) == (name == side) for name, effect in of_side.items())
    np.testing.assert_allclose(found, values - effects.row_effects[row] - effects.column_effects[column], atol=1e-5)


def test_on_controls_effects_are_those_of_the_controls() -> None:
    data = plates(plates=1, wells=48, controls=36)
    changed = data.copy()
    changed.X[36:] += 100
    chosen = PositionSettings(on="controls", least=2)
    one, two = (Position.fit(given, chosen).learned["B0/P0"] for given in (data, changed))
    np.testing.assert_array_equal(one.row_effects, two.row_effects)
    everywhere = [Position.fit(given, PositionSettings(least=2)).learned["B0/P0"] for given in (data, changed)]
    assert not np.allclose(everywhere[0].row_effects, everywhere[1].row_effects)
    assert PositionSettings() == PositionSettings(on="all", least=4, turns=10)


def test_turns_are_counted() -> None:
    rng = np.random.default_rng(3)
    cells, (row, column) = rng.normal(size=(35, 1)), np.divmod(np.arange(35), 7)
    once = median_polish(cells, row, column, least=1, turns=1)
    grand = cells - np.median(cells)
    np.testing.assert_allclose(once.row_effects[:, 0], [np.median(grand[row == r]) for r in range(5)])
    rest = grand - once.row_effects[row]
    np.testing.assert_allclose(once.column_effects[:, 0], [np.median(rest[column == c]) for c in range(7)])
