"""The receipt: shares explained and replicates' signal against the naive ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction import receipt as receipts
from impasto.correction.receipt import receipt, replicate_signal
from impasto.correction.standardize import Standardize, StandardizeSettings


def test_the_receipt_sees_a_plate_effect_go() -> None:
    data = plates(shift=5.0)
    after = Standardize.fit(data, StandardizeSettings()).transform(data)
    balance = receipt(data, after, methods=[])
    assert balance["explained"]["plate"]["before"] > 0.3
    assert balance["explained"]["plate"]["after"] < 0.05


def test_replicate_signal_is_the_naive_mean() -> None:
    data = plates(plates=2, wells=24, controls=18)
    rows = np.flatnonzero(~control_rows(data))
    x = data.X.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    same, other = [], []
    for i in rows:
        for j in rows:
            if data.obs["plate"].iloc[i] != data.obs["plate"].iloc[j]:
                (same if data.obs["perturbation"].iloc[i] == data.obs["perturbation"].iloc[j] else other).append(x[i] @ x[j])
    assert replicate_signal(data) == pytest.approx(np.mean(same) - np.mean(other), abs=1e-5)


def test_without_replicates_on_other_plates_there_is_no_signal() -> None:
    assert replicate_signal(plates(plates=1)) is None
    data = plates(plates=2)
    del data.obs["perturbation"]
    assert replicate_signal(data) is None


def test_factors_are_source_batch_plate_row_column_and_count() -> None:
    data = plates(plates=3)
    data.obs["source"] = np.where(data.obs["plate"] == "P0", "S0", "S1")
    data.obs["cell_count"] = np.arange(120)
    row = np.array([ord(w[0]) for w in data.obs["well"]])
    column = np.array([int(w[1:]) for w in data.obs["well"]])
    x = data.X.astype(np.float64)
    limit = np.quantile(np.abs(x), 0.999, axis=0)
    z = np.clip(x, -limit, limit)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    explained = receipt(data, data, methods=[])["explained"]
    assert list(explained) == ["source", "batch", "plate", "row", "column", "cell count"]
    for name, labels in (("source", data.obs["source"]), ("plate", data.obs["plate"]), ("row", row), ("column", column)):
        means = np.array([z[labels == label].mean(axis=0) for label in np.unique(labels)])
        counts = np.array([(labels == label).sum() for label in np.unique(labels)])
        chance = (len(counts) - 1) / 119
        expected = max(0.0, ((counts @ means**2 / 120).mean() - chance) / (1 - chance))
        assert explained[name] == {"before": pytest.approx(expected), "after": pytest.approx(expected)}
    squared = np.mean([np.corrcoef(column_of_z, np.arange(120.0))[0, 1] ** 2 for column_of_z in z.T])
    assert explained["cell count"]["before"] == pytest.approx((squared - 1 / 119) / (1 - 1 / 119))


def test_plates_of_one_name_in_two_batches_are_two_factors_levels() -> None:
    data = plates(plates=3)
    own = receipt(data, data, methods=[])
    data.obs["plate"] = "plate 1"
    assert receipt(data, data, methods=[]) == own


def test_unknown_and_empty_wells_and_other_doses_are_no_replicates() -> None:
    data = plates(plates=2, wells=24, controls=18)
    expected = replicate_signal(data)
    more = plates(plates=2, wells=27, controls=18)
    extra = more.obs["perturbation"].isin(["c24", "c25", "c26"]).to_numpy()
    kinds = more.obs["control_type"].to_numpy(dtype=object, copy=True)
    kinds[extra] = ["empty", "unknown", "trt"] * 2
    names = more.obs["perturbation"].to_numpy(dtype=object, copy=True)
    names[np.flatnonzero(extra)[[2, 5]]] = None  # treated, by nobody knows what
    more.obs["control_type"], more.obs["perturbation"] = kinds, names
    more.X[~extra] = data.X
    assert replicate_signal(more) == pytest.approx(expected)
    data.obs["concentration"] = np.where(data.obs["plate"] == "P0", 1.0, 10.0)
    assert replicate_signal(data) is None  # no well has a replicate at its own dose


def test_of_a_large_table_rows_are_drawn_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = plates(plates=3, wells=40)
    whole = receipt(data, data, methods=[])
    assert "drawn" not in whole
    monkeypatch.setattr(receipts, "ROWS_FOR_LIMITS", 119)
    monkeypatch.setattr(receipts, "ROWS_FOR_SIGNAL", 60)
    drawn = receipt(data, data, methods=[], seed=1)
    assert drawn["drawn"] == {"limits": 120, "signal": 60}
    assert drawn["signal"] != whole["signal"]
    assert drawn["explained"] == whole["explained"]
    assert receipt(data, data, methods=[], seed=1) == drawn
    assert receipts.drawn_rows(5, 9, seed=(0, 0)).tolist() == [0, 1, 2, 3, 4]
    assert sorted(receipts.drawn_rows(9, 9, seed=(0, 0)).tolist()) == list(range(9))
    assert len(set(receipts.drawn_rows(9, 4, seed=(0, 0)).tolist())) == 4
