"""Known relations between genes (and between genes and compounds), read from the forms they are downloaded in.

CORUM (complexes: every pair of subunits), hu.MAP (lists of pairs with a score), Reactome (interactions between proteins), SIGNOR
(causal pairs), STRING (protein links with a combined score, and the table of names), Hetionet (edges and nodes), STITCH
(compound-protein links), and plain lists of pairs (`gene1,gene2` or `entity1,entity2`). Pairs are undirected, each once, never of
a gene with itself, in sorted order: gene1 < gene2.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from impasto.schema import InputError, one_of

COLUMNS = ("gene1", "gene2")
_NOBODY = frozenset(("", "NAN", "NA", "<NA>", "NONE", "-"))


def normal_symbol(text: object) -> str:
    """A gene symbol as relations write it: upper case, no space; `""` where there is none."""
    if not isinstance(text, str):
        return ""
    symbol = text.strip().upper().replace(" ", "")
    return "" if symbol in _NOBODY else symbol


def normal_pairs(first: Iterable[object], second: Iterable[object], /) -> pd.DataFrame:
    """Pairs of symbols as a table gene1 < gene2, each once, without self pairs and without unnamed partners.

    Both columns are categorical, over the same symbols in order: what follows looks up each symbol once.
    """
    sides = [side.to_numpy(dtype=object) if isinstance(side, pd.Series) else np.array(list(side), dtype=object) for side in (first, second)]
    codes, names = pd.factorize(np.concatenate(sides))
    return _coded_pairs(codes, names)


def _coded_pairs(codes: npt.NDArray[np.integer], names: Iterable[object]) -> pd.DataFrame:
    """The same from the first partners, then the second, as numbers into `names`; -1 is nobody."""
    # Each name is written normally once and numbered in order of its symbol; a missing one takes the last place.
    symbols, number = np.unique(np.array([*map(normal_symbol, names), ""], dtype=object), return_inverse=True)
    one, other = np.split(number[codes], 2)
    low, high = np.minimum(one, other), np.maximum(one, other)
    kept = (low != high) & (low > 0)  # the empty symbol is the first
    # Sorted in place and compared with their neighbours: several times as fast as np.unique, which hashes.
    both = np.sort((low[kept] * len(symbols) + high[kept]).astype(np.min_scalar_type(len(symbols) ** 2)))
    distinct = np.divmod(both[np.append(True, both[1:] > both[:-1])[: len(both)]], len(symbols))
    genes = pd.CategoricalDtype(pd.Index(symbols, dtype=object), ordered=False)
    return pd.DataFrame({c: pd.Categorical.from_codes(side, dtype=genes) for c, side in zip(COLUMNS, distinct, strict=True)})


def scored_pairs(first: Iterable[object], second: Iterable[object], scores: Iterable[float], /) -> pd.DataFrame:
    """The pairs of `normal_pairs` with a column `score`: the highest where a pair is told several times."""
    best: dict[tuple[str, str], float] = {}
    for x, y, score in zip(first, second, scores, strict=True):
        a, b = normal_symbol(x), normal_symbol(y)
        if a and b and a != b:
            pair = (min(a, b), max(a, b))
            best[pair] = max(best.get(pair, 0.0), float(score))
    rows = [(a, b, score) for (a, b), score in sorted(best.items())]
    return pd.DataFrame(rows, columns=[*COLUMNS, "score"]).astype({"gene1": str, "gene2": str, "score": float})


def _delimiter(path: Path) -> str:
    return "\t" if path.name.removesuffix(".gz").endswith((".tsv", ".tab")) else ","


def _table(path: Path, *, sep: str | None = None, header: int | None = 0) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep=sep or _delimiter(path), header=header, dtype=str, comment=None, keep_default_na=True)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table of relations ({str(error).splitlines()[0]})") from error


def _columns(table: Iterable[object], path: Path, *choices: tuple[str, str]) -> tuple[str, str]:
    lower = {str(c).lower().strip().lstrip("#"): str(c) for c in table}
    for a, b in choices:
        if a in lower and b in lower:
            return lower[a], lower[b]
    wanted = " or ".join(f"{a}, {b}" for a, b in choices)
    raise InputError(f"{path} has the columns {', '.join(map(str, table))}; a list of relations has {wanted}")


def read_pairs(path: Path) -> pd.DataFrame:
    """A list of pairs: columns gene1, gene2 (or entity1, entity2, or source, target).

    The two columns are read as dictionaries, so that of the millions of names in a list only the distinct ones become text.
    """
    parse = arrow_csv.ParseOptions(delimiter=_delimiter(path))
    named = pa.dictionary(pa.int32(), pa.string())
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as lines:
            header = next(csv.reader(lines, delimiter=parse.delimiter), [])
        a, b = _columns(header, path, ("gene1", "gene2"), ("entity1", "entity2"), ("source", "target"))
        convert = arrow_csv.ConvertOptions(column_types={a: named, b: named}, include_columns=[a, b], strings_can_be_null=True)
        table = arrow_csv.read_csv(path, parse_options=parse, convert_options=convert)
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as a list of pairs ({str(error).splitlines()[0]})") from error
    sides = pa.chunked_array([*table[a].chunks, *table[b].chunks], type=named).unify_dictionaries().combine_chunks()
    return _coded_pairs(sides.indices.fill_null(-1).to_numpy(), sides.dictionary.to_pylist())


def read_corum(path: Path) -> pd.DataFrame:
    """CORUM: `allComplexes.txt` (subunits joined by `;`), or two columns of name and subunits joined by spaces."""
    first = _table(path, sep="\t")
    named = [c for c in first.columns if str(c).lower().replace("_", "").startswith("subunits") and "name" in str(c).lower()]
    listed = first[named[0]].str.split(";") if named else _table(path, sep="\t", header=None).iloc[:, 1].str.split()
    members = [genes for genes in listed if isinstance(genes, list)]
    pairs = [pair for genes in members for pair in combinations(sorted(set(genes)), 2)]
    return normal_pairs((a for a, _ in pairs), (b for _, b in pairs))


def read_humap(path: Path, *, threshold: float = 0.0) -> pd.DataFrame:
    """hu.MAP: pairs of symbols with a probability in the last column; those at or above the threshold."""
    table = _table(path)
    a, b = _columns(table, path, ("gene1", "gene2"), ("geneid1", "geneid2"), ("genename1", "genename2"))
    scores = [c for c in table.columns if str(c).lower() in ("score", "probability", "svm_prob")]
    if scores:
        table = table[table[scores[0]].astype(float) >= threshold]
    return normal_pairs(table[a], table[b])


def read_reactome(path: Path) -> pd.DataFrame:
    """Reactome's functional interactions (`Gene1`, `Gene2`), or its PSI-MITAB of human interactions (symbols in the aliases)."""
    table = _table(path, sep="\t" if ".mitab" in path.name or path.name.removesuffix(".gz").endswith("txt") else None)
    lower = {str(c).lower().lstrip("#").strip(): c for c in table}
    if "alias(es) interactor a" in lower:
        name = r"uniprotkb:([^|()]+)\(gene name\)"
        a, b = (table[lower[f"alias(es) interactor {side}"]].str.extract(name)[0] for side in "ab")
        return normal_pairs(a, b)
    first, second = _columns(table, path, ("gene1", "gene2"))
    return normal_pairs(table[first], table[second])


def read_signor(path: Path) -> pd.DataFrame:
    """SIGNOR: `ENTITYA`, `ENTITYB`; only pairs of two proteins where the kinds (`TYPEA`, `TYPEB`) are told."""
    table = _table(path, sep=None if path.name.removesuffix(".gz").endswith("csv") else "\t")
    a, b = _columns(table, path, ("entitya", "entityb"), ("gene1", "gene2"))
    kinds = [c for c in table.columns if str(c).lower() in ("typea", "typeb")]
    if len(kinds) == 2:
        table = table[(table[kinds[0]] == "protein") & (table[kinds[1]] == "protein")]
    return normal_pairs(table[a], table[b])


def read_string(path: Path, *, names: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """STRING: `protein.links` (protein1 protein2 combined_score) with `protein.info` for the names, or a list of pairs."""
    return read_string_scores(path, names=names, threshold=threshold)[list(COLUMNS)]


def read_string_scores(path: Path, *, names: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """The same with a column `score`: the combined score / 1000, and 1 in a list of pairs that tells none."""
    bare = path.name.removesuffix(".gz")
    table = _table(path, sep=" " if bare.endswith(".txt") else None)
    a, b = _columns(table, path, ("protein1", "protein2"), ("gene1", "gene2"))
    if "combined_score" in table:
        table = table[table["combined_score"].astype(float) >= threshold]
    scores = table["combined_score"].astype(float) / 1000 if "combined_score" in table else pd.Series(1.0, index=table.index)
    if a.lower() == "gene1":
        return scored_pairs(table[a], table[b], scores)
    if names is None:
        raise InputError(f"{path} names proteins by Ensembl identifiers; give STRING's protein.info file as well")
    info = _table(names, sep="\t")
    symbol = dict(zip(info.iloc[:, 0], info["preferred_name"], strict=True))
    return scored_pairs(table[a].map(symbol), table[b].map(symbol), scores)


def read_hetionet(path: Path, *, nodes: Path | None = None, kinds: tuple[str, ...] = ("GiG", "GcG", "Gr>G")) -> pd.DataFrame:
    """Hetionet: edges (source, metaedge, target) between genes (`Gene::<Entrez>`), named by its table of nodes (id, name, kind)."""
    bare = path.name.removesuffix(".gz")
    table = _table(path, sep="\t" if bare.endswith((".sif", ".tsv")) else None)
    a, b = _columns(table, path, ("source", "target"))
    table = table[table["metaedge"].isin(kinds)]
    nodes = nodes or path.with_name("hetionet_nodes.csv.gz")
    if not nodes.exists():
        raise InputError(f"{path} names genes by Entrez numbers; give Hetionet's table of nodes (id, name, kind) as {nodes}")
    listing = _table(nodes)
    symbol = dict(zip(listing["id"], listing["name"], strict=True))
    return normal_pairs(table[a].map(symbol), table[b].map(symbol))


def read_stitch(path: Path, *, threshold: float = 200) -> pd.DataFrame:
    """STITCH `protein_chemical.links`: columns chemical, protein, score (0 to 1); compounds and proteins as STITCH names them."""
    table = _table(path, sep="\t")
    a, b = _columns(table, path, ("chemical", "protein"))
    score = table["combined_score"].astype(float)
    kept = pd.DataFrame({"chemical": table[a], "protein": table[b], "score": score / 1000})[score >= threshold]
    return kept.drop_duplicates(["chemical", "protein"]).sort_values(["chemical", "protein"], ignore_index=True)


def read_stitch_chemicals(path: Path, *, inchikeys: Path | None = None, threshold: float = 200) -> pd.DataFrame:
    """STITCH `chemical_chemical.links`: columns compound1, compound2, score (0 to 1), each pair once.

    `inchikeys` is STITCH's table of the same name: with it compounds are named by InChIKey, and pairs that it does not name are left out.
    """
    table = _table(path, sep="\t")
    a, b = _columns(table, path, ("chemical1", "chemical2"))
    # The short form of the file has one score, named after its channel; the detailed form ends in the combined one.
    score = table["combined_score" if "combined_score" in table else table.columns[-1]].astype(float)
    kept = table[score >= threshold]
    first, second = kept[a], kept[b]
    if inchikeys is not None:
        names = _table(inchikeys, sep="\t")
        flat, stereo, key = (next((c for c in names if w in str(c).lower()), None) for w in ("flat", "stereo", "inchikey"))
        if key is None or (flat is None and stereo is None):
            raise InputError(
                f"{inchikeys} has the columns {', '.join(map(str, names))}; STITCH's chemicals.inchikeys has inchikey and chemical ids"
            )
        known = {str(i): str(k) for c in (flat, stereo) if c is not None for i, k in zip(names[c], names[key], strict=True)}
        first, second = first.map(known), second.map(known)
    found = scored_pairs(first, second, score[kept.index] / 1000)
    return found.rename(columns={"gene1": "compound1", "gene2": "compound2"})


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "corum": read_corum,
    "humap": read_humap,
    "reactome": read_reactome,
    "signor": read_signor,
    "stringdb": read_string,
    "string": read_string,
    "hetionet": read_hetionet,
    "pairs": read_pairs,
}
"""Kind of database -> its reader; the kind is told by the beginning of the file's name."""


def database(path: Path) -> str:
    """The name of a database by its file: `stringdb_pairs.csv.gz` -> `stringdb`."""
    return re.split(r"[._]", path.name)[0].lower()


def read(path: Path, *, kind: str = "auto") -> pd.DataFrame:
    """Read one file of gene-gene relations. Raises InputError on anything unusable."""
    if not path.exists():
        raise InputError(f"{path} does not exist; give a list of pairs (gene1,gene2) or a database's own download")
    if kind == "auto":
        named = database(path)
        listing = "pairs" in path.name or named not in READERS
        kind = "pairs" if listing else named
    return READERS[one_of(kind, READERS, what="kind of relations")](path)


def read_all(paths: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """Name of a database -> its pairs, of files and of all files of pairs in folders, sorted by name."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*pairs*") if p.is_file()) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path} holds no lists of pairs (files with 'pairs' in their name)")
        files += inside
    return {database(path): read(path) for path in sorted(files, key=database)}


@dataclass(frozen=True)
class Joined:
    """Pairs whose genes are both among those measured, as indices, and how much of either side was left over."""

    pairs: pd.DataFrame
    """Columns first, second: indices into the genes."""
    genes_seen: int
    unknown: list[str]
    """Genes measured that no relation names."""


def join(pairs: pd.DataFrame, genes: list[str], /) -> Joined:
    """The relations among the genes given (normalised symbols, unique)."""
    index = pd.Index(genes, dtype=object)
    one, other = (pairs[column].astype("category").cat for column in COLUMNS)
    place = np.append(index.get_indexer(one.categories), -1)
    same = other.categories is one.categories or other.categories.equals(one.categories)
    first = place[one.codes]
    second = (place if same else np.append(index.get_indexer(other.categories), -1))[other.codes]
    inside = (first >= 0) & (second >= 0)
    named = np.zeros(len(genes) + 1, dtype=bool)
    named[first] = named[second] = True
    unknown = [gene for gene, is_named in zip(genes, named[:-1], strict=True) if not is_named]
    return Joined(pd.DataFrame({"first": first[inside], "second": second[inside]}), len(genes) - len(unknown), unknown)
