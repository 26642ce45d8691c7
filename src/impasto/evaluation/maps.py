"""Components, neighbours and flat maps of profiles, written where scanpy writes them, so that its functions go on from there."""

from __future__ import annotations

import anndata
import numpy as np
from scipy import sparse

from impasto import ranking, wells
from impasto.evaluation import inputs, neighbours
from impasto.evaluation.inputs import Table
from impasto.evaluation.silhouette import Metric
from impasto.schema import InputError


def written_to(table: Table, profiles: anndata.AnnData, /, *, copy: bool) -> anndata.AnnData:
    """What results are written to: the AnnData given, or new Profiles for another table and where a copy is asked for.

    Parameters
    ----------
    table
        What the user gave.
    profiles
        Profiles made of it, for a DataFrame or a folder of plates.
    copy
        Whether the AnnData given stays as it is.

    Returns
    -------
    anndata.AnnData
        The AnnData given, a copy of it, or `profiles`.

    """
    if not isinstance(table, anndata.AnnData):
        return profiles
    return table.copy() if copy else table


def pca(profiles: Table, /, *, components: int = 50, copy: bool = False) -> anndata.AnnData | None:
    """Principal components of the features, centred and not scaled.

    Parameters
    ----------
    profiles
        n rows of d features; correct them first.
    components
        How many; fewer where the table is smaller.
    copy
        Whether a copy is returned instead of writing to `profiles`. A DataFrame always gives new Profiles.

    Returns
    -------
    anndata.AnnData | None
        None, or the copy. Written: `obsm["X_pca"]` (n, k), `varm["PCs"]` (d, k), `uns["pca"]` (variance, variance_ratio (k,), params).

    Raises
    ------
    InputError
        With fewer than two rows or two features.

    """
    from sklearn.decomposition import PCA

    ours = inputs.as_profiles(profiles, task="pca", joint=True)
    values = wells.finite(ours, task="pca")
    if min(values.shape) < 2:
        raise InputError(f"pca needs two rows and two features, and the table has {values.shape[0]} rows of {values.shape[1]} features")
    k = min(components, values.shape[0] - 1, values.shape[1])
    model = PCA(k, svd_solver="covariance_eigh" if values.shape[1] <= 5000 else "full")
    target = written_to(profiles, ours, copy=copy)
    target.obsm["X_pca"] = np.asarray(model.fit_transform(values), dtype=np.float32)
    target.varm["PCs"] = np.asarray(model.components_.T, dtype=np.float32)
    target.uns["pca"] = {
        "variance": model.explained_variance_,
        "variance_ratio": model.explained_variance_ratio_,
        "params": {"zero_center": True, "n_comps": k},
    }
    return None if target is profiles else target


def nearest(profiles: Table, /, *, k: int = 15, metric: Metric = "cosine", copy: bool = False) -> anndata.AnnData | None:
    """The k nearest other rows of every row, exact, as two sparse graphs.

    Departure: scanpy weighs connectivities by UMAP's kernel; here every neighbour counts one, in both directions.

    Parameters
    ----------
    profiles
        n rows.
    k
        Neighbours of a row.
    metric
        `cosine` or `euclidean`.
    copy
        Whether a copy is returned instead of writing to `profiles`. A DataFrame always gives new Profiles.

    Returns
    -------
    anndata.AnnData | None
        None, or the copy. Written: `obsp["distances"]` (n, n; k a row), `obsp["connectivities"]` (n, n; symmetric), `uns["neighbors"]`.

    Raises
    ------
    InputError
        With fewer than two rows.

    """
    ours = inputs.as_profiles(profiles, task="neighbours", joint=True)
    values = wells.finite(ours, task="neighbours")
    if len(values) < 2:
        raise InputError("neighbours needs two rows or more")
    nearby = neighbours.nearest(values, k=k, metric=metric)
    graph = neighbours.adjacency(nearby)
    rows = np.repeat(np.arange(len(values)), nearby.shape[1])
    apart = values.astype(np.float64) if metric == "euclidean" else ranking.unit(values).astype(np.float64)
    difference = apart[rows] - apart[nearby.ravel()]
    square = np.einsum("ij,ij->i", difference, difference)
    # Of unit rows, 1 - cosine is half the squared distance.
    distance = np.sqrt(square) if metric == "euclidean" else square / 2
    target = written_to(profiles, ours, copy=copy)
    target.obsp["distances"] = sparse.csr_matrix((distance, nearby.ravel(), graph.indptr), shape=graph.shape)
    target.obsp["connectivities"] = graph.maximum(graph.T).tocsr()
    target.uns["neighbors"] = {
        "connectivities_key": "connectivities",
        "distances_key": "distances",
        "params": {"n_neighbors": nearby.shape[1], "metric": metric, "method": "exact"},
    }
    return None if target is profiles else target
