"""kBET: a plain loop, scib-metrics' own, and what is fully mixed or not at all."""

from __future__ import annotations

import numpy as np
from scipy import stats
from tests.peers import peer

from impasto.evaluation import kbet, neighbours


def _table(seed: int, *, batches: int = 3, rows: int = 90, shift: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    batch = rng.permutation(np.arange(rows) % batches)
    values = rng.normal(size=(rows, 5)) + shift * rng.normal(size=(batches, 5))[batch]
    return values.astype(np.float32), batch.astype(np.intp)


def test_each_row_is_pearsons_test_of_its_neighbours() -> None:
    values, batch = _table(0)
    batch[:20] = 0  # Batches of unequal size.
    nearest = neighbours.nearest(values, k=12)
    found = kbet.accepted(nearest, batch)
    for row in range(len(batch)):
        observed = np.bincount(batch[nearest[row]], minlength=3)
        expected = 12 * np.bincount(batch) / len(batch)
        assert found[row] == (stats.chisquare(observed, expected).pvalue >= 0.05)
    assert 0 < found.mean() < 1


def test_separate_batches_are_refused_and_one_batch_is_mixed() -> None:
    values, batch = _table(1, shift=50.0)
    nearest = neighbours.nearest(values, k=10, metric="euclidean")
    assert not kbet.accepted(nearest, batch).any()
    assert kbet.accepted(nearest, np.zeros(90, dtype=np.intp)).all()
    mixed, batch = _table(2, shift=0.0, rows=600)
    assert kbet.accepted(neighbours.nearest(mixed, k=25), batch).mean() > 0.9


def test_it_is_scib_metrics_own() -> None:
    theirs = peer("scib_metrics")
    results = peer("scib_metrics.nearest_neighbors").NeighborsResults
    for seed, batches in ((3, 2), (4, 5)):
        values, batch = _table(seed, batches=batches)
        nearest = neighbours.nearest(values, k=25)
        share, _, _ = theirs.kbet(results(indices=nearest, distances=np.ones(nearest.shape)), batch)
        assert kbet.accepted(nearest, batch).mean() == share
