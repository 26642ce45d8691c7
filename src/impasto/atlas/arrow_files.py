"""Tables of an index as Arrow files: words as dictionaries with the smallest codes, numbers as float32.

A browser reads such a file without making an object a row. There are no Arrow nulls: an unknown word is `""`, an unknown number NaN,
and a flag is `yes`, `no` or `""`.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc

YES, NO = "yes", "no"


def encoded(frame: pd.DataFrame, /) -> pa.Table:
    """A table in the form of the files. A column without any value is left out.

    Parameters
    ----------
    frame
        n rows of words, numbers and flags.

    Returns
    -------
    pyarrow.Table
        n rows in one batch.

    """
    columns = {str(name): _encoded(frame[name]) for name in frame if frame[name].notna().any()}
    return pa.table({name: column for name, column in columns.items() if not _says_nothing(column)})


def _encoded(column: pd.Series) -> pa.Array:
    if pd.api.types.is_bool_dtype(column) or (column.dtype == object and column.dropna().map(type).eq(bool).all()):
        column = column.astype("boolean").map({True: YES, False: NO}).astype("string")
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column.to_numpy(dtype=np.float32, na_value=np.nan), from_pandas=False)
    codes, words = pd.factorize(column.astype("string").fillna("").to_numpy(dtype=object), sort=True)
    kind = next(kind for kind in (np.int8, np.int16, np.int32) if len(words) <= np.iinfo(kind).max)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(kind)), pa.array([str(word) for word in words], pa.string()))


def _says_nothing(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and len(column) > 0 and column.dictionary.to_pylist() == [""]


def frame(table: pa.Table, /) -> pd.DataFrame:
    """A table of an index for pandas.

    Parameters
    ----------
    table
        n rows in the form of `encoded`.

    Returns
    -------
    pandas.DataFrame
        n rows. Unknown words are None; flags are True, False or None.

    """
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_dictionary(column.type):
            names = column.dictionary.to_pylist()
            as_values: dict[str, object] = {YES: True, NO: False} if set(names) <= {YES, NO, ""} else {}
            words = np.array([as_values.get(name, name or None) for name in names], dtype=object)
            columns[name] = words[column.indices.to_numpy()] if len(words) else np.empty(len(column), dtype=object)
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def write(table: pa.Table, path: Path, /) -> None:
    """Write an Arrow file.

    Parameters
    ----------
    table
        In the form of `encoded`.
    path
        The file.

    """
    path.write_bytes(content(table))


def content(table: pa.Table, /) -> bytes:
    """The bytes of an Arrow file.

    Parameters
    ----------
    table
        In the form of `encoded`.

    Returns
    -------
    bytes
        One record batch, not compressed.

    """
    buffer = io.BytesIO()
    with ipc.new_file(buffer, table.schema) as file:
        file.write_table(table.combine_chunks())
    return buffer.getvalue()


def read(path: Path, /) -> pa.Table:
    """Open an Arrow file; its values stay in the file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    pyarrow.Table
        In the form of `encoded`.

    """
    return ipc.open_file(pa.memory_map(str(path))).read_all()
