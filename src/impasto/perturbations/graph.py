"""The perturbation relational graph: which perturbations ought to look alike, from what biology knows.

Nodes are the perturbations of a table; the weight of an edge is the mean over sources, each divided by its largest weight:

- `string`: STRING's combined score / 1000, of links at or above a threshold of 200;
- `hetionet`: how likely a random walk of 5 steps on Hetionet's gene-gene edges goes from one gene to the other, the mean of both ways;
- `pairs`: lists of pairs, each 1;
- `images`: cosine of the perturbations' mean profiles, nothing below 0;
- `stitch`: STITCH's chemical-chemical score / 1000, joined by InChIKey.

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, Definition 3.1, section 4.1.1, appendix B.2.

A perturbation joins the gene sources by what it edits, silences or over-expresses (the first gene where there are several) or, a
compound, by all its known targets, the strongest relation counting. Two perturbations of one gene are related by 1.

Departures: the paper says "combine and normalize" and no more; division by the maximum and a weighted mean are ours. Absence of an edge
counts as 0. `average` takes the mean over the walk's steps 1 to 5 instead of where it stands after the last. Weights are rounded to six
decimals, so that a file has the same bytes wherever it is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from impasto import profiles as tables
from impasto import ranking, runs, schema, wells
from impasto.perturbations.relations import normal_symbol
from impasto.schema import InputError

Weights = npt.NDArray[np.float64]
NODE = "node"
KNOWN_AS = "known_as"
SUMMARY = ("source", "pairs", "nodes", "known", "edges", "density")
_METADATA = b"impasto"


@dataclass(frozen=True)
class Graph:
    """Perturbations and how strongly they are related.

    `nodes`: one row a compound or reagent, sorted: node (its name, without dose), perturbation_name, perturbation_type, genes, and
    `known_as`, all names and InChIKeys by which another table may know it.
    `weights` (nodes, nodes): symmetric, zero diagonal, 0 to 1. `sources`: one row a source, with the nodes it knows and the edges it gives.
    `unknown`: source -> genes (or compounds) of the nodes that it does not name.
    """

    nodes: pd.DataFrame
    weights: Weights
    sources: pd.DataFrame
    unknown: Mapping[str, Sequence[str]]

    def places(self, obs: pd.DataFrame, /) -> npt.NDArray[np.intp]:
        """The node of each row (n,), by its perturbation's name or by what it is; -1 where the graph has none, or it is no treated well."""
        return places(self.nodes, obs)

    def shuffled(self, *, seed: int) -> Graph:
        """The same edges between shuffled nodes: the control that must not help."""
        order = np.random.default_rng(seed).permutation(len(self.weights))
        return Graph(self.nodes, self.weights[np.ix_(order, order)], self.sources, self.unknown)


# ---------------------------------------------------------------- nodes
def nodes_of(obs: pd.DataFrame, /) -> pd.DataFrame:
    """The perturbations of a table as nodes. Raises InputError where there are fewer than two."""
    treated = obs[wells.treated(obs)]
    if schema.PERTURBATION not in treated or treated[schema.PERTURBATION].nunique() < 2:
        raise InputError("a graph relates perturbations, and the table has fewer than two; is the column 'perturbation' there?")
    compounds = wells.compounds(treated)
    known_as = pd.concat([known.groupby(compounds.to_numpy()).agg(list) for known in wells.aliases(treated)], axis=1).sum(axis=1)
    rows = treated.assign(**{NODE: compounds}).drop_duplicates(NODE).sort_values(NODE)
    kinds = rows.get(schema.PERTURBATION_TYPE, pd.Series(pd.NA, index=rows.index)).astype("string").fillna("")
    return pd.DataFrame(
        {
            NODE: rows[NODE].astype(str).to_numpy(),
            schema.PERTURBATION_NAME: rows.get(schema.PERTURBATION_NAME, rows[NODE]).astype(str).to_numpy(),
            schema.PERTURBATION_TYPE: kinds.to_numpy(dtype=object),
            "genes": ["|".join(_genes(row, kind)) for (_, row), kind in zip(rows.iterrows(), kinds, strict=True)],
            KNOWN_AS: [sorted({str(name) for name in known_as[node] if pd.notna(name)}) for node in rows[NODE]],
        }
    )


def places(nodes: pd.DataFrame, obs: pd.DataFrame, /) -> npt.NDArray[np.intp]:
    """The node of each row (n,), -1 where there is none; see `Graph.places`."""
    place = {name: i for i, names in enumerate(nodes[KNOWN_AS]) for name in names}
    treated = wells.treated(obs)
    codes = pd.Series(pd.NA, index=obs.index, dtype="Int64")
    for known in wells.aliases(obs):
        codes = codes.fillna(known.map(place).astype("Int64"))
    return codes.where(treated).fillna(-1).to_numpy(dtype=np.intp)


def _genes(row: pd.Series, kind: str) -> list[str]:
    told = row.get(schema.TARGETS) if kind == schema.COMPOUND and isinstance(row.get(schema.TARGETS), str) else row.get(schema.GENE)
    listed = str(told).replace(";", "|").replace(",", "|").split("|") if isinstance(told, str) else []
    named = [symbol for symbol in map(normal_symbol, listed) if symbol]
    # A reagent that hits several genes is joined by the first; a compound by every target.
    return sorted(set(named)) if kind == schema.COMPOUND else named[:1]


# ---------------------------------------------------------------- sources
def by_genes(nodes: pd.DataFrame, between: sparse.csr_matrix, genes: Sequence[str], /) -> Weights:
    """Weights between nodes (nodes, nodes) from weights between genes: the strongest over their genes, 1 where they share one."""
    named = [[g for g in text.split("|") if g] for text in nodes["genes"]]
    measured = sorted({g for mine in named for g in mine})
    place = {gene: i for i, gene in enumerate(measured)}
    # From the genes of the relations to those measured; a gene that no relation names still relates two of its own perturbations.
    chosen = [(place[gene], i) for i, gene in enumerate(genes) if gene in place]
    rows, columns = [r for r, _ in chosen], [c for _, c in chosen]
    pick = sparse.csr_matrix((np.ones(len(chosen)), (rows, columns)), shape=(len(measured), len(genes)))
    between = (pick @ between @ pick.T).tocsr()
    own = [[place[g] for g in mine] for mine in named]
    reach = np.zeros((len(nodes), len(measured)))
    for row, mine in enumerate(own):
        if mine:
            reach[row] = np.asarray(between[mine].max(axis=0).todense()).ravel()
            reach[row, mine] = 1.0
    weights = np.zeros((len(nodes), len(nodes)))
    for column, mine in enumerate(own):
        if mine:
            weights[:, column] = reach[:, mine].max(axis=1)
    return np.maximum(weights, weights.T)


def adjacency(pairs: pd.DataFrame, /) -> tuple[sparse.csr_matrix, list[str]]:
    """Pairs (gene1, gene2, and a score, 1 by default) as a symmetric matrix (genes, genes), and the genes, sorted."""
    genes = sorted({*pairs["gene1"], *pairs["gene2"]})
    place = {gene: i for i, gene in enumerate(genes)}
    first, second = pairs["gene1"].map(place).to_numpy(dtype=np.intp), pairs["gene2"].map(place).to_numpy(dtype=np.intp)
    score = pairs["score"].to_numpy(dtype=np.float64) if "score" in pairs else np.ones(len(pairs))
    half = sparse.coo_matrix((score, (first, second)), shape=(len(genes), len(genes))).tocsr()
    return half.maximum(half.T).tocsr(), genes


def walk(between: sparse.csr_matrix, start: npt.NDArray[np.intp], /, *, steps: int = 5, average: bool = False) -> Weights:
    """Where a random walk stands: (len(start), genes), rows that sum to one; each step goes along an edge in proportion to its weight."""
    degree = np.asarray(between.sum(axis=1)).ravel()
    step = sparse.diags(1 / np.where(degree > 0, degree, 1.0)) @ between
    here = sparse.identity(between.shape[0], format="csr")[start]
    visited = np.zeros((len(start), between.shape[0]))
    for _ in range(steps):
        here = (here @ step).tocsr()
        visited += here.toarray() / steps
    return visited if average else here.toarray()


def by_walk(nodes: pd.DataFrame, pairs: pd.DataFrame, /, *, steps: int, average: bool) -> Weights:
    """Weights between nodes from a random walk over all the genes that the pairs name, measured or not."""
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
    """Cosine of mean profiles, nothing below 0; nodes without a row are related to none."""
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
    """Weights of STITCH's pairs (compound1, compound2, score) between nodes of the same names or InChIKeys."""
    renamed = pairs.rename(columns={"compound1": "gene1", "compound2": "gene2"})
    between, names = adjacency(renamed)
    return by_genes(nodes.assign(genes=["|".join(sorted({n.upper() for n in known})) for known in nodes[KNOWN_AS]]), between, names)


# ---------------------------------------------------------------- one graph
def combine(parts: Mapping[str, Weights], /, *, shares: Mapping[str, float] | None = None) -> Weights:
    """The weighted mean of sources, each divided by its largest weight: symmetric, zero diagonal, at most 1.

    `shares`: source -> its share, 1 by default. Raises InputError on a share of an unknown source, or below 0, or where none counts.
    """
    given = dict(shares or {})
    for name, share in given.items():
        schema.one_of(name, parts, what="source of a graph")
        if share < 0:
            raise InputError(f"the share of {name} is {share}; a share is 0 or more")
    whole = sum(given.get(name, 1.0) for name in parts)
    if not whole:
        raise InputError("no source of the graph has a share above 0; give at least one relation file")
    total = np.zeros_like(next(iter(parts.values())))
    for name in sorted(parts):
        single = (parts[name] + parts[name].T) / 2
        np.fill_diagonal(single, 0.0)
        total += given.get(name, 1.0) / whole * single / (single.max() or 1.0)
    return np.round(total, 6)


def write(graph: Graph, path: Path, /) -> None:
    """The edges (node1 < node2, weight) as Parquet, the nodes and counts in its metadata; the same bytes for the same graph."""
    first, second = np.nonzero(np.triu(graph.weights, 1))
    names = graph.nodes[NODE].to_numpy(dtype=object)
    edges = pa.table({"node1": names[first], "node2": names[second], "weight": graph.weights[first, second]})
    told = {
        "nodes": graph.nodes.to_dict(orient="list"),
        "sources": graph.sources.to_dict(orient="list"),
        "unknown": {k: list(v) for k, v in sorted(graph.unknown.items())},
    }
    with runs.atomic(path) as temporary:
        pq.write_table(edges.replace_schema_metadata({_METADATA: json.dumps(told).encode()}), temporary, compression="zstd")


def read(path: Path, /) -> Graph:
    """A graph that `write` left. Raises InputError on any other file."""
    if not path.exists():
        raise InputError(f"{path} does not exist; make a graph with: impasto graph PROFILES --string PAIRS --out GRAPH.parquet")
    try:
        table = pq.read_table(path)
        told = json.loads((table.schema.metadata or {})[_METADATA])
        nodes = pd.DataFrame(told["nodes"])
        _ = nodes[KNOWN_AS]  # graphs of 0.1.0 do not say how else their nodes are called
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(
            f"{path} is not a graph of perturbations; make one with: impasto graph PROFILES --string PAIRS --out GRAPH.parquet"
        ) from error
    place = {name: i for i, name in enumerate(nodes[NODE])}
    weights = np.zeros((len(nodes), len(nodes)))
    edges = table.to_pandas()
    first, second = edges["node1"].map(place).to_numpy(dtype=np.intp), edges["node2"].map(place).to_numpy(dtype=np.intp)
    weights[first, second] = weights[second, first] = edges["weight"]
    return Graph(nodes, weights, pd.DataFrame(told["sources"], columns=list(SUMMARY)), told["unknown"])
