"""Files of relations by the name of their database: which reader reads which file.

A plain list of pairs (`gene1,gene2` or `entity1,entity2`) has `pairs` in its name, or is one of EFAAR's lists: `CORUM.txt` that begins with
`entity1,entity2`. The readers of the databases are in databases.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from impasto.perturbations import databases
from impasto.perturbations.relation_tables import is_published_list, read_pairs
from impasto.schema import InputError, one_of

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "corum": databases.read_corum,
    "humap": databases.read_humap,
    "reactome": databases.read_reactome,
    "signor": databases.read_signor,
    "stringdb": databases.read_string,
    "string": databases.read_string,
    "hetionet": databases.read_hetionet,
    "pairs": read_pairs,
}
"""Kind of database -> its reader; the kind is the beginning of the file's name."""


def database(path: Path) -> str:
    """The name of a database by its file: `stringdb_pairs.csv.gz` -> `stringdb`.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    str
        The name, lower case.

    """
    return re.split(r"[._]", path.name)[0].lower()


def read(path: Path, *, kind: str = "auto") -> pd.DataFrame:
    """Read one file of gene-gene relations.

    Parameters
    ----------
    path
        Of the file.
    kind
        A name of `READERS`, or `auto`: by the file's name.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is missing or cannot be read.

    """
    if not path.exists():
        raise InputError(f"{path} does not exist; give a list of pairs (gene1,gene2) or a database's own download")
    if kind == "auto":
        named = database(path)
        listing = "pairs" in path.name or named not in READERS or is_published_list(path)
        kind = "pairs" if listing else named
    return READERS[one_of(kind, READERS, what="kind of relations")](path)


def read_all(paths: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """Read files of pairs, and all files of pairs in folders.

    Parameters
    ----------
    paths
        Files and folders.

    Returns
    -------
    dict[str, pd.DataFrame]
        Name of a database -> its pairs, sorted by name.

    Raises
    ------
    InputError
        Where a file cannot be read, or a folder holds no lists of pairs.

    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*pairs*") if p.is_file()) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path} holds no lists of pairs (files with 'pairs' in their name)")
        files += inside
    return {database(path): read(path) for path in sorted(files, key=database)}
