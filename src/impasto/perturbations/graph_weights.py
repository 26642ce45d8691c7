"""Weights between perturbations, one function a source, and the weighted mean of sources.

- `by_genes`: weights between genes become weights between the perturbations of these genes.
- `by_walk`: how likely a random walk goes from one gene to the other.
- `by_images`: the cosine of mean profiles.
- `by_compounds`: pairs of compounds, by name or InChIKey.

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, section 4.1.1 and appendix B.2.

Departures: the paper says "combine and normalize" and no more. Division by the largest weight and a weighted mean are ours. A missing
edge counts as 0. Weights are rounded to six decimals, so that a file has the same bytes wherever it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.perturbations.graph import KNOWN_AS, Weights, places
from impasto.schema import InputError


def by_genes(nodes: pd.DataFrame, between: sparse.csr_matrix, genes: Sequence[str], /) -> Weights:
    """Weights between nodes from weights between genes: the strongest over their genes, 1 where they share one.

    Parameters
    ----------
    nodes
        Of a graph.
    between
        Weights of genes (genes, genes), symmetric.
    genes
        Their symbols.

    Returns
    -------
    Weights
        (nodes, nodes), symmetric.

    """
    named = [[g for g in text.split("|") if g] for text in nodes["genes"]]
    measured = sorted({g for own_genes in named for g in own_genes})
    place = {gene: i for i, gene in enumerate(measured)}
    # From the genes of the relations to those measured; a gene that no relation names still relates two of its own perturbations.
    chosen = [(place[gene], i) for i, gene in enumerate(genes) if gene in place]
    rows, columns = [r for r, _ in chosen], [c for _, c in chosen]
    pick = sparse.csr_matrix((np.ones(len(chosen)), (rows, columns)), shape=(len(measured), len(genes)))
    between = (pick @ between @ pick.T).tocsr()
    own = [[place[g] for g in own_genes] for own_genes in named]
    reach = np.zeros((len(nodes), len(measured)))
    for row, own_genes in enumerate(own):
        if own_genes:
            reach[row] = np.asarray(between[own_genes].max(axis=0).todense()).ravel()
            reach[row, own_genes] = 1.0
    weights = np.zeros((len(nodes), len(nodes)))
    for column, own_genes in enumerate(own):
        if own_genes:
            weights[:, column] = reach[:, own_genes].max(axis=1)
    return np.maximum(weights, weights.T)


def adjacency(pairs: pd.DataFrame, /) -> tuple[sparse.csr_matrix, list[str]]:
    """Pairs of genes as a symmetric matrix.

    Parameters
    ----------
    pairs
        Columns gene1, gene2, and a score where there is one (1 by default).

    Returns
    -------
    tuple[sparse.csr_matrix, list[str]]
        (genes, genes), and the genes, sorted.

    """
    genes = sorted({*pairs["gene1"], *pairs["gene2"]})
    place = {gene: i for i, gene in enumerate(genes)}
    first, second = pairs["gene1"].map(place).to_numpy(dtype=np.intp), pairs["gene2"].map(place).to_numpy(dtype=np.intp)
    score = pairs["score"].to_numpy(dtype=np.float64) if "score" in pairs else np.ones(len(pairs))
    half = sparse.coo_matrix((score, (first, second)), shape=(len(genes), len(genes))).tocsr()
    return half.maximum(half.T).tocsr(), genes


def walk(between: sparse.csr_matrix, start: npt.NDArray[np.intp], /, *, steps: int = 5, average: bool = False) -> Weights:
    """Where a random walk stands; each step goes along an edge in proportion to its weight.

    Parameters
    ----------
    between
        Weights (genes, genes).
    start
        Numbers of the genes to start from.
    steps
        Of the walk.
    average
        Whether the mean over the steps counts, not the last one.

    Returns
    -------
    Weights
        (starts, genes); rows sum to one.

    """
    degree = np.asarray(between.sum(axis=1)).ravel()
    step = sparse.diags(1 / np.where(degree > 0, degree, 1.0)) @ between
    here = sparse.identity(between.shape[0], format="csr")[start]
    visited = np.zeros((len(start), between.shape[0]))
    for _ in range(steps):
        here = (here @ step).tocsr()
        visited += here.toarray() / steps
    return visited if average else here.toarray()


def by_walk(nodes: pd.DataFrame, pairs: pd.DataFrame, /, *, steps: int, average: bool) -> Weights:
    """Weights between nodes from a random walk over all the genes that the pairs name, measured or not.

    Parameters
    ----------
    nodes
        Of a graph.
    pairs
        Columns gene1, gene2, and a score where there is one.
    steps
        Of the walk.
    average
        Whether the mean over the steps counts, not the last one.

    Returns
    -------
    Weights
        (nodes, nodes), symmetric.

    """
    between, genes = adjacency(pairs)
    measured = sorted({g for text in nodes["genes"] for g in text.split("|") if g} & set(genes))
    place = {gene: i for i, gene in enumerate(genes)}
    start = np.array([place[g] for g in measured], dtype=np.intp)
    if not len(start):
        return np.zeros((len(nodes), len(nodes)))
    there = walk(between, start, steps=steps, average=average)[:, start]
    likely = (there + there.T) / 2
    # Where a walk returns to says nothing about two genes; two perturbations of one gene get 1 below, so scale before that.
    np.fill_diagonal(likely, 0)
    return by_genes(nodes, sparse.csr_matrix(likely / (likely.max() or 1.0)), measured)


def by_images(nodes: pd.DataFrame, profiles: anndata.AnnData, /) -> Weights:
    """Cosine of mean profiles, nothing below 0; a node without a row is related to none.

    Parameters
    ----------
    nodes
        Of a graph.
    profiles
        Profiles of perturbations that may be learned from.

    Returns
    -------
    Weights
        (nodes, nodes), symmetric.

    Raises
    ------
    InputError
        Where values are missing or infinite.

    """
    codes = places(nodes, profiles.obs)
    values = tables.dense(profiles)
    if not np.isfinite(values).all():
        raise InputError("the profiles of image similarity hold missing or infinite values; run: impasto correct --method select")
    means = np.zeros((len(nodes), values.shape[1]))
    seen = np.unique(codes[codes >= 0])
    for code in seen:
        means[code] = values[codes == code].mean(axis=0, dtype=np.float64)
    if len(seen):
        means[seen] -= means[seen].mean(axis=0)
    unit = ranking.unit(means)
    weights = np.maximum(np.asarray(unit @ unit.T, dtype=np.float64), 0.0)
    absent = np.setdiff1d(np.arange(len(nodes)), seen)
    weights[absent] = weights[:, absent] = 0.0
    return weights


def by_compounds(nodes: pd.DataFrame, pairs: pd.DataFrame, /) -> Weights:
    """Weights of pairs of compounds between nodes of the same names or InChIKeys.

    Parameters
    ----------
    nodes
        Of a graph.
    pairs
        Columns compound1, compound2, score.

    Returns
    -------
    Weights
        (nodes, nodes), symmetric.

    """
    renamed = pairs.rename(columns={"compound1": "gene1", "compound2": "gene2"})
    between, names = adjacency(renamed)
    return by_genes(nodes.assign(genes=["|".join(sorted({n.upper() for n in known})) for known in nodes[KNOWN_AS]]), between, names)


def combine(parts: Mapping[str, Weights], /, *, shares: Mapping[str, float] | None = None) -> Weights:
    """The weighted mean of sources, each divided by its largest weight.

    Parameters
    ----------
    parts
        Source -> weights (nodes, nodes).
    shares
        Source -> its share; 1 by default.

    Returns
    -------
    Weights
        (nodes, nodes), symmetric, zero diagonal, at most 1.

    Raises
    ------
    InputError
        Where a share is below 0 or of an unknown source, or no share is above 0.

    """
    share_of = dict(shares or {})
    for name, share in share_of.items():
        schema.one_of(name, parts, what="source of a graph")
        if share < 0:
            raise InputError(f"the share of {name} is {share}; a share is 0 or more")
    whole = sum(share_of.get(name, 1.0) for name in parts)
    if not whole:
        raise InputError("no source of the graph has a share above 0; give at least one relation file")
    total = np.zeros_like(next(iter(parts.values())))
    for name in sorted(parts):
        single = (parts[name] + parts[name].T) / 2
        np.fill_diagonal(single, 0.0)
        total += share_of.get(name, 1.0) / whole * single / (single.max() or 1.0)
    return np.round(total, 6)
