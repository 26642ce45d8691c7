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
_TAKEN = 1 << 18
"""Rows that are put in order at once."""


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
    pandas.DataFrame
        n rows: every word of `_CODED` as a category, `name` as Arrow text, `page` and `offset` as numbers. Wells are as `A01`, a site of
        digits has no leading zeros, a row without a site is site 1.

    Raises
    ------
    InputError
        A well is written in no known form.

    """
    if isinstance(frame.get(BASE, pd.Series(dtype=object)).dtype, pd.CategoricalDtype) and PAGE in frame and OFFSET in frame:
        return frame  # it has this form already
    columns: dict[str, object] = {}
    if PATH in frame:
        columns[FOLDER], names = split(pa.chunked_array([pa.array(frame[PATH], pa.string())]))
        columns[NAME] = pd.arrays.ArrowExtensionArray(names)
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
    """The name of a site in one form.

    Parameters
    ----------
    site
        As it is written.

    Returns
    -------
    str
        Without leading zeros where all are digits; `"1"` for an empty one.

    """
    return (site.lstrip("0") or "0") if site.isdecimal() else site or "1"


def _well(well: str, where: str) -> str:
    try:
        return schema.normal_well(well)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def split(paths: pa.ChunkedArray, /) -> tuple[pd.Categorical, pa.ChunkedArray]:
    """Take paths apart.

    Parameters
    ----------
    paths
        (n,) of Arrow text.

    Returns
    -------
    folders : pandas.Categorical
        (n,) each kept once: `""` of a bare name, `"/"` of one in the root.
    names : pyarrow.ChunkedArray
        (n,) what stands behind the last slash.

    """
    heads = pc.replace_substring_regex(paths, r"[^/]*$", "")
    return recoded(categories(heads), _without_last_slash), pc.replace_substring_regex(paths, r"^(?s:.*)/", "")


def _without_last_slash(head: str) -> str:
    return head if head == "/" else head.removesuffix("/")


def categories(column: pa.ChunkedArray, /) -> pd.Categorical:
    """A column of Arrow text as one that keeps each value once.

    Parameters
    ----------
    column
        (n,) text or dictionaries of text.

    Returns
    -------
    pandas.Categorical
        (n,) of text; what is missing is `""`.

    """
    once = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = once.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    values = pd.Index(whole.dictionary.to_pylist(), dtype=object)
    return recoded(pd.Categorical.from_codes(whole.indices.fill_null(-1).to_numpy(zero_copy_only=False), values), str)


def compact(frame: pd.DataFrame, /) -> pd.DataFrame:
    """Planes in the form that takes little memory.

    Parameters
    ----------
    frame
        n rows as `on_disk` has them.

    Returns
    -------
    pandas.DataFrame
        n rows, words as categories, folders and names apart.

    """
    words = [word for word in (*KEYS, schema.CHANNEL, AT, ILLUMINATION) if word in frame]
    columns: dict[str, object] = {word: coded(frame[word]) for word in words}
    columns[FOLDER], names = split(pa.chunked_array([pa.array(frame[PATH], pa.string())]))
    columns[NAME] = pd.arrays.ArrowExtensionArray(names)
    return pd.DataFrame(columns | {number: frame[number].to_numpy() for number in (PAGE, OFFSET) if number in frame})


def read(path: Path, /, *, row_group: int | None = None) -> pd.DataFrame:
    """The table that `write` left. The paths of all planes are never in memory at once.

    Parameters
    ----------
    path
        Of `images.parquet`.
    row_group
        The only part to read; each is a plate.

    Returns
    -------
    pandas.DataFrame
        As `compact` gives it.

    """
    if row_group is not None:
        return compact(pq.ParquetFile(path).read_row_group(row_group, use_threads=False).to_pandas())
    written = pq.read_schema(path).names
    words = [word for word in (*KEYS, schema.CHANNEL, AT, ILLUMINATION) if word in written]
    columns: dict[str, object] = {}
    for word in words:
        columns[word] = categories(pq.read_table(path, columns=[word], read_dictionary=[word])[word])
    folders, names = [], []
    for part in pq.ParquetFile(path).iter_batches(batch_size=1 << 18, columns=[PATH]):
        folder, name = split(pa.chunked_array([part.column(PATH)]))
        folders.append(folder)
        names += name.chunks
    columns[FOLDER] = pd.api.types.union_categoricals(folders) if folders else coded([])
    columns[NAME] = pd.arrays.ArrowExtensionArray(pa.chunked_array(names, pa.string()))
    columns |= {number: pq.read_table(path, columns=[number])[number].to_numpy() for number in (PAGE, OFFSET) if number in written}
    return pd.DataFrame(columns)


def paths(planes: pd.DataFrame, /) -> pa.ChunkedArray:
    """The path of every plane.

    Parameters
    ----------
    planes
        n rows in the form of `table` or `compact`.

    Returns
    -------
    pyarrow.ChunkedArray
        (n,) of Arrow text.

    """
    folders = planes[FOLDER].array
    ends = [folder if folder in ("", "/") else f"{folder}/" for folder in map(str, folders.categories)]
    heads = pa.DictionaryArray.from_arrays(pa.array(folders.codes.astype(np.int32)), pa.array(ends, pa.string())).cast(pa.string())
    names = pa.array(planes[NAME].array, pa.string())
    return pc.binary_join_element_wise(heads, names, "")


def joined(parts: list[pd.DataFrame], /) -> pd.DataFrame:
    """Several tables of planes as one.

    Parameters
    ----------
    parts
        One table or more. They are taken out, or apart column by column, so that nothing is held twice.

    Returns
    -------
    pandas.DataFrame
        The rows of all, categories kept as categories.

    """
    if len(parts) == 1:
        return parts.pop()
    # Arrow keeps what the making of the parts needed; it is wanted now.
    pa.default_memory_pool().release_unused()
    whole: dict[str, object] = {}
    for column in list(parts[0]):
        columns = [part.pop(column) for part in parts]
        if isinstance(columns[0].dtype, pd.CategoricalDtype):
            whole[column] = pd.api.types.union_categoricals(columns, sort_categories=False)
        else:
            whole[column] = pd.concat(columns, ignore_index=True).array
    return pd.DataFrame(whole)


def places(planes: pd.DataFrame, words: tuple[str, ...], /) -> npt.NDArray[np.int64]:
    """One number for every combination of some words.

    Parameters
    ----------
    planes
        n rows.
    words
        Names of columns of categories.

    Returns
    -------
    npt.NDArray[np.int64]
        (n,) equal where all of the words are, in the order of their sorted values.

    """
    code = np.zeros(len(planes), dtype=np.int64)
    for word in words:
        column = planes[word].array
        rank = np.argsort(np.argsort(np.asarray(column.categories, dtype=str), kind="stable"), kind="stable").astype(np.int64)
        code *= max(1, len(rank))
        for start in range(0, len(code), _TAKEN):
            code[start : start + _TAKEN] += rank[column.codes[start : start + _TAKEN]]
    return code


def kept(planes: pd.DataFrame, rows: npt.NDArray[np.bool_], /) -> pd.DataFrame:
    """Some rows of a table.

    Parameters
    ----------
    planes
        n rows.
    rows
        (n,) True for a row that stays.

    Returns
    -------
    pandas.DataFrame
        These rows, numbered from 0; the table itself where all stay.

    """
    return planes if rows.all() else planes[rows].reset_index(drop=True)


def sorted_by_place(planes: pd.DataFrame, /) -> pd.DataFrame:
    """The rows by source, batch, plate, well, site and channel.

    Parameters
    ----------
    planes
        n rows. A table that is not sorted is taken apart column by column, so that nothing is held twice: it is empty afterwards.

    Returns
    -------
    pandas.DataFrame
        n rows, sorted; the table itself where it is sorted already.

    """
    place = places(planes, (*KEYS, schema.CHANNEL))
    if (place[1:] >= place[:-1]).all():
        return planes
    order = np.argsort(place, kind="stable")
    del place
    whole: dict[str, object] = {}
    for column in list(planes):
        if isinstance(planes[column].array, pd.arrays.ArrowExtensionArray):
            whole[column] = _texts_taken(pa.chunked_array(pa.array(planes.pop(column).array)).chunks, order)
        else:
            whole[column] = planes.pop(column).array.take(order)
    return pd.DataFrame(whole)


def _texts_taken(chunks: list[pa.StringArray], order: npt.NDArray[np.intp]) -> pd.arrays.ArrowExtensionArray:
    """Arrow text in another order, part by part; `chunks` is empty afterwards.

    Arrow copies all that it takes from into one piece; rows that are wanted together mostly lie near one another, and a slice does.
    A chunk is let go when no later part wants a row of it, so that the texts are not held twice.
    """
    parts = [order[start : start + _TAKEN] for start in range(0, len(order), _TAKEN)]
    wanted_first = [int(part.min()) for part in parts]
    later_first = [*np.minimum.accumulate(wanted_first[::-1])[::-1].tolist()[1:], len(order)]
    kind, gone, taken = chunks[0].type, 0, []
    for part, first, later in zip(parts, wanted_first, later_first, strict=True):
        slice_ = pa.chunked_array(chunks)[first - gone : int(part.max()) + 1 - gone]
        taken += slice_.take(pa.array(part - first)).chunks
        del slice_
        while chunks and gone + len(chunks[0]) <= later:
            gone += len(chunks.pop(0))
    return pd.arrays.ArrowExtensionArray(pa.chunked_array(taken, type=kind))


def on_disk(planes: pd.DataFrame, /) -> Iterator[pa.Table]:
    """The table as it is kept in `images.parquet`, a plate at a time.

    Parameters
    ----------
    planes
        n rows in the form of `table`, sorted by place.

    Returns
    -------
    Iterator[pyarrow.Table]
        The parts in order, at least one.

    """
    words = [*KEYS, schema.CHANNEL]
    # What holds for no row is no column.
    extra = [word for word in (AT, ILLUMINATION) if (planes[word] != "").any()] + [OFFSET] * bool(planes[OFFSET].any())
    dictionaries = {word: pa.array(planes[word].array.categories, pa.string()) for word in [*words, *extra] if word != OFFSET}
    starts = np.flatnonzero(np.diff(places(planes, KEYS[:3]), prepend=-1)) if len(planes) else np.zeros(1, dtype=np.intp)
    for start, stop in zip(starts, [*starts[1:], len(planes)], strict=True):
        part = planes.iloc[start:stop]
        columns: dict[str, object] = {
            word: pa.DictionaryArray.from_arrays(pa.array(part[word].array.codes.astype(np.int32)), dictionary).cast(pa.string())
            for word, dictionary in dictionaries.items()
        }
        columns[PATH], columns[PAGE] = paths(part), pa.array(part[PAGE].to_numpy())
        if OFFSET in extra:
            columns[OFFSET] = pa.array(part[OFFSET].to_numpy())
        yield pa.table({name: columns[name] for name in (*words, PATH, PAGE, *extra)})


def write(planes: pd.DataFrame, path: Path, /) -> None:
    """Write `images.parquet`, part by part: the paths of all planes are never in memory at once.

    Parameters
    ----------
    planes
        n rows in the form of `table`.
    path
        Of the file.

    """
    parts = on_disk(planes)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=max(1, len(first)))
        for part in parts:
            writer.write_table(part, row_group_size=len(part))
