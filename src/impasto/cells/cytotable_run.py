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

from impasto.cellprofiler_tables import NUMBER, OBJECT, TABLE
from impasto.cells import columns as names
from impasto.cells import sources
from impasto.cells.sources import Part, Run
from impasto.schema import InputError
from impasto.spelling import PREFIX

UNIT = "Cells"
_ROWS = 8192
_KEYS = (PREFIX + TABLE, PREFIX + NUMBER)
_NUMBERS = (f"{PREFIX}Cells_Number_Object_Number", f"{PREFIX}Cytoplasm_Parent_Cells", f"{PREFIX}{OBJECT}", f"{PREFIX}Cells_{OBJECT}")
"""Where the number of a cell may stand, the surest first."""
_CENTERS = [(f"{PREFIX}{kind}_Location_Center_X", f"{PREFIX}{kind}_Location_Center_Y") for kind in ("Nuclei", "Cells")]
_BEFORE = re.compile(rf"^(?:Image_|{PREFIX})+")
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
        shape = pq.read_schema(path)
        self._keys = [key for key in _KEYS if key in shape.names]
        number = next((name for name in _NUMBERS if name in shape.names), None)
        if number is None:
            raise InputError(f"{path}: no column says the number of a cell in its image; allowed: {', '.join(_NUMBERS)}")
        center = next((pair for pair in _CENTERS if set(pair) <= set(shape.names)), ())
        numeric = [f.name for f in shape if (pa.types.is_floating(f.type) or pa.types.is_integer(f.type)) and names.is_feature(f.name)]
        located = dict(zip(names.LOCATION, center, strict=True)) if center else {}
        self._stored = {**{name: name for name in numeric}, OBJECT: number, **located}
        self._place = [name for name in shape.names if _OF_PLACE.match(name) and name not in self._keys]
        self.objects: Mapping[str, Sequence[str]] = {UNIT: tuple(self._stored)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}
        table = pq.read_table(path, columns=[*self._keys, *self._place]).to_pandas()
        grouped = table.astype("string").fillna("").groupby([*self._keys, *self._place], sort=False)
        self._image_of_row = grouped.ngroup().to_numpy()
        self._images = table.loc[np.unique(self._image_of_row, return_index=True)[1]].reset_index(drop=True)

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        own = self._images[self._place].rename(columns=lambda c: _BEFORE.sub(PREFIX, c))
        own = own.astype("string").loc[:, ~own.columns.duplicated()]
        return sources.in_our_words(own, columns, where=self.where, placed={})

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        stored, first = [self._stored[c] for c in columns], 0
        for batch in pq.ParquetFile(self._path).iter_batches(batch_size=_ROWS, columns=list(dict.fromkeys(stored))):
            values = np.stack([batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in stored], axis=1)
            yield self._image_of_row[first : first + len(values)], values
            first += len(values)

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        return [f"{self.where}: joined by CytoTable, which leaves out cells without a partner; how many cannot be known from this file"]


class CytoTableReader:
    """Opens a Parquet file, or a folder of them, whose columns are those of CytoTable."""

    example: str = "a Parquet file of CytoTable"

    def fits(self, path: Path, /) -> bool:
        files = _files(path)
        try:
            return bool(files) and all(_KEYS[1] in pq.read_schema(file).names for file in files)
        except (OSError, pa.ArrowException):
            return False

    def open(self, path: Path, /) -> list[Run]:
        return [CytoTableRun(file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path] if path.suffix == ".parquet" else []


READER = CytoTableReader()
"""The reader of the family."""
