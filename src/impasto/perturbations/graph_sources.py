"""From files of relations to the perturbation relational graph: which files, how each joins, what each does not know."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto.perturbations import databases, graph_weights, relations, stitch
from impasto.perturbations import graph as graphs
from impasto.perturbations.graph import KNOWN_AS, NODE, SUMMARY, Graph, Weights
from impasto.perturbations.graph_settings import SourceSettings
from impasto.schema import InputError


def build(obs: pd.DataFrame, settings: SourceSettings, /, *, profiles: anndata.AnnData | None = None) -> Graph:
    """The graph of the perturbations of a table.

    Parameters
    ----------
    obs
        Annotation of n rows.
    settings
        Which files of relations, and how they count.
    profiles
        Those of `settings.images`, read.

    Returns
    -------
    Graph
        The graph.

    Raises
    ------
    InputError
        Where no source is set, or where none relates two of the perturbations.

    """
    nodes = graphs.nodes_of(obs)
    parts: dict[str, Weights] = {}
    unknown: dict[str, list[str]] = {}
    rows: list[tuple[object, ...]] = []

    def add(name: str, weights: Weights, *, pairs: int, missing: set[str], known: int) -> None:
        parts[name], unknown[name] = weights, sorted(missing)
        rows.append((name, pairs, len(nodes), known, *_edges(weights)))

    for name, pairs in _gene_pairs(settings).items():
        own = [set(text.split("|")) - {""} for text in nodes["genes"]]
        genes = set(pairs["gene1"].unique()) | set(pairs["gene2"].unique())
        if name == "hetionet":
            weights = graph_weights.by_walk(nodes, pairs, steps=settings.steps, average=settings.average)
        else:
            # Of millions of pairs only those between genes of the nodes count.
            measured = list(set().union(*own))
            inside = pairs[pairs["gene1"].isin(measured) & pairs["gene2"].isin(measured)]
            weights = graph_weights.by_genes(nodes, *graph_weights.adjacency(inside))
        known = sum(bool(genes_of_node & genes) for genes_of_node in own)
        add(name, weights, pairs=len(pairs), missing=set().union(*own) - genes, known=known)
    if settings.stitch is not None:
        among = {name for names in nodes[KNOWN_AS] for name in names}
        links = stitch.read_stitch_chemicals(
            settings.stitch, inchikeys=settings.stitch_inchikeys, threshold=settings.threshold, among=among
        )
        linked = {*links["compound1"], *links["compound2"]}
        missing = {n for n, known in zip(nodes[NODE], nodes[KNOWN_AS], strict=True) if not linked & {k.upper() for k in known}}
        add("stitch", graph_weights.by_compounds(nodes, links), pairs=len(links), missing=missing, known=len(nodes) - len(missing))
    if profiles is not None:
        missing = set(nodes[NODE].drop(index=[p for p in graphs.places(nodes, profiles.obs) if p >= 0]))
        add("images", graph_weights.by_images(nodes, profiles), pairs=0, missing=missing, known=len(nodes) - len(missing))
    if not parts:
        raise InputError("no source of relations is given; give at least one, for example --string stringdb_pairs.csv.gz")
    whole = graph_weights.combine(parts, shares=settings.shares)
    if not whole.any():
        raise InputError(
            f"none of {', '.join(parts)} relates two of the {len(nodes)} perturbations; give other relations, or check that "
            "the columns gene and targets hold symbols"
        )
    rows.append(("all, combined", sum(int(str(r[1])) for r in rows), len(nodes), int(whole.any(axis=1).sum()), *_edges(whole)))
    return Graph(nodes, whole, pd.DataFrame(rows, columns=list(SUMMARY)), unknown)


def _edges(weights: Weights) -> tuple[int, float]:
    """The number of edges, and their share of all pairs of nodes."""
    edges = int(np.count_nonzero(np.triu(weights, 1)))
    return edges, round(edges / (len(weights) * (len(weights) - 1) // 2), 4)


def _gene_pairs(settings: SourceSettings) -> dict[str, pd.DataFrame]:
    """Name of a source -> its pairs of genes."""
    pairs_of: dict[str, pd.DataFrame] = {}
    if settings.string is not None:
        pairs_of["string"] = databases.read_string_scores(settings.string, names=settings.string_names, threshold=settings.threshold)
    if settings.hetionet is not None:
        pairs_of["hetionet"] = databases.read_hetionet(settings.hetionet, nodes=settings.hetionet_nodes)
    for name, pairs in relations.read_all(settings.pairs).items():
        if name in pairs_of:
            raise InputError(f"the source {name!r} is given twice; name each database once")
        pairs_of[name] = pairs
    return pairs_of
