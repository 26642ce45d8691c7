"""Rows in files: numbers that the process reads a page at a time and does not hold.

What is computed row by row of mapped rows is mapped again, in a scratch file that goes with the process. What is computed of rows in memory
stays in memory. So one code serves a table of a laptop and one that no memory holds.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
BLOCK_BYTES = 64 * 2**20
"""Rows of a mapped array that are looked at together."""


_FOLDERS: WeakKeyDictionary[mmap.mmap, Path] = WeakKeyDictionary()
"""The folder of each scratch file that is open: its file has no name that would say so."""


def source_of(values: npt.NDArray[Any], /) -> Path | None:
    """The file that holds the numbers of an array.

    Parameters
    ----------
    values
        Any array, or a view of one.

    Returns
    -------
    Path | None
        None where they are in memory.

    """
    held: Any = values
    while held is not None:
        if isinstance(held, np.memmap):
            return None if held.filename is None else Path(held.filename)
        held = getattr(held, "base", None)
    return None


def is_mapped(values: npt.NDArray[Any], /) -> bool:
    """Whether the numbers of an array lie in a file.

    Parameters
    ----------
    values
        Any array, or a view of one.

    Returns
    -------
    bool
        True for a mapped file, a scratch file among them.

    """
    return _map_of(values) is not None


def zeros_beside(values: npt.NDArray[Any], shape: tuple[int, ...], /, *, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Room for as many numbers, where those of another array are: in memory, or in a scratch file beside its file.

    Parameters
    ----------
    values
        The array that is worked on.
    shape
        Of the new one.
    dtype
        Of its numbers.

    Returns
    -------
    npt.NDArray
        (shape), zero.

    """
    if not is_mapped(values) or 0 in shape:
        return np.zeros(shape, dtype=dtype)
    folder = _folder_of(values)
    return zeros_in(folder if folder is not None and os.access(folder, os.W_OK) else None, shape, dtype=dtype)


def zeros_in(folder: Path | None, shape: tuple[int, ...], /, *, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Room for numbers in a scratch file.

    Parameters
    ----------
    folder
        Where the file lies; the system's own folder of temporary files where it is None.
    shape
        Of the array.
    dtype
        Of its numbers.

    Returns
    -------
    npt.NDArray
        (shape), zero; in memory where it is empty.

    """
    if 0 in shape:
        return np.zeros(shape, dtype=dtype)
    # The file has no name, or loses it when it is closed: nothing is left, however the process ends.
    with tempfile.TemporaryFile(dir=folder) as handle:
        scratch = np.memmap(handle, dtype=dtype, mode="w+", shape=tuple(int(n) for n in shape))
    if folder is not None:
        _FOLDERS[_map_of(scratch)] = folder
    return scratch


def _map_of(values: npt.NDArray[Any]) -> Any:
    """What an array of a file rests on, at the end of its bases; None for one in memory."""
    held: Any = values
    while held is not None and not isinstance(held, mmap.mmap):
        held = getattr(held, "base", None)
    return held


def _folder_of(values: npt.NDArray[Any]) -> Path | None:
    source = source_of(values)
    return _FOLDERS.get(_map_of(values)) if source is None else source.parent


def blocks(values: npt.NDArray[Any], /) -> Iterator[slice]:
    """Slices of rows to look at one after the other.

    Parameters
    ----------
    values
        (n, ...) any array.

    Yields
    ------
    slice
        All rows at once of an array in memory; some of a mapped one.

    """
    each = max(1, values[:1].nbytes)
    step = max(1, BLOCK_BYTES // each) if is_mapped(values) else max(1, len(values))
    return (slice(start, min(start + step, len(values))) for start in range(0, len(values), step))


def spread(values: npt.NDArray[np.floating], rows: Rows | None = None, /) -> tuple[Numbers, Numbers]:
    """The mean and the standard deviation of each column.

    Parameters
    ----------
    values
        (n, width).
    rows
        Which rows; all by default.

    Returns
    -------
    tuple[Numbers, Numbers]
        (width,) each. In memory as NumPy gives them; of mapped rows the same sums, added block by block.

    """
    if not is_mapped(values):
        own = values if rows is None else values[rows]
        return own.mean(axis=0, dtype=np.float64), own.std(axis=0, dtype=np.float64)
    chosen = np.arange(len(values)) if rows is None else rows
    parts = [chosen[here] for here in blocks(values) if here.start < len(chosen)]
    mean = np.sum([values[part].sum(axis=0, dtype=np.float64) for part in parts], axis=0) / len(chosen)
    square = np.sum([((values[part].astype(np.float64) - mean) ** 2).sum(axis=0) for part in parts], axis=0) / len(chosen)
    return mean, np.sqrt(square)


def take(values: npt.NDArray[Any], rows: Rows, /) -> npt.NDArray[Any]:
    """Some rows of an array, where its own numbers are.

    Parameters
    ----------
    values
        (n, width).
    rows
        (m,) places.

    Returns
    -------
    npt.NDArray
        (m, width) a copy in memory, or in a scratch file.

    """
    if not is_mapped(values):
        return values[rows]
    taken = zeros_beside(values, (len(rows), *values.shape[1:]), dtype=values.dtype)
    for here in blocks(taken):
        taken[here] = values[rows[here]]
    return taken
