"""Harmony against stored numbers of harmonypy, and written out row by row, a reference that moves with theta, sigma and ridge."""

from __future__ import annotations

import math
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from impasto.correction.harmony import Harmony, HarmonySettings
from impasto.schema import InputError

STORED = Path(__file__).with_name("harmonypy_0.0.10.csv")


def stored() -> tuple[anndata.AnnData, np.ndarray]:
    """Three batches of six kinds of profile, and what harmonypy 0.0.10 (GPL-3, not installed here) made of them."""
    table = pd.read_csv(STORED)
    given = table.filter(like="x").to_numpy(dtype=np.float32)
    return anndata.AnnData(X=given, obs=table[["batch"]].rename(index=str)), table.filter(like="z").to_numpy()


@pytest.mark.parametrize("seed", [0, 1])
def test_it_corrects_as_harmonypy_does(seed: int) -> None:
    """Both start from random clusters, so they agree closely and not to the last digit: the corrections correlate above .999."""
    data, theirs = stored()
    ours = Harmony.fit(data, HarmonySettings(seed=seed)).transform(data).X
    assert np.corrcoef((data.X - ours).ravel(), (data.X - theirs).ravel())[0, 1] > 0.999
    assert np.abs(ours - theirs).mean() < 0.03 * np.abs(data.X - theirs).mean()


def test_one_batch_and_few_rows_are_sentences() -> None:
    data, _ = stored()
    with pytest.raises(InputError, match="one batch only"):
        Harmony.fit(data[:100].copy(), HarmonySettings())
    with pytest.raises(InputError, match="at least 10 rows"):
        Harmony.fit(data[95:104].copy(), HarmonySettings())


def unit(rows: np.ndarray) -> np.ndarray:
    return np.array([row / np.linalg.norm(row) for row in rows])


def shares(z: np.ndarray, y: np.ndarray, *, sigma: float, weight: np.ndarray) -> np.ndarray:
    """R_k of one row: exp(-2 (1 - cos) / sigma), times the batch's weight, summing to one."""
    raw = np.array([math.exp(-2 * (1 - float(c @ z)) / sigma) * w for c, w in zip(y, weight, strict=True)])
    return np.asarray(raw / raw.sum())


def naive_harmony(x: np.ndarray, batch: np.ndarray, s: HarmonySettings, *, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Algorithms 1 to 3 of Korsunsky et al. 2019, as harmony.py says them; `new` are rows of a batch that comes later (Symphony)."""
    n, k, batches = len(x), s.clusters, sorted(set(batch.tolist()))
    assert k is not None
    proportion = [(batch == b).mean() for b in batches]
    rng = np.random.default_rng(s.seed)
    y = unit(KMeans(k, n_init=10, max_iter=25, random_state=s.seed).fit(unit(x)).cluster_centers_)
    corrected, later, last = x, new, math.inf

    def weights(o: np.ndarray) -> np.ndarray:
        total = o.sum(axis=0)
        return np.array([[((proportion[b] * total[c] + 1) / (o[b, c] + 1)) ** s.theta for c in range(k)] for b in range(len(batches))])

    for _ in range(s.rounds):
        z = unit(corrected)
        r = np.array([shares(z[i], y, sigma=s.sigma, weight=np.ones(k)) for i in range(n)])
        o = np.array([r[batch == b].sum(axis=0) for b in batches])
        objectives: list[float] = []
        for _ in range(20):
            y = unit(r.T @ z)
            for block in np.array_split(rng.permutation(n), 20):
                for i in block:
                    o[batches.index(batch[i])] -= r[i]
                of_batch = weights(o)
                for i in block:
                    b = batches.index(batch[i])
                    r[i] = shares(z[i], y, sigma=s.sigma, weight=of_batch[b])
                for i in block:
                    o[batches.index(batch[i])] += r[i]
            value = 0.0
            for i in range(n):
                for c in range(k):
                    value += r[i, c] * 2 * (1 - float(z[i] @ y[c])) + s.sigma * r[i, c] * math.log(max(r[i, c], 1e-300))
            for b in range(len(batches)):
                for c in range(k):
                    expected = proportion[b] * o[:, c].sum()
                    value += s.sigma * s.theta * o[b, c] * math.log((o[b, c] + 1) / (expected + 1))
            objectives.append(value)
            if len(objectives) > 3:
                old, now = sum(objectives[-4:-1]), sum(objectives[-3:])
                if abs(old - now) < 1e-5 * abs(old):
                    break
        of_batch = weights(o)
        r = np.array([shares(z[i], y, sigma=s.sigma, weight=of_batch[batches.index(batch[i])]) for i in range(n)])
        shift, intercept = np.zeros((len(batches), k, x.shape[1])), np.zeros((k, x.shape[1]))
        for c in range(k):
            design = np.array([[1.0, *(float(batch[i] == b) for b in batches)] for i in range(n)])
            weighted = design * r[:, [c]]
            solved = np.linalg.solve(weighted.T @ design + s.ridge * np.diag([0.0, *[1.0] * len(batches)]), weighted.T @ x)
            intercept[c], shift[:, c] = solved[0], solved[1:]
        corrected = np.array([x[i] - sum(r[i, c] * shift[batches.index(batch[i]), c] for c in range(k)) for i in range(n)])
        r_new = np.array([shares(row, y, sigma=s.sigma, weight=np.ones(k)) for row in unit(later)])
        own = [(r_new[:, [c]] * (new - intercept[c])).sum(axis=0) / (r_new[:, c].sum() + s.ridge) for c in range(k)]
        later = np.array([new[i] - sum(r_new[i, c] * own[c] for c in range(k)) for i in range(len(new))])
        if abs(last - objectives[-1]) < 1e-4 * abs(objectives[-1]):
            break
        last = objectives[-1]
    return corrected, later


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"theta": 0.0},
        {"theta": 1.0},
        {"theta": 4.0, "rounds": 1},
        {"sigma": 0.3},
        {"ridge": 5.0},
        {"clusters": 4, "seed": 3},
        {"rounds": 10, "theta": 0.5},
    ],
    ids=str,
)
def test_harmony_is_the_paper_written_out(changes: dict[str, float]) -> None:
    rng = np.random.default_rng(0)
    batch = np.repeat(["a", "b", "c"], [30, 20, 10])
    kinds = rng.normal(size=(3, 4)) * 3
    x = kinds[rng.integers(0, 3, 60)] + rng.normal(size=(60, 4)) + 2 * rng.normal(size=(3, 4))[np.searchsorted(["a", "b", "c"], batch)]
    new = (kinds[rng.integers(0, 3, 15)] + rng.normal(size=(15, 4)) + 2).astype(np.float32)
    x = x.astype(np.float32)
    chosen = HarmonySettings.read({"clusters": 3, "rounds": 3, "confounded": True, **changes}, where="test")
    expected, expected_new = naive_harmony(x.astype(np.float64), batch, chosen, new=new.astype(np.float64))
    data = anndata.AnnData(X=x, obs=pd.DataFrame({"batch": batch}).rename(index=str))
    later = anndata.AnnData(X=new, obs=pd.DataFrame({"batch": ["d"] * 15}).rename(index=str))
    fitted = Harmony.fit(data, chosen)
    np.testing.assert_allclose(fitted.transform(data).X, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fitted.extended(later).transform(later).X, expected_new, rtol=1e-5, atol=1e-5)


def test_defaults_are_the_authors() -> None:
    chosen = HarmonySettings()
    assert (chosen.by, chosen.clusters, chosen.sigma, chosen.theta, chosen.ridge, chosen.rounds) == ("batch", None, 0.1, 2.0, 1.0, 10)


@pytest.mark.parametrize(("rows", "clusters"), [(20, 2), (75, 2), (105, 4), (300, 10)])
def test_there_is_a_cluster_for_thirty_rows(rows: int, clusters: int) -> None:
    rng = np.random.default_rng(0)
    data = anndata.AnnData(
        X=rng.normal(size=(rows, 3)).astype(np.float32), obs=pd.DataFrame({"batch": np.arange(rows) % 2}).astype(str).rename(index=str)
    )
    fitted = Harmony.fit(data, HarmonySettings(rounds=1, confounded=True))
    assert fitted.rounds["0"].centroids.shape == (clusters, 3)
