"""Median polish takes rows and columns out."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto.correction.position import Position, PositionSettings


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
