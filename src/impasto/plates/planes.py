"""The table of planes: one row a channel of a site, where its pixels are. What every reader's result becomes.

Words are categories and a folder's name is kept once, so that a row takes some tens of bytes however long its path is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from impasto import schema
from impasto.plates.columns import coded, recoded
from impasto.schema import InputError

KEYS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)
FOLDER, NAME, PAGE, AT, NUMBER, DEPTH, TIME, BASE = "folder", "name", "page", "at", "number", "depth", "time", "base"
OFFSET, ILLUMINATION, PATH = "offset", "illumination", "path"
PREFIX, PLATE_ID = "prefix", "plate_id"
"""What may name a plate besides its folder: what all its files begin with, and its name in the microscope's index."""
_CODED = (*KEYS, schema.CHANNEL, FOLDER, AT, NUMBER, DEPTH, TIME, BASE, PREFIX, PLATE_ID, ILLUMINATION)


def table(frame: pd.DataFrame, /, *, where: str) -> pd.DataFrame:
    """A reader's rows in one form.

    Parameters
    ----------
    frame
        n rows with `path` (or `folder` and `name`), `channel`, `plate`, `well` and what `readers.Found` names besides.
    where
        The source, for sentences.

    Returns
    -------
    n rows: every word of `_CODED` as a category, `name` as Arrow text, `page` and `offset` as numbers. Wells are as `A01`, a site of
    digits has no leading zeros, a row without a site is site 1. Raises InputError on a well that is none.

    """
    columns: dict[str, object] = {}
    if PATH in frame:
        columns[FOLDER], columns[NAME] = _split(frame[PATH])
    else:
        columns[FOLDER], columns[NAME] = coded(frame[FOLDER]), frame[NAME].array
    for word in _CODED:
        if word != FOLDER:
            columns[word] = coded(frame[word]) if word in frame else pd.Categorical.from_codes(np.zeros(len(frame), dtype=np.int8), [""])
    columns[schema.WELL] = recoded(columns[schema.WELL], lambda well: _well(well, where))
    columns[schema.SITE] = recoded(columns[schema.SITE], site_name)
    for number in (PAGE, OFFSET):
        columns[number] = frame[number].to_numpy(dtype=np.int32) if number in frame else np.zeros(len(frame), dtype=np.int32)
    return pd.DataFrame(columns)


def site_name(site: str, /) -> str:
    """`"001"` -> `"1"`, `""` -> `"1"`; other names stay as they are."""
    return (site.lstrip("0") or "0") if site.isdecimal() else site or "1"


def _well(well: str, where: str) -> str:
    try:
        return schema.normal_well(well)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _split(paths: pd.Series) -> tuple[pd.Categorical, pd.arrays.ArrowExtensionArray]:
    """Folders, and names with Arrow text."""
    parts = [str(path).rpartition("/") for path in paths]
    # `rpartition` gives no folder for a bare name, and "" for one in the root.
    folders = coded([head if head or not slash else "/" for head, slash, _ in parts])
    return folders, pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array([name for _, _, name in parts], pa.string())]))


def paths(planes: pd.DataFrame, /) -> pa.ChunkedArray:
    """The path of every plane (n,), Arrow text."""
    folders = planes[FOLDER].array
    ends = [folder if folder in ("", "/") else f"{folder}/" for folder in map(str, folders.categories)]
    heads = pa.DictionaryArray.from_arrays(pa.array(folders.codes.astype(np.int32)), pa.array(ends, pa.string())).cast(pa.string())
    names = pa.array(planes[NAME].array, pa.string())
    return pc.binary_join_element_wise(heads, names, "")


def joined(parts: list[pd.DataFrame], /) -> pd.DataFrame:
    """Several tables of planes as one, categories kept as categories."""
    if len(parts) == 1:
        return parts[0]
    whole: dict[str, object] = {}
    for column in parts[0]:
        columns = [part[column] for part in parts]
        if isinstance(columns[0].dtype, pd.CategoricalDtype):
            whole[column] = pd.api.types.union_categoricals(columns, sort_categories=False)
        else:
            whole[column] = pd.concat(columns, ignore_index=True).array
    return pd.DataFrame(whole)


def places(planes: pd.DataFrame, words: tuple[str, ...], /) -> npt.NDArray[np.int64]:
    """One number for every combination of these words (n,), equal where all of them are, in the order of their sorted values."""
    code = np.zeros(len(planes), dtype=np.int64)
    for word in words:
        column = planes[word].array
        rank = np.argsort(np.argsort(np.asarray(column.categories, dtype=str), kind="stable"), kind="stable").astype(np.int64)
        code = code * max(1, len(rank)) + rank[column.codes]
    return code


def kept(planes: pd.DataFrame, rows: npt.NDArray[np.bool_], /) -> pd.DataFrame:
    """Those rows, numbered anew; the table itself where it is all of them."""
    return planes if rows.all() else planes[rows].reset_index(drop=True)


def sorted_by_place(planes: pd.DataFrame, /) -> pd.DataFrame:
    """The rows by source, batch, plate, well, site and channel."""
    order = np.argsort(places(planes, (*KEYS, schema.CHANNEL)), kind="stable")
    return planes.take(order).reset_index(drop=True)


def on_disk(planes: pd.DataFrame, /, *, rows: int = 1 << 19) -> Iterator[pa.Table]:
    """The table as it is kept in images.parquet, in parts of so many rows."""
    words = [*KEYS, schema.CHANNEL]
    # What holds for no row is no column.
    extra = [word for word in (AT, ILLUMINATION) if (planes[word] != "").any()] + [OFFSET] * bool(planes[OFFSET].any())
    dictionaries = {word: pa.array(planes[word].array.categories, pa.string()) for word in [*words, *extra] if word != OFFSET}
    for start in range(0, max(1, len(planes)), rows):
        part = planes.iloc[start : start + rows]
        columns: dict[str, object] = {
            word: pa.DictionaryArray.from_arrays(pa.array(part[word].array.codes.astype(np.int32)), dictionary).cast(pa.string())
            for word, dictionary in dictionaries.items()
        }
        columns[PATH], columns[PAGE] = paths(part), pa.array(part[PAGE].to_numpy())
        if OFFSET in extra:
            columns[OFFSET] = pa.array(part[OFFSET].to_numpy())
        yield pa.table({name: columns[name] for name in (*words, PATH, PAGE, *extra)})


def write(planes: pd.DataFrame, path: Path, /) -> None:
    """Write images.parquet, part by part: the paths of all planes are never in memory at once."""
    parts = on_disk(planes)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
