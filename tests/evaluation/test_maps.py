"""Components and neighbours, written where scanpy writes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors
from tests.evaluation.small import plates

from impasto.evaluation import maps
from impasto.schema import InputError


def test_components_are_those_of_the_centred_features() -> None:
    data = plates()
    assert maps.pca(data, components=3) is None
    centred = data.X - data.X.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.cov(centred.T.astype(np.float64)))
    scores = data.obsm["X_pca"]
    assert scores.shape == (54, 3)
    np.testing.assert_allclose(np.abs(scores), np.abs(centred @ vectors[:, ::-1][:, :3]), atol=1e-4)
    np.testing.assert_allclose(centred @ data.varm["PCs"], scores, atol=1e-4)
    np.testing.assert_allclose(data.uns["pca"]["variance"], variance[::-1][:3], rtol=1e-4)
    np.testing.assert_allclose(data.uns["pca"]["variance_ratio"], variance[::-1][:3] / variance.sum(), rtol=1e-4)


def test_a_copy_leaves_the_table_as_it_was_and_a_dataframe_gives_profiles() -> None:
    data = plates()
    copy = maps.pca(data, copy=True)
    assert copy is not None
    assert "X_pca" in copy.obsm
    assert "X_pca" not in data.obsm
    assert data.obsm.keys() == plates().obsm.keys()
    frame = pd.concat([data.obs.add_prefix("Metadata_").reset_index(drop=True), pd.DataFrame(data.X).add_prefix("Cells_Texture_F")], axis=1)
    made = maps.nearest(frame, k=3)
    assert made is not None
    assert made.obsp["distances"].shape == (54, 54)
    prefixed = plates()
    prefixed.obs.columns = "Metadata_" + prefixed.obs.columns
    assert maps.pca(prefixed) is None
    assert prefixed.obsm["X_pca"].shape == (54, 6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_those_of_scikit_learn(metric: str) -> None:
    data = plates()
    maps.nearest(data, k=4, metric=metric)  # type: ignore[arg-type]
    distance, index = NearestNeighbors(n_neighbors=5, metric=metric).fit(data.X).kneighbors(data.X)
    graph = data.obsp["distances"].toarray()
    expected = np.zeros_like(graph)
    np.put_along_axis(expected, index[:, 1:], distance[:, 1:], axis=1)
    np.testing.assert_allclose(graph, expected, atol=1e-5)
    both = data.obsp["connectivities"].toarray()
    np.testing.assert_array_equal(both > 0, (expected > 0) | (expected > 0).T)
    np.testing.assert_array_equal(both, both.T)
    assert data.uns["neighbors"]["params"] == {"n_neighbors": 4, "metric": metric, "method": "exact"}


def test_too_small_a_table_is_a_sentence() -> None:
    with pytest.raises(InputError, match="pca needs two rows and two features"):
        maps.pca(plates()[:1].copy())
    with pytest.raises(InputError, match="neighbours needs two rows"):
        maps.nearest(plates()[:1].copy())
