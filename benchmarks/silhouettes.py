"""Silhouettes by cosine against scikit-learn; of batches within labels against scib-metrics, where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
from sklearn.metrics import silhouette_samples

from benchmarks.timing import Row, beside
from impasto.evaluation import silhouette

LINES = np.repeat(
    [46, 58, 59, 60, 84, 105, 109, 110, 111, 112, 114, 115, 117, 118, 119, 120, 164, 596],
    [1, 1, 1, 18, 1, 1, 1, 1, 1, 1, 1, 1, 2, 5, 2, 3, 1, 1],
)
"""Wells of each cell line of a real table (24 plates of the Pediatric Cell Atlas): scib-metrics is compiled anew for every size."""


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
        for number in (10_000, 50_000):
            values, labels = _table(number)
            what = f"silhouette of 5 batches in 100 labels of equal size, {number:,} x 256"
            yield _batches(what, values, labels, note="compiled by calls before")
        labels = np.repeat(np.arange(len(LINES)), LINES)
        values, what = (
            _table(len(labels))[0],
            f"silhouette of 5 batches in {len(LINES)} cell lines of 46 to 596 wells, {len(labels):,} x 256",
        )
        yield _batches(f"{what}, first call", values, labels, note="as a process calls it first, compilation included", anew=True, times=1)
        yield _batches(f"{what}, later calls", values, labels, note="compiled by calls before, on just these sizes")


def _table(number: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(size=(number, 256)).astype(np.float32), np.arange(number) % 100


def _batches(what: str, values: np.ndarray, labels: np.ndarray, *, note: str, anew: bool = False, times: int = 3) -> Row:
    """`silhouette_batch(values, labels, batches, metric="cosine")`; `anew` forgets what JAX has compiled before each call."""
    import jax
    from scib_metrics import silhouette_batch

    batches = np.random.default_rng(1).integers(0, 5, len(labels))
    found = {}

    def ours() -> None:
        found["ours"] = silhouette.of_batches(values, labels, batches).mean()

    def theirs() -> None:
        if anew:
            jax.clear_caches()
        found["theirs"] = silhouette_batch(values, labels, batches, metric="cosine")

    row = beside(what, ours, theirs, peer="scib-metrics", aim=100, times=times, note=note)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=1e-5)
    return row
