"""The parts of a round of Harmony against their equations; a fit in files, and one that was killed, against the fit in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.correction import harmony, harmony_rounds
from impasto.correction.harmony_rounds import Constants, assignment, intercepts_of, shift, unit


def test_shifts_and_intercepts_are_the_ridge_regression_solved_whole() -> None:
    rng = np.random.default_rng(0)
    values, share, batch = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2)), rng.integers(0, 3, 40)
    groups = [np.flatnonzero(batch == b) for b in range(3)]
    mass = np.array([share[rows].sum(axis=0) for rows in groups])
    total = np.array([share[rows].T @ values[rows] for rows in groups])
    intercepts = intercepts_of(mass, total, ridge=0.7)
    for k in range(2):
        design = np.concatenate([np.ones((40, 1)), np.eye(3)[batch]], axis=1)
        penalty = np.diag([0.0, 0.7, 0.7, 0.7])
        weighted = design.T * share[:, k]
        solved = np.linalg.solve(weighted @ design + penalty, weighted @ values)
        np.testing.assert_allclose(intercepts[k], solved[0], rtol=1e-9)
        for b in range(3):
            np.testing.assert_allclose(shift(mass[b], total[b], intercepts, ridge=0.7)[k], solved[1 + b], rtol=1e-9)


def test_assignment_is_the_formula() -> None:
    rng = np.random.default_rng(1)
    rows, centroids, weights = rng.normal(size=(5, 4)), rng.normal(size=(3, 4)), rng.uniform(1, 2, 3)
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    found = assignment(unit(rows), centroids, weights, sigma=0.1)
    for i in range(5):
        raw = [np.exp(-2 * (1 - centroids[k] @ rows[i] / np.linalg.norm(rows[i])) / 0.1) * weights[k] for k in range(3)]
        np.testing.assert_allclose(found[i], np.array(raw) / sum(raw), rtol=1e-9)


def rows_of_batches(n: int = 300, *, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """Three kinds of profile in four batches of unlike size, in no order."""
    rng = np.random.default_rng(seed)
    batch = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    x = rng.normal(size=(3, 6))[rng.integers(0, 3, n)] * 3 + rng.normal(size=(n, 6)) + 2 * rng.normal(size=(4, 6))[batch]
    return x.astype(np.float32), [np.flatnonzero(batch == b) for b in range(4)]


def mapped_copy(values: np.ndarray, path: Path) -> np.ndarray:
    values.tofile(path)
    return np.memmap(path, dtype=np.float32, mode="r", shape=values.shape)


def same(one: harmony_rounds.Rounds, other: harmony_rounds.Rounds) -> None:
    assert len(one.rounds) == len(other.rounds)
    for a, b in zip(one.rounds, other.rounds, strict=True):
        for name in ("centroids", "intercepts", "weights", "objective"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(one.shifts, other.shifts)


CHOSEN = Constants(clusters=5, sigma=0.1, theta=2.0, ridge=1.0, rounds=4, seed=1)


@pytest.mark.parametrize("block", [7, 64, 4096])
def test_rows_in_a_file_give_the_bits_of_rows_in_memory(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harmony_rounds, "_BLOCK", block)
    values, groups = rows_of_batches()
    held = harmony_rounds.fit(values, groups, CHOSEN, None)
    same(harmony_rounds.fit(mapped_copy(values, tmp_path / "rows"), groups, CHOSEN, None), held)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"], "scratch files are gone with the arrays"


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_fit_goes_on_after_the_last_round_that_was_kept(done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = rows_of_batches()
    held = harmony_rounds.fit(values, groups, CHOSEN, None)
    assert len(held.rounds) == 4

    class Stop(BaseException):
        pass

    keep = harmony_rounds._Fit._keep

    def stopping(self, scratch, number, *rest):
        keep(self, scratch, number, *rest)
        if number == done - 1:
            raise Stop

    monkeypatch.setattr(harmony_rounds._Fit, "_keep", stopping)
    with pytest.raises(Stop):
        harmony_rounds.fit(values, groups, CHOSEN, tmp_path)
    monkeypatch.setattr(harmony_rounds._Fit, "_keep", keep)
    first = next(iter(sorted(tmp_path.iterdir())))
    written = first.stat().st_mtime_ns
    turns = []
    real = harmony_rounds._Fit._clustered
    monkeypatch.setattr(harmony_rounds._Fit, "_clustered", lambda self, *a: turns.append(1) or real(self, *a))
    same(harmony_rounds.fit(values, groups, CHOSEN, tmp_path), held)
    assert len(turns) == 4 - done
    assert first.stat().st_mtime_ns == written
    same(harmony_rounds.fit(values, groups, CHOSEN, tmp_path), held)
    assert len(turns) == 4 - done, "all rounds were there"


def test_a_fit_that_stood_still_does_not_go_on_when_it_is_taken_up(tmp_path: Path) -> None:
    values, groups = rows_of_batches()
    values = values[np.concatenate(groups)] * 0 + np.random.default_rng(2).normal(size=values.shape).astype(np.float32)
    chosen = Constants(clusters=2, sigma=0.5, theta=0.0, ridge=1.0, rounds=10, seed=0)
    held = harmony_rounds.fit(values, groups, chosen, tmp_path)
    assert 1 < len(held.rounds) < 10
    same(harmony_rounds.fit(values, groups, chosen, tmp_path), held)


def test_above_a_number_of_rows_the_first_centroids_are_those_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = rows_of_batches()
    seen = []

    class Counting:
        def __init__(self, *_: object, **__: object) -> None: ...

        def fit(self, rows: np.ndarray) -> Counting:
            seen.append(len(rows))
            self.cluster_centers_ = rows[:5]
            return self

    monkeypatch.setattr("sklearn.cluster.KMeans", Counting)
    harmony_rounds.fit(values, groups, CHOSEN, None)
    assert f"Above {harmony_rounds.MOST_FOR_CENTROIDS:,} rows the first centroids are those of as many" in str(harmony.__doc__)
    monkeypatch.setattr(harmony_rounds, "MOST_FOR_CENTROIDS", 100)
    harmony_rounds.fit(values, groups, CHOSEN, None)
    assert seen == [300, 100]
