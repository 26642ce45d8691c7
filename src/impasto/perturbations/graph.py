"""The perturbation relational graph: which perturbations ought to look alike, from what biology knows.

Nodes are the perturbations of a table. The weight of an edge is the weighted mean over sources, each divided by its largest weight
(graph_weights.py):

- `string`: STRING's combined score / 1000, of links at or above a threshold of 200;
- `hetionet`: how likely a random walk of 5 steps on Hetionet's gene-gene edges goes from one gene to the other, the mean of both ways;
- `pairs`: lists of pairs, each 1;
- `images`: cosine of the perturbations' mean profiles, nothing below 0;
- `stitch`: STITCH's chemical-chemical score / 1000, joined by InChIKey.

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, Definition 3.1, section 4.1.1, appendix B.2.

A genetic perturbation joins the gene sources by what it edits, silences or over-expresses: the first gene where there are several. A
compound joins them by all its known targets, and the strongest relation counts. Two perturbations of one gene are related by 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import border, runs, schema, wells
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.schema import InputError

Weights = npt.NDArray[np.float64]


NODE = "node"


KNOWN_AS = "known_as"


SUMMARY = ("source", "pairs", "nodes", "known", "edges", "density")


_METADATA = b"impasto"


@dataclass(frozen=True)
class Graph:
    """Perturbations and how strongly they are related.

    Attributes
    ----------
    nodes
        One row a compound or reagent, sorted: node (its name, without dose), perturbation_name, perturbation_type, genes, and `known_as`,
        all names and InChIKeys by which another table may know it.
    weights
        (nodes, nodes), symmetric, zero diagonal, 0 to 1.
    sources
        One row a source, with the nodes it knows and the edges it gives.
    unknown
        Source -> genes (or compounds) of the nodes that it does not name.

    """

    nodes: pd.DataFrame
    weights: Weights
    sources: pd.DataFrame
    unknown: Mapping[str, Sequence[str]]

    def places(self, obs: pd.DataFrame, /) -> npt.NDArray[np.intp]:
        """The node of each row, by its perturbation's name or its InChIKey.

        Parameters
        ----------
        obs
            Annotation of n rows.

        Returns
        -------
        npt.NDArray[np.intp]
            (n,); -1 where the graph has none, or the well is not treated.

        """
        return places(self.nodes, obs)

    def shuffled(self, *, seed: int) -> Graph:
        """The same edges between shuffled nodes: the control that must not help.

        Parameters
        ----------
        seed
            Of the shuffling.

        Returns
        -------
        Graph
            The shuffled graph.

        """
        order = np.random.default_rng(seed).permutation(len(self.weights))
        return Graph(self.nodes, self.weights[np.ix_(order, order)], self.sources, self.unknown)


def nodes_of(obs: pd.DataFrame, /) -> pd.DataFrame:
    """The perturbations of a table as nodes.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    pd.DataFrame
        One row a node; see `Graph`.

    Raises
    ------
    InputError
        Where there are fewer than two.

    """
    treated = obs[wells.treated(obs)]
    if schema.PERTURBATION not in treated or treated[schema.PERTURBATION].nunique() < 2:
        raise InputError(
            "a graph relates perturbations, and the table has fewer than two in its column 'perturbation'; annotate it with: impasto "
            "ingest --platemap"
        )
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
    """The node of each row; see `Graph.places`.

    Parameters
    ----------
    nodes
        Of a graph.
    obs
        Annotation of n rows.

    Returns
    -------
    npt.NDArray[np.intp]
        (n,); -1 where there is none.

    """
    place = {name: i for i, names in enumerate(nodes[KNOWN_AS]) for name in names}
    treated = wells.treated(obs)
    codes = pd.Series(pd.NA, index=obs.index, dtype="Int64")
    for known in wells.aliases(obs):
        codes = codes.fillna(known.map(place).astype("Int64"))
    return codes.where(treated).fillna(-1).to_numpy(dtype=np.intp)


def _genes(row: pd.Series, kind: str) -> list[str]:
    annotated = row.get(schema.TARGETS) if kind == schema.COMPOUND and isinstance(row.get(schema.TARGETS), str) else row.get(schema.GENE)
    listed = str(annotated).replace(";", "|").replace(",", "|").split("|") if isinstance(annotated, str) else []
    named = [symbol for symbol in map(normal_symbol, listed) if symbol]
    # A reagent that hits several genes is joined by the first; a compound by every target.
    return sorted(set(named)) if kind == schema.COMPOUND else named[:1]


def write(graph: Graph, path: Path, /) -> None:
    """Write the edges (node1 < node2, weight) as Parquet, the nodes and counts in its metadata; the same bytes for the same graph.

    Parameters
    ----------
    graph
        The graph.
    path
        Of the file.

    """
    first, second = np.nonzero(np.triu(graph.weights, 1))
    names = graph.nodes[NODE].to_numpy(dtype=object)
    edges = pa.table({"node1": names[first], "node2": names[second], "weight": graph.weights[first, second]})
    described = {
        "nodes": graph.nodes.to_dict(orient="list"),
        "sources": graph.sources.to_dict(orient="list"),
        "unknown": {k: list(v) for k, v in sorted(graph.unknown.items())},
    }
    with runs.atomic(path) as temporary:
        pq.write_table(edges.replace_schema_metadata({_METADATA: json.dumps(described).encode()}), temporary, compression="zstd")


def read(path: Path, /) -> Graph:
    """A graph that `write` left.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    Graph
        The graph.

    Raises
    ------
    InputError
        Where the file is missing or is no graph.

    """
    if not path.exists():
        raise InputError(f"{path} does not exist; make a graph with: impasto graph PROFILES --string PAIRS --out GRAPH.parquet")
    with border.reading(path, "graph of perturbations", remedy="make one with: impasto graph PROFILES --string PAIRS --out GRAPH.parquet"):
        return _taken_apart(pq.read_table(path))


def _taken_apart(table: pa.Table) -> Graph:
    described = json.loads((table.schema.metadata or {})[_METADATA])
    nodes = pd.DataFrame(described["nodes"])
    _ = nodes[KNOWN_AS]  # graphs of 0.1.0 do not say how else their nodes are called
    edges, place = table.to_pandas(), pd.Index(nodes[NODE])
    first, second = place.get_indexer(edges["node1"]), place.get_indexer(edges["node2"])
    if min(first.min(initial=0), second.min(initial=0)) < 0:
        raise ValueError("an edge leads to a node that is not listed")
    weights = np.zeros((len(nodes), len(nodes)))
    weights[first, second] = weights[second, first] = edges["weight"].to_numpy(dtype=np.float64)
    return Graph(nodes, weights, pd.DataFrame(described["sources"], columns=list(SUMMARY)), described["unknown"])
