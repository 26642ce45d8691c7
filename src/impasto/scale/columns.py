"""Whole columns of rows that are never together in memory: exact medians, a few features at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.scale.sums import Anything, Array

BLOCK = 64
"""Features that are in memory at a time."""


def block_of(arrays: Mapping[str, Anything], name: str, start: int, stop: int, /) -> Anything:
    """Some columns of an array of a part.

    Parameters
    ----------
    arrays
        Of a part, in memory or on disk; of one on disk only these columns are read.
    name
        Of the array, (n, features).
    start, stop
        The columns.

    Returns
    -------
    Anything
        (n, stop - start).

    """
    on_disk: Any = getattr(arrays, "columns", None)
    return on_disk(name, start, stop) if on_disk is not None else arrays[name][:, start:stop]


def medians(parts: Sequence[Mapping[str, Anything]], name: str, width: int, /) -> Array:
    """The median of each column over the rows of all parts, missing values left out.

    Parameters
    ----------
    parts
        Each with an array (rows, width) of that name.
    name
        Of the array.
    width
        The number of columns.

    Returns
    -------
    Array
        (width,); 0 for a column without a value.

    """
    middle = np.zeros(width)
    for start in range(0, width, BLOCK):
        stop = min(start + BLOCK, width)
        block: npt.NDArray[np.float32] = np.concatenate([np.asarray(block_of(part, name, start, stop)) for part in parts])
        for place in range(stop - start):
            column = block[:, place].astype(np.float64)
            known = column[~np.isnan(column)]
            middle[start + place] = np.median(known) if len(known) else 0.0
    return middle
