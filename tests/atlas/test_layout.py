"""The map of an index."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.atlas import layout


def test_an_index_of_one_row_has_a_map_too() -> None:
    places, how = layout.flatten(np.ones((1, 3), np.float32), seed=0)
    assert how == "pca"
    np.testing.assert_array_equal(places, np.zeros((1, 2)))


def test_without_umap_the_map_is_the_first_two_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    vectors = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    places, how = layout.flatten(vectors, seed=0)
    assert how == "pca"
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(places), np.abs(u[:, :2] * s[:2]), atol=1e-4)  # a component's sign is free
    flat, _ = layout.flatten(vectors[:, :1], seed=0)
    assert not flat[:, 1].any()


def test_umap_brings_groups_together_and_moves_nothing_at_the_next_build() -> None:
    pytest.importorskip("umap")
    rng = np.random.default_rng(0)
    group = np.arange(60) % 3
    vectors = (np.eye(3)[group] + 0.05 * rng.normal(size=(60, 3))).astype(np.float32)
    places, how = layout.flatten(vectors, seed=0)
    assert how == "umap"
    np.testing.assert_array_equal(layout.flatten(vectors, seed=0)[0], places)
    centres = np.array([places[group == g].mean(axis=0) for g in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == group).all()
