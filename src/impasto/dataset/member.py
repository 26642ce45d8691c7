"""One plate in one file: its annotation as `Metadata_` columns, its values X as lists of one length.

A list column is read .011 to .016 s a plate of 384 x 4,762, where a column a feature takes .18 s. The bytes of a file change with the
version of pyarrow. `content` is the digest of the values, and does not.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import failures
from impasto.dataset import order
from impasto.plain_columns import as_text
from impasto.schema import InputError
from impasto.spelling import PREFIX

Values = npt.NDArray[np.float32]
VALUES = "X"
_ROW_GROUP = 2048
_ELEMENT = f"{VALUES}.list.element"


class Facts(NamedTuple):
    """What a dataset knows of a member without opening it."""

    source: str
    batch: str
    plate: str
    rows: int
    width: int
    content: str
    missing: int
    """How many values are missing or infinite."""

    @property
    def key(self) -> order.Key:
        """The plate."""
        return order.Key(self.source, self.batch, self.plate)


def write_member(profiles: anndata.AnnData, path: Path, /) -> Facts:
    """Write the profiles of one plate. The caller sees to it that the file appears whole.

    Parameters
    ----------
    profiles
        The rows of one plate, in any order.
    path
        The file to write.

    Returns
    -------
    Facts
        What the dataset keeps of it.

    Raises
    ------
    InputError
        The rows stand on several plates.

    """
    key = order.key_of(profiles.obs)
    chosen = order.sorted_rows(profiles.obs)
    values = np.ascontiguousarray(np.asarray(profiles.X, dtype=np.float32)[chosen])
    columns = _columns(profiles.obs.iloc[chosen])
    text = [name for name, column in columns.items() if pa.types.is_string(column.type)]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    pq.write_table(
        pa.table({**columns, VALUES: lists}),
        path,
        compression="zstd",
        compression_level=1,
        use_dictionary=text,
        use_byte_stream_split=[_ELEMENT],
        write_statistics=text,
        row_group_size=_ROW_GROUP,
    )
    missing = int((~np.isfinite(values)).sum())
    return Facts(*key, len(values), values.shape[1], _content(columns, values), missing)


def _columns(obs: pd.DataFrame) -> dict[str, pa.Array]:
    """The annotation as Arrow columns: text, numbers and truths."""
    columns: dict[str, pa.Array] = {}
    for name in obs.columns:
        column = obs[name]
        if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype == object:
            column = as_text(column)
        array = pa.array(column, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        columns[f"{PREFIX}{name}"] = array.cast(pa.string()) if pa.types.is_large_string(array.type) else array
    return columns


def _content(columns: dict[str, pa.Array], values: Values) -> str:
    """SHA-256 of each column by name (values as text, one a line), then of X row by row, with one pattern for what is missing."""
    total = hashlib.sha256()
    for name in sorted(columns):
        total.update(name.encode() + b"\0")
        total.update("\n".join("" if value is None else str(value) for value in columns[name].to_pylist()).encode() + b"\n")
    missing = np.isnan(values)
    one_pattern = np.where(missing, np.float32(np.nan), values) if missing.any() else values
    total.update(one_pattern.astype("<f4", copy=False).tobytes())
    return total.hexdigest()


def content_of(plate: anndata.AnnData, /) -> str:
    """The digest of the values of one plate, as `write_member` writes it.

    Parameters
    ----------
    plate
        The rows of one plate, in any order.

    Returns
    -------
    str
        SHA-256.

    """
    chosen = order.sorted_rows(plate.obs)
    return _content(_columns(plate.obs.iloc[chosen]), np.ascontiguousarray(np.asarray(plate.X, dtype=np.float32)[chosen]))


def read_member(path: Path, features: pd.DataFrame, /) -> anndata.AnnData:
    """Read the profiles of one plate.

    Parameters
    ----------
    path
        The file.
    features
        The `var` table of its d features.

    Returns
    -------
    anndata.AnnData
        The rows of the plate.

    Raises
    ------
    InputError
        The file is missing, cut, or of another width.

    """
    table = _read(path, None)
    values = values_of(table)
    if values.shape[1] != len(features):
        raise InputError(
            f"{path} holds {values.shape[1]} features, and its dataset has {len(features)}; it is of another dataset: take it away"
        )
    obs = obs_of(table.drop_columns([VALUES]))
    return anndata.AnnData(X=values, obs=obs, var=features.copy())


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        # Not mapped: a member that is cut while it is read must be an error, not a fault of the bus.
        return pq.ParquetFile(path).read(columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        if failures.is_memory(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read ({reason}); restore it from a copy, or make the dataset again") from error


def values_of(table: pa.Table, /) -> Values:
    """The values of a member.

    Parameters
    ----------
    table
        As it was read from a member's file.

    Returns
    -------
    Values
        (rows, features) of float32; nobody else's memory.

    """
    lists = table.column(VALUES).combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0)
    return np.array(lists.flatten().to_numpy(zero_copy_only=True)).reshape(table.num_rows, lists.type.list_size)


def obs_of(table: pa.Table, /) -> pd.DataFrame:
    """Annotation from Arrow columns.

    Parameters
    ----------
    table
        `Metadata_` columns of n rows.

    Returns
    -------
    pd.DataFrame
        (n,) rows, in our words; text of type string.

    """
    columns = {name.removeprefix(PREFIX): _in_pandas(table.column(name)) for name in table.column_names}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows).astype(str))


def _in_pandas(column: pa.ChunkedArray) -> object:
    """A column of Arrow as pandas holds it. Equal words are one object, so that a million rows cost eight bytes each."""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        coded = (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).unify_dictionaries().combine_chunks()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) and coded.num_chunks else coded
        if not len(coded):
            return pd.array([], dtype="string")
        words = np.array([*coded.dictionary.to_pylist(), pd.NA], dtype=object)
        return pd.array(words[coded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)], dtype="string")
    return column.to_pandas().array


def obs_in(path: Path, /) -> pa.Table:
    """The annotation of a member, without its values.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    pa.Table
        `Metadata_` columns.

    Raises
    ------
    InputError
        The file is missing or cut.

    """
    try:
        names = [name for name in pq.read_schema(path).names if name != VALUES]
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it from a copy, or make the dataset again") from error
    return _read(path, names)
