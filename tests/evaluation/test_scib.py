"""Mixing and conservation against stored numbers of scib-metrics 0.5.10 (its jax is not installed here)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto.evaluation import neighbours, silhouette


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("scib_metrics_0.5.10.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("metric", silhouette.METRICS)
def test_silhouettes_are_its_silhouettes(stored: dict[str, Any], metric: str) -> None:
    values, labels, batches = np.array(stored["x"], dtype=np.float32), np.array(stored["labels"]), np.array(stored["batches"])
    found = silhouette.of_batches(values, labels, batches, metric=metric).mean()
    assert found == pytest.approx(stored["scores"][f"silhouette batch {metric}"], abs=1e-5)
    label = (silhouette.samples(values, labels, metric=metric).mean() + 1) / 2
    assert label == pytest.approx(stored["scores"][f"silhouette label {metric}"], abs=1e-5)


def test_strong_components_are_its_graph_connectivity(stored: dict[str, Any]) -> None:
    """It counts a row among its own neighbours, which joins nothing: its 6 are 5 others."""
    values, labels = np.array(stored["x"], dtype=np.float32), np.array(stored["labels"])
    found = neighbours.connectivity(neighbours.nearest(values, k=5, metric="euclidean"), labels, strong=True).mean()
    assert found == pytest.approx(stored["scores"]["graph connectivity k=6 with self"], abs=1e-9)
