"""Silhouettes by cosine against scikit-learn; of batches within labels against scib-metrics, where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
from sklearn.metrics import silhouette_samples

from benchmarks.timing import Row, beside
from impasto.evaluation import silhouette


def rows() -> Iterator[Row]:
    for number, times in ((10_000, 3), (50_000, 1)):
        values, codes = _table(number)
        yield beside(
            f"cosine silhouettes, {number:,} x 256",
            lambda values=values, codes=codes: silhouette.samples(values, codes),
            lambda values=values, codes=codes: silhouette_samples(values, codes, metric="cosine"),
            peer="scikit-learn",
            aim=20,
            times=times,
        )
    if importlib.util.find_spec("scib_metrics"):
        yield _batches(10_000)
        yield _batches(50_000)


def _table(number: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(size=(number, 256)).astype(np.float32), np.arange(number) % 100


def _batches(number: int) -> Row:
    from scib_metrics import silhouette_batch

    values, labels = _table(number)
    batches = np.random.default_rng(1).integers(0, 5, len(labels))
    found = {}

    def ours() -> None:
        found["ours"] = silhouette.of_batches(values, labels, batches).mean()

    def theirs() -> None:
        found["theirs"] = silhouette_batch(values, labels, batches, metric="cosine")

    row = beside(f"silhouette of 5 batches in 100 labels, {number:,} x 256", ours, theirs, peer="scib-metrics", aim=100)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=1e-5)
    return row
