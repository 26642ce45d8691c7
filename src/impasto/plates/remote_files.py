"""The planes of an ingest that lie at s3:// or https://: how many, and the list that `impasto fetch` brings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import remote, runs
from impasto.plates import planes, zarr_stores
from impasto.schema import InputError

_COUNTED = 100_000
"""So many files are looked for in the cache; of more it is not said how many lack."""


def urls_of(table: pd.DataFrame, /) -> list[str]:
    """The remote files of a table of planes, each once: images and illumination functions, but no Zarr store (it is read where it lies)."""
    folders = np.array([remote.url(f"{folder}/") is not None for folder in table[planes.FOLDER].array.categories], dtype=bool)
    far = table[folders[table[planes.FOLDER].array.codes]] if len(table) else table
    named = [*planes.paths(far).to_pylist(), *map(str, far[planes.ILLUMINATION].unique())] if len(far) else []
    return [url for path in dict.fromkeys(named) if (url := remote.url(path)) and not zarr_stores.is_inside(url)]


def told(urls: list[str], /) -> list[str]:
    """A sentence about them; none where there are none. Raises InputError where one is of a kind that is not read."""
    if not urls:
        return []
    cache = remote.cache()
    if len(urls) > _COUNTED:
        return [f"{len(urls)} files are remote; the cache is {cache.folder}"]
    there = len(urls) - len(cache.missing(urls))
    return [
        f"{len(urls)} files are remote, {there} of them in {cache.folder}; the others are fetched when they are read, or by impasto fetch"
    ]


def write_list(urls: Iterable[str], path: Path, /) -> int:
    """Write a file for `impasto fetch`, one URL a line; how many. Raises InputError where the file holds something else already."""
    if path.exists():
        try:
            remote.urls_of(str(path))
        except InputError:
            raise InputError(f"{path} is there and is no list of URLs; give --fetch-list another name") from None
    lines = list(urls)
    with runs.atomic(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)
