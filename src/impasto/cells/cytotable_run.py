"""CytoTable's Parquet: one wide row a cell, compartments joined already. What had no partner is gone, and that is said.

`Metadata_ImageNumber` (with `Metadata_TableNumber` where there is one) names an image; plate, well and site stand in `Metadata_` columns.
Rows may come in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import border, schema
from impasto.cellprofiler_tables import LOCATION, NUMBER, OBJECT, TABLE
from impasto.cells import columns as names
from impasto.object_tables import run
from impasto.object_tables.run import Part, Run, Values
from impasto.schema import InputError
from impasto.spelling import PREFIX

UNIT = "Cells"
WHAT = "Parquet file of CytoTable"
_ROWS = 8192
_KEYS = (PREFIX + TABLE, PREFIX + NUMBER)
_NUMBERS = (f"{PREFIX}Cells_Number_Object_Number", f"{PREFIX}Cytoplasm_Parent_Cells", f"{PREFIX}{OBJECT}", f"{PREFIX}Cells_{OBJECT}")
"""Where the number of a cell may stand, the surest first."""
_CENTERS = [(f"{PREFIX}{kind}_Location_Center_X", f"{PREFIX}{kind}_Location_Center_Y") for kind in ("Nuclei", "Cells")]
_BEFORE = re.compile(rf"^(?:Image_|{PREFIX})+")
_OF_IMAGE = re.compile(r"^Image_")
_OF_PLACE = re.compile(rf"^(?:Image_|{PREFIX})+(?:Source|Batch|Plate|Well|Site|Field)\w*$", re.IGNORECASE)


class CytoTableRun:
    """One Parquet file.

    Parameters
    ----------
    path
        The file.

    """

    def __init__(self, path: Path, /) -> None:
        self.where, self._path = str(path), path
        with border.reading(path, WHAT):
            shape = pq.read_schema(path)
            if not pq.read_metadata(path).num_rows:
                raise InputError(f"{path} holds no row; leave it out")
        self._keys = [key for key in _KEYS if key in shape.names]
        number = next((name for name in _NUMBERS if name in shape.names), None)
        if number is None:
            raise InputError(f"{path}: no column says the number of a cell in its image; allowed: {', '.join(_NUMBERS)}")
        center = next((pair for pair in _CENTERS if set(pair) <= set(shape.names)), ())
        measured = [f for f in shape if names.is_feature(f.name)]
        numeric = [f.name for f in measured if _is_number(f.type)]
        self._texts = [f.name for f in measured if not _is_number(f.type) and not _OF_IMAGE.match(f.name)]
        located = dict(zip(LOCATION, center, strict=True)) if center else {}
        self._stored = {**{name: name for name in numeric}, OBJECT: number, **located}
        self._place = [name for name in shape.names if _OF_PLACE.match(name) and name not in self._keys]
        self._differ: list[str] = []
        self.objects: Mapping[str, Sequence[str]] = {UNIT: tuple(self._stored)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}
        table = pq.read_table(path, columns=[*self._keys, *self._place]).to_pandas()
        grouped = table.astype("string").fillna("").groupby([*self._keys, *self._place], sort=False)
        self._image_of_row = grouped.ngroup().to_numpy()
        self._images = table.loc[np.unique(self._image_of_row, return_index=True)[1]].reset_index(drop=True)

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        own = self._images[self._place].rename(columns=lambda c: _BEFORE.sub(PREFIX, c)).astype("string")
        twice = own.columns.duplicated()
        self._differ = sorted({name for name in own.columns[twice] if own[name].nunique(axis=1, dropna=False).max() > 1})
        own = own.loc[:, ~twice]
        return run.in_our_words(own, columns, where=self.where, placed={})

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        stored, first = [self._stored[c] for c in columns], 0
        for batch in pq.ParquetFile(self._path).iter_batches(batch_size=_ROWS, columns=list(dict.fromkeys(stored))):
            values = np.stack([_numbers(batch.column(name)) for name in stored], axis=1)
            yield self._image_of_row[first : first + len(values)], values
            first += len(values)

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        lines = [f"{self.where}: joined by CytoTable, which leaves out cells without a partner; how many cannot be known from this file"]
        if self._differ:
            lines.append(f"{self.where}: two columns say {', '.join(self._differ)}, and differ; the first of them is read")
        if self._texts:
            lines.append(f"{self.where}: left out, no numbers: {schema.listed(self._texts[:5])}{'...' if len(self._texts) > 5 else ''}")
        return lines


class CytoTableReader:
    """Opens a Parquet file, or a folder of them, whose columns are those of CytoTable."""

    example: str = "a Parquet file of CytoTable"

    def fits(self, path: Path, /) -> bool:
        files = _files(path)
        return bool(files) and all(_may_be_one(file) for file in files)

    def open(self, path: Path, /) -> list[Run]:
        return [CytoTableRun(file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    of_folder = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in of_folder if file.suffix.lower() == ".parquet"]


def _may_be_one(file: Path) -> bool:
    """Whether a Parquet file is CytoTable's by its columns. One that cannot be read is none."""
    try:
        return _KEYS[1] in pq.read_schema(file).names
    except (OSError, pa.ArrowException):
        return False


def _is_number(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_decimal))


def _numbers(column: pa.Array) -> Values:
    """A column as numbers, NaN where a value is missing."""
    plain = column.cast(pa.float64()) if not pa.types.is_boolean(column.type) else column.cast(pa.int8()).cast(pa.float64())
    return np.asarray(plain.to_numpy(zero_copy_only=False), dtype=np.float64)


READER = CytoTableReader()
"""The reader of the family."""
