"""Tables of relations as they are downloaded: which columns hold the two partners, and plain lists of pairs."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from impasto.perturbations.gene_pairs import coded_pairs
from impasto.schema import InputError


def _delimiter(path: Path) -> str:
    return "\t" if path.name.removesuffix(".gz").endswith((".tsv", ".tab")) else ","


def read_table(path: Path, *, sep: str | None = None, header: int | None = 0) -> pd.DataFrame:
    """A table of text.

    Parameters
    ----------
    path
        CSV, TSV or the like, compressed or not.
    sep
        Between columns; by the file's name by default.
    header
        The row of the names; None where there is none.

    Returns
    -------
    pd.DataFrame
        All values as text.

    Raises
    ------
    InputError
        Where the file cannot be read as a table.

    """
    try:
        return pd.read_csv(path, sep=sep or _delimiter(path), header=header, dtype=str, comment=None, keep_default_na=True)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table of relations ({str(error).splitlines()[0]})") from error


def is_published_list(path: Path, /) -> bool:
    """Whether a file of any name is a list of pairs as EFAAR's benchmark publishes them (`CORUM.txt`): entity1,entity2.

    Parameters
    ----------
    path
        Of the file, which exists.

    Returns
    -------
    bool
        True by its first line alone.

    """
    try:
        return _first_line(path)[:2] == ["entity1", "entity2"]
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # its own reader says what is wrong with it


def _first_line(path: Path) -> list[str]:
    """The cells of the first line, parted as the name of the file says."""
    with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as lines:
        return next(csv.reader(lines, delimiter=_delimiter(path)), [])


def partners(table: Iterable[object], path: Path, *choices: tuple[str, str]) -> tuple[str, str]:
    """The two columns that hold the partners of a pair.

    Parameters
    ----------
    table
        Names of columns.
    path
        An error names it.
    choices
        Pairs of names in lower case, the first that is there counts.

    Returns
    -------
    tuple[str, str]
        Their names as the table writes them.

    Raises
    ------
    InputError
        Where no choice is there.

    """
    lower = {str(c).lower().strip().lstrip("#"): str(c) for c in table}
    for a, b in choices:
        if a in lower and b in lower:
            return lower[a], lower[b]
    wanted = " or ".join(f"{a}, {b}" for a, b in choices)
    raise InputError(f"{path} has the columns {', '.join(map(str, table))}; a list of relations has {wanted}")


def read_pairs(path: Path) -> pd.DataFrame:
    """A plain list of pairs.

    The two columns are read as dictionaries, so that of the millions of names in a list only the distinct ones become text.

    Parameters
    ----------
    path
        Columns gene1, gene2 (or entity1, entity2, or source, target).

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2.

    Raises
    ------
    InputError
        Where the file is no list of pairs.

    """
    parse = arrow_csv.ParseOptions(delimiter=_delimiter(path))
    named = pa.dictionary(pa.int32(), pa.string())
    try:
        a, b = partners(_first_line(path), path, ("gene1", "gene2"), ("entity1", "entity2"), ("source", "target"))
        convert = arrow_csv.ConvertOptions(column_types={a: named, b: named}, include_columns=[a, b], strings_can_be_null=True)
        table = arrow_csv.read_csv(path, parse_options=parse, convert_options=convert)
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as a list of pairs ({str(error).splitlines()[0]})") from error
    sides = pa.chunked_array([*table[a].chunks, *table[b].chunks], type=named).unify_dictionaries().combine_chunks()
    return coded_pairs(sides.indices.fill_null(-1).to_numpy(), sides.dictionary.to_pylist())
