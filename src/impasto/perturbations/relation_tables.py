"""Tables of relations as they are downloaded: which columns hold the two partners, and plain lists of pairs."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from impasto import border
from impasto.perturbations.gene_pairs import coded_pairs
from impasto.schema import InputError

NAMES = pa.dictionary(pa.int32(), pa.string())
"""The type of a column of names: of the millions in a file only the distinct ones become text."""
_IN_PIECES = arrow_csv.ReadOptions(block_size=16 << 20, use_threads=False)
"""Each piece has its own list of names, so that many small ones would hold the same names many times."""
Keep = Callable[[pa.RecordBatch], pa.RecordBatch]


def _delimiter(path: Path) -> str:
    return "\t" if path.name.removesuffix(".gz").endswith((".tsv", ".tab")) else ","


PAIRED = (("gene1", "gene2"), ("entity1", "entity2"))
"""The headers of plain lists of pairs."""


def begins_as_pairs(path: Path, /) -> bool:
    """Whether the first line of a file is the header of a plain list of pairs.

    Parameters
    ----------
    path
        A file, compressed or not.

    Returns
    -------
    bool
        False for a file that is no text.

    """
    try:
        with _opened(path) as file:
            first = file.readline(200)
    except (OSError, EOFError, UnicodeDecodeError):
        return False
    return tuple(word.strip().strip('"').lower() for word in first.replace("\t", ",").split(",")[:2]) in PAIRED


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


def _opened(path: Path) -> TextIO:
    border.refuse_odd(path)
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")


def header_of(path: Path, /, *, sep: str | None = None) -> list[str]:
    """The names of the columns of a table.

    Parameters
    ----------
    path
        CSV, TSV or the like, compressed or not.
    sep
        Between columns; by the file's name by default.

    Returns
    -------
    list[str]
        As the file writes them; empty for an empty file.

    Raises
    ------
    InputError
        Where the file cannot be read.

    """
    try:
        with _opened(path) as lines:
            return next(csv.reader(lines, delimiter=sep or _delimiter(path)), [])
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def streamed(path: Path, columns: Mapping[str, pa.DataType], /, *, keep: Keep, sep: str | None = None) -> pa.Table:
    """Some columns of a large table, filtered while it is read: the file is never in memory as a whole.

    Parameters
    ----------
    path
        CSV, TSV or the like, compressed or not.
    columns
        Name of a column -> its type, `NAMES` for names.
    keep
        Gives of a batch of rows those that are kept.
    sep
        Between columns; by the file's name by default.

    Returns
    -------
    pyarrow.Table
        The rows kept, these columns in this order; all batches of a column of names share their names.

    Raises
    ------
    InputError
        Where the file cannot be read, or a value is not of its type.

    """
    parse = arrow_csv.ParseOptions(delimiter=sep or _delimiter(path))
    convert = arrow_csv.ConvertOptions(column_types=dict(columns), include_columns=list(columns), strings_can_be_null=True)
    try:
        with (
            pa.input_stream(str(path)) as stream,
            arrow_csv.open_csv(stream, read_options=_IN_PIECES, parse_options=parse, convert_options=convert) as batches,
        ):
            kept = [keep(batch) for batch in batches]
        return pa.Table.from_batches(kept, schema=pa.schema(list(columns.items()))).unify_dictionaries()
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error


def coded(table: pa.Table, first: str, second: str, /) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Two columns of names as numbers.

    Parameters
    ----------
    table
        What `streamed` gave.
    first, second
        Names of two columns of type `NAMES`.

    Returns
    -------
    tuple[npt.NDArray[np.int32], list[str]]
        The codes of the first column, then those of the second; -1 has no name. And the distinct names.

    """
    both = pa.chunked_array([*table[first].chunks, *table[second].chunks], type=NAMES).unify_dictionaries().combine_chunks()
    if isinstance(both, pa.ChunkedArray):  # without rows
        return np.zeros(0, dtype=np.int32), []
    return both.indices.fill_null(-1).to_numpy(), both.dictionary.to_pylist()


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read as a table of relations ({(str(error).splitlines() or ['empty'])[0]})")


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
    a, b = partners(header_of(path), path, *PAIRED, ("source", "target"))
    return coded_pairs(*coded(streamed(path, {a: NAMES, b: NAMES}, keep=lambda batch: batch), a, b))
