"""Cells of scPortrait's .h5sc as a run: the shapes of their masks. Columns of `obs` say plate and well, or the option `--set` names them.

Crops are scaled file by file, so nothing of their brightness becomes a feature. The crops themselves are read again for pictures and
encoders. A cell whose mask reaches the border of its crop may be cut: it carries the bit `edge`, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import spelling
from impasto.cellprofiler_tables import OBJECT
from impasto.cells import columns as names
from impasto.cells import measure, segment
from impasto.cells.columns import BIT, BITS, EDGE
from impasto.cells.h5sc import CROPS, SUFFIX, CropFile
from impasto.object_tables import run
from impasto.object_tables.run import Part, Run, Values
from impasto.schema import InputError

UNIT = "Cells"
_ROWS = 256


class H5scRun:
    """The cells of one file.

    Parameters
    ----------
    path
        The file.

    """

    def __init__(self, path: Path, /) -> None:
        segment.require()
        self.where, self._file = str(path), CropFile(path)
        if not len(self._file.numbers):
            raise InputError(f"{path} holds no cell; leave it out")
        if not self._file.masks:
            raise InputError(f"{path}: none of its channels is a mask, so no cell has a shape; extract crops with their masks")
        shapes = [f"{part}_{name}" for part in self._file.compartments for name in measure.SHAPES]
        self._columns = [OBJECT, BITS, *shapes]
        self.objects: Mapping[str, Sequence[str]] = {UNIT: tuple(self._columns)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}
        self._image_of_row = np.zeros(len(self._file.numbers), dtype=np.int64)
        self._cut = self._empty = 0

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        obs = self._file.obs.astype(dict.fromkeys(self._file.obs.select_dtypes(["category", "object", "string"]), "string"))
        own = obs.rename(columns=lambda c: c if str(c).startswith(spelling.PREFIX) or c in columns.values() else f"{spelling.PREFIX}{c}")
        table = run.in_our_words(own, columns, where=self.where, placed={})
        words = [word for word in names.WORDS if word in table]
        if words:
            grouped = table.groupby(words, dropna=False, sort=False)
            self._image_of_row = grouped.ngroup().to_numpy()
            # What differs between the cells of a place is of cells.
            table = table[[c for c in table if c in words or grouped[c].nunique(dropna=False).max() <= 1]]
        first = np.unique(self._image_of_row, return_index=True)[1]
        return table.iloc[first].reset_index(drop=True).assign(**{CROPS: str(self._file.path.absolute())})

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        at = [self._columns.index(c) for c in columns]
        numbers = self._file.numbers
        self._cut = self._empty = 0
        for first in range(0, len(numbers), _ROWS):
            rows = np.arange(first, min(first + _ROWS, len(numbers)))
            values = np.full((len(rows), len(self._columns)), np.nan)
            values[:, 0] = numbers[rows]
            if at != [0]:
                values[:, 1:] = self._measured(rows)
            yield self._image_of_row[rows], values[:, at]

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        lines = [f"{self.where}: scPortrait; crops are scaled by that file, so brightness is no feature: shapes of its masks are"]
        if self._cut:
            lines.append(f"{self.where}: {self._cut} cells reach the border of their crop; they carry the bit {EDGE}")
        if self._empty:
            lines.append(f"{self.where}: {self._empty} masks are empty; their shapes are not measured")
        return lines

    def _measured(self, rows: npt.NDArray[np.integer]) -> Values:
        """The bits and the shapes of some cells."""
        parts = self._file.compartments
        crops = self._file.crops(rows, list(parts.values())) > 0
        values = np.full((len(rows), len(self._columns) - 1), np.nan)
        border = np.ones(crops.shape[2:], dtype=bool)
        border[1:-1, 1:-1] = False
        for place, masks in enumerate(crops):
            cut = bool((masks[0] & border).any())
            values[place, 0] = BIT[EDGE] if cut else 0
            self._cut += cut
            self._empty += int((~masks.any(axis=(1, 2))).sum())
            values[place, 1:] = np.concatenate([v for mask in masks for v in measure.shapes(mask.astype(np.int32), 1).values()])
        return values


class H5scReader:
    """Opens a .h5sc, or a folder of them."""

    example: str = "a .h5sc of scPortrait"

    def fits(self, path: Path, /) -> bool:
        return bool(_files(path))

    def open(self, path: Path, /) -> list[Run]:
        return [H5scRun(file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.suffix == SUFFIX else []


READER = H5scReader()
"""The reader of the family."""
