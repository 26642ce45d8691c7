"""Databases of relations between genes, read in the forms they are downloaded in.

- CORUM: complexes, every pair of subunits.
- hu.MAP: pairs with a probability.
- Reactome: interactions of proteins.
- SIGNOR: causal pairs.
- STRING: protein links with a combined score, and its table of names.
- Hetionet: edges between genes, and its table of nodes.

The links of STRING and the edges of Hetionet are filtered while they are read, so that STRING's whole human file fits into 1 GB.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

from impasto.perturbations.gene_pairs import COLUMNS, coded_pairs, coded_scores, normal_pairs
from impasto.perturbations.relation_tables import NAMES, coded, header_of, partners, read_table, streamed
from impasto.schema import InputError

_SCORE = "combined_score"


def read_corum(path: Path) -> pd.DataFrame:
    """Every pair of subunits of a complex.

    Parameters
    ----------
    path
        `allComplexes.txt` (subunits joined by `;`), or two columns of name and subunits joined by spaces.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table.

    """
    first = read_table(path, sep="\t")
    named = [c for c in first.columns if str(c).lower().replace("_", "").startswith("subunits") and "name" in str(c).lower()]
    listed = first[named[0]].str.split(";") if named else read_table(path, sep="\t", header=None).iloc[:, 1].str.split()
    members = [genes for genes in listed if isinstance(genes, list)]
    pairs = [pair for genes in members for pair in combinations(sorted(set(genes)), 2)]
    return normal_pairs((a for a, _ in pairs), (b for _, b in pairs))


def read_humap(path: Path, *, threshold: float = 0.0) -> pd.DataFrame:
    """Pairs of symbols with a probability.

    Parameters
    ----------
    path
        Pairs, with a column score, probability or svm_prob where there is one.
    threshold
        Pairs below it are left out.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table of pairs.

    """
    table = read_table(path)
    a, b = partners(table, path, ("gene1", "gene2"), ("geneid1", "geneid2"), ("genename1", "genename2"))
    scores = [c for c in table.columns if str(c).lower() in ("score", "probability", "svm_prob")]
    if scores:
        table = table[table[scores[0]].astype(float) >= threshold]
    return normal_pairs(table[a], table[b])


def read_reactome(path: Path) -> pd.DataFrame:
    """Functional interactions, or interactions of human proteins.

    Parameters
    ----------
    path
        A table with `Gene1` and `Gene2`, or PSI-MITAB with symbols in the aliases.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table of pairs.

    """
    table = read_table(path, sep="\t" if ".mitab" in path.name or path.name.removesuffix(".gz").endswith("txt") else None)
    lower = {str(c).lower().lstrip("#").strip(): c for c in table}
    if "alias(es) interactor a" in lower:
        name = r"uniprotkb:([^|()]+)\(gene name\)"
        a, b = (table[lower[f"alias(es) interactor {side}"]].str.extract(name)[0] for side in "ab")
        return normal_pairs(a, b)
    first, second = partners(table, path, ("gene1", "gene2"))
    return normal_pairs(table[first], table[second])


def read_signor(path: Path) -> pd.DataFrame:
    """Causal pairs. Only pairs of two proteins count where the file says the kinds (`TYPEA`, `TYPEB`).

    Parameters
    ----------
    path
        A table with `ENTITYA` and `ENTITYB`.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table of pairs.

    """
    table = read_table(path, sep=None if path.name.removesuffix(".gz").endswith("csv") else "\t")
    a, b = partners(table, path, ("entitya", "entityb"), ("gene1", "gene2"))
    kinds = [c for c in table.columns if str(c).lower() in ("typea", "typeb")]
    if len(kinds) == 2:
        table = table[(table[kinds[0]] == "protein") & (table[kinds[1]] == "protein")]
    return normal_pairs(table[a], table[b])


def read_string(path: Path, *, names: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """Protein links without their scores.

    Parameters
    ----------
    path
        `protein.links` (protein1 protein2 combined_score), or a list of pairs.
    names
        `protein.info`, for `protein.links`.
    threshold
        Of the combined score, out of 1,000.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table of pairs, or names are needed and missing.

    """
    return read_string_scores(path, names=names, threshold=threshold)[list(COLUMNS)]


def read_string_scores(path: Path, *, names: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """Protein links with their scores.

    Parameters
    ----------
    path
        `protein.links` (protein1 protein2 combined_score), or a list of pairs.
    names
        `protein.info`, for `protein.links`.
    threshold
        Of the combined score, out of 1,000.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2, score: the combined score / 1000, and 1 in a list of pairs without scores.

    Raises
    ------
    InputError
        Where the file is no table of pairs, or names are needed and missing.

    """
    bare = path.name.removesuffix(".gz")
    sep = " " if bare.endswith(".txt") else None
    header = header_of(path, sep=sep)
    a, b = partners(header, path, ("protein1", "protein2"), ("gene1", "gene2"))
    if names is None and a.lower() != "gene1":
        raise InputError(f"{path} names proteins by Ensembl identifiers; give STRING's protein.info file as well")
    scored = _SCORE in header

    def strong(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(compute.greater_equal(batch[_SCORE], threshold)) if scored else batch

    columns = {a: NAMES, b: NAMES, **({_SCORE: pa.float32()} if scored else {})}
    table = streamed(path, columns, keep=strong, sep=sep)
    codes, known = coded(table, a, b)
    scores, best = (table[_SCORE].to_numpy(), 1000) if scored else (np.ones(table.num_rows, dtype=np.float32), 1)
    del table  # its ten million rows are not needed beside what is made of them
    if names is not None and a.lower() != "gene1":
        info = read_table(names, sep="\t")
        symbol = dict(zip(info.iloc[:, 0], info["preferred_name"], strict=True))
        return coded_scores(codes, [symbol.get(name) for name in known], scores, best=best)
    return coded_scores(codes, known, scores, best=best)


def read_hetionet(path: Path, *, nodes: Path | None = None, kinds: tuple[str, ...] = ("GiG", "GcG", "Gr>G")) -> pd.DataFrame:
    """Edges between genes (`Gene::<Entrez>`), named by the table of nodes.

    Parameters
    ----------
    path
        Edges (source, metaedge, target).
    nodes
        The table of nodes (id, name, kind); hetionet_nodes.csv.gz beside the edges by default.
    kinds
        The metaedges that count.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no table of edges, or there is no table of nodes.

    """
    bare = path.name.removesuffix(".gz")
    sep = "\t" if bare.endswith((".sif", ".tsv")) else None
    a, b = partners(header_of(path, sep=sep), path, ("source", "target"))
    nodes = nodes or path.with_name("hetionet_nodes.csv.gz")
    if not nodes.exists():
        raise InputError(f"{path} names genes by Entrez numbers; give Hetionet's table of nodes (id, name, kind) as {nodes}")
    wanted = pa.array(kinds)

    def between_genes(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(compute.is_in(batch["metaedge"], value_set=wanted))

    codes, known = coded(streamed(path, {a: NAMES, "metaedge": pa.string(), b: NAMES}, keep=between_genes, sep=sep), a, b)
    listing = read_table(nodes)
    symbol = dict(zip(listing["id"], listing["name"], strict=True))
    return coded_pairs(codes, [symbol.get(name) for name in known])
