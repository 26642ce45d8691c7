"""Whole columns of rows that are never together in memory, a few features at a time.

A pass over the plates scatters their rows into files of 64 features each, so that all values of a feature are read in one piece:

    00000.f32, 00001.f32, ...     (rows, 64 or fewer) float32, row after row
    references                    (rows,) whether a statistic is taken over the row
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.scale.sums import Anything, Array

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
BLOCK = 64
"""Features in a file."""
FEW = 8
"""Features that something is learned of at a time."""
_REFERENCES = "references"


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


def scatter(plates: Iterable[tuple[Floats, Flags]], folder: Path, /) -> None:
    """Write the rows of plates, 64 features a file.

    Parameters
    ----------
    plates
        (n, features) values of each plate, and (n,) whether a statistic is taken over the row. One plate is in memory at a time.
    folder
        The folder to write, which is there; it holds no columns yet.

    """
    (folder / _REFERENCES).touch()
    for values, references in plates:
        for number, start in enumerate(range(0, values.shape[1], BLOCK)):
            with (folder / f"{number:05d}.f32").open("ab") as handle:
                handle.write(np.ascontiguousarray(values[:, start : start + BLOCK], dtype=np.float32).tobytes())
        with (folder / _REFERENCES).open("ab") as handle:
            handle.write(np.asarray(references, dtype=np.bool_).tobytes())


class Scattered:
    """The columns of many plates.

    Parameters
    ----------
    folders
        What `scatter` wrote, in the order of the plates.

    Attributes
    ----------
    references
        (n,) whether a statistic is taken over the row.

    """

    def __init__(self, folders: Sequence[Path], /) -> None:
        self._rows = [(folder, (folder / _REFERENCES).stat().st_size) for folder in folders]
        self._rows = [(folder, rows) for folder, rows in self._rows if rows]
        flags = [np.fromfile(folder / _REFERENCES, dtype=np.bool_) for folder, _ in self._rows]
        self.references: Flags = np.concatenate(flags) if flags else np.zeros(0, dtype=np.bool_)

    def few(self) -> Iterator[Floats]:
        """The columns, a few at a time.

        Yields
        ------
        Floats
            (n, 8 or fewer) all rows of the next features.

        """
        if not self._rows:
            return
        for number in range(len(list(self._rows[0][0].glob("*.f32")))):
            file = self._file(number)
            for start in range(0, file.shape[1], FEW):
                yield np.ascontiguousarray(file[:, start : start + FEW])

    def _file(self, number: int) -> Floats:
        """All rows of up to 64 features; the plates are read into their place one after the other."""
        name = f"{number:05d}.f32"
        first, rows = self._rows[0]
        values = np.empty((len(self.references), (first / name).stat().st_size // 4 // rows), dtype=np.float32)
        at = 0
        for folder, rows in self._rows:
            values[at : at + rows] = np.fromfile(folder / name, dtype=np.float32).reshape(rows, values.shape[1])
            at += rows
        return values


def few_of(values: Floats, rows: npt.NDArray[np.intp], /) -> Iterator[Floats]:
    """The columns of rows in memory as `Scattered.few` gives those of files.

    Parameters
    ----------
    values
        (n, features).
    rows
        (m,) which rows.

    Yields
    ------
    Floats
        (m, 8 or fewer) these rows of the next features.

    """
    for start in range(0, values.shape[1], FEW):
        yield np.ascontiguousarray(values[:, start : start + FEW][rows])
