"""DeepProfiler's features, a row a cell: `features/<plate>/<well>/<site>.npz` with `features` (n, d) and `locations` (n, 2).

The path says plate, well and site. Pickled metadata are never unpickled: their constants are read from the instructions. A site may hold no
cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import deepprofiler, feature_names, schema
from impasto.cellprofiler_tables import OBJECT
from impasto.cells import columns as names
from impasto.cells.sources import Part, Run
from impasto.schema import InputError

UNIT = "Cells"


class DeepProfilerRun:
    """All sites of a folder.

    Parameters
    ----------
    folder
        It holds `.npz` files whose paths name wells.

    """

    def __init__(self, folder: Path, /) -> None:
        self.where = str(folder)
        self._places = deepprofiler.places(folder)
        widths = {deepprofiler.read(path).features.shape[1] for path in self._places}
        if len(widths) != 1:
            raise InputError(f"{folder}: its files differ in the number of features ({sorted(widths)}); give the features of one model")
        self._features = feature_names.embedding_names("", widths.pop())
        self.objects: Mapping[str, Sequence[str]] = {UNIT: (OBJECT, *names.LOCATION, *self._features)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:  # noqa: ARG002 - the path says it
        rows = []
        for path, (plate, well, site) in self._places.items():
            constants = deepprofiler.read(path).constants
            more = {word: constants.get(f"Metadata_{word.capitalize()}") for word in (schema.SOURCE, schema.BATCH)}
            rows.append({schema.PLATE: plate, schema.WELL: schema.normal_well(well), schema.SITE: site, **more})
        table = pd.DataFrame(rows).astype("string")
        return table.drop(columns=[c for c in table if table[c].isna().all()])

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        at = [self.objects[UNIT].index(c) for c in columns]
        for number, path in enumerate(self._places):
            site = deepprofiler.read(path)
            numbers = np.arange(1, len(site.features) + 1, dtype=np.float64)[:, None]
            whole = np.concatenate([numbers, site.locations, site.features.astype(np.float64)], axis=1)
            yield np.full(len(whole), number), whole[:, at]

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        return [f"{self.where}: DeepProfiler, {len(self._places)} sites; pickled metadata are not unpickled"]


class DeepProfilerReader:
    """Opens a folder of `.npz` files whose paths name wells."""

    example: str = "a folder of DeepProfiler's features (.npz)"

    def fits(self, path: Path, /) -> bool:
        return path.is_dir() and bool(deepprofiler.files(path))

    def open(self, path: Path, /) -> list[Run]:
        return [DeepProfilerRun(path)]


READER = DeepProfilerReader()
"""The reader of the family."""
