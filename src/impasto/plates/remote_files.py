"""The planes of an ingest that lie at s3:// or https://: how many, and the list that `impasto fetch` brings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import remote, runs, texts
from impasto.plates import planes, zarr_stores
from impasto.schema import InputError

_COUNTED = 100_000
"""So many planes are looked for in the cache; of more it is not said how many lack."""
_PART = 1 << 18


def urls_of(table: pd.DataFrame, /) -> Iterator[str]:
    """The remote files of a table of planes: images and illumination functions, but no Zarr store (it is read where it lies).

    Parameters
    ----------
    table
        Of planes.

    Returns
    -------
    Iterator[str]
        URLs. Each comes once where the planes are sorted by place; a file of planes of several places may come again.

    """
    far = _remote_rows(table)
    named = itertools.chain(
        (path for start in range(0, len(far), _PART) for path in dict.fromkeys(planes.paths(far.iloc[start : start + _PART]).to_pylist())),
        map(str, far[planes.ILLUMINATION].unique()),
    )
    return (url for path in named if (url := remote.url(path)) and not zarr_stores.is_inside(url))


def _remote_rows(table: pd.DataFrame) -> pd.DataFrame:
    folders = np.array([remote.url(f"{folder}/") is not None for folder in table[planes.FOLDER].array.categories], dtype=bool)
    return planes.kept(table, folders[table[planes.FOLDER].array.codes]) if len(table) else table


def told(table: pd.DataFrame, /) -> list[str]:
    """A sentence about the remote files of a table of planes.

    Parameters
    ----------
    table
        Of planes.

    Returns
    -------
    list[str]
        How many there are, and how many lie in the cache; none where no file is remote.

    Raises
    ------
    InputError
        The scheme of one is not read.

    """
    far = _remote_rows(table)
    if not len(far):
        return []
    cache = remote.cache()
    if len(far) > _COUNTED:
        return [f"{len(far)} planes are remote; the cache is {cache.folder}"]
    urls = list(dict.fromkeys(urls_of(far)))
    if not urls:
        return []
    there = len(urls) - len(cache.missing(urls))
    return [
        f"{len(urls)} files are remote, {there} of them in {cache.folder}; the others are fetched when they are read, or by impasto fetch"
    ]


def write_list(urls: Iterable[str], path: Path, /) -> int:
    """Write a file for `impasto fetch`, one URL a line.

    Parameters
    ----------
    urls
        Of remote files.
    path
        Of the list. A list of URLs that is there is replaced.

    Returns
    -------
    int
        How many URLs.

    Raises
    ------
    InputError
        The file is there and holds something else.

    """
    if path.exists():
        try:
            remote.urls_of(str(path))
        except InputError:
            raise InputError(f"{path} is there and is no list of URLs; give --fetch-list another name") from None
    count = 0
    with runs.atomic(path) as temporary, temporary.open("w", encoding=texts.ENCODING, newline=texts.END) as file:
        for line in urls:
            file.write(f"{line}\n")
            count += 1
    return count
