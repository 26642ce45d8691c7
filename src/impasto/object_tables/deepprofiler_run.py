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
from impasto.cellprofiler_tables import COUNT, LOCATION, OBJECT
from impasto.object_tables.run import Measured, Part, Run
from impasto.spelling import PREFIX

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
        self._constants: list[dict[str, str]] = []
        self._counts: list[int] = []
        self._not_located = 0
        widths = set[int]()
        for path in self._places:
            site = deepprofiler.read(path)
            self._constants.append(site.constants)
            self._counts.append(len(site.features))
            self._not_located += not site.is_located
            widths |= {site.features.shape[1]} if len(site.features) else set()
        self._features = feature_names.embedding_names("", deepprofiler.width_of(widths, folder))
        self.objects: Mapping[str, Sequence[str]] = {UNIT: (OBJECT, *LOCATION, *self._features)}
        self.number: Mapping[str, str] = {UNIT: OBJECT}
        self.measured: Mapping[str, Sequence[str]] = {UNIT: tuple(self._features)}

    def whole_images(self) -> pd.DataFrame:
        rows = []
        for (plate, well, site), constants, count in zip(self._places.values(), self._constants, self._counts, strict=True):
            place = {f"{PREFIX}Plate": plate, f"{PREFIX}Well": well, f"{PREFIX}Site": site, f"{PREFIX}{COUNT}{UNIT}": count}
            rows.append(place | {k: v for k, v in constants.items() if k in deepprofiler.FROM_METADATA})
        return pd.DataFrame(rows).astype({f"{PREFIX}Site": "string"})

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:  # noqa: ARG002 - the path says it
        rows = []
        for (plate, well, site), constants in zip(self._places.values(), self._constants, strict=True):
            more = {name.removeprefix(PREFIX).lower(): constants.get(name) for name in deepprofiler.FROM_METADATA}
            rows.append({schema.PLATE: plate, schema.WELL: schema.normal_well(well), schema.SITE: site, **more})
        table = pd.DataFrame(rows).astype("string")
        return table.drop(columns=[c for c in table if table[c].isna().all()])

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        at = [self.objects[UNIT].index(c) for c in columns]
        for number, path in enumerate(self._places):
            site = deepprofiler.read(path)
            numbers = np.arange(1, len(site.features) + 1, dtype=np.float64)[:, None]
            features = site.features.reshape(len(numbers), len(self._features)).astype(np.float64)
            whole = np.concatenate([numbers, site.locations, features], axis=1)
            yield np.full(len(whole), number), whole[:, at]

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        lines = [f"{self.where}: DeepProfiler, {len(self._places)} sites; pickled metadata are not unpickled"]
        if self._not_located:
            lines.append(f"{self.where}: {self._not_located} sites do not say a place for each cell; centres are not known there")
        other = sum(_differs(constants, place) for constants, place in zip(self._constants, self._places.values(), strict=True))
        if other:
            lines.append(f"{self.where}: the metadata of {other} sites say another plate or well than their path; the path counts")
        return lines


def _differs(constants: Mapping[str, str], place: tuple[str, str, str]) -> bool:
    """Whether the metadata of a site name another plate or well than its path. What a pickle says by objects is not known."""
    plate, well = (constants.get(f"{PREFIX}{word}", "") for word in ("Plate", "Well"))
    is_other_well = schema.is_well(well) and schema.normal_well(well) != schema.normal_well(place[1])
    return is_other_well or (plate not in ("", place[0]) and not plate.startswith("numpy"))


class DeepProfilerReader:
    """Opens a folder of `.npz` files whose paths name wells."""

    example: str = "a folder of DeepProfiler's features (.npz)"

    def fits(self, path: Path, /) -> bool:
        return path.is_dir() and bool(deepprofiler.files(path))

    def open(self, path: Path, /) -> list[Run]:
        return list[Run](self.measured(path))

    def measured(self, path: Path, /) -> list[Measured]:
        return [DeepProfilerRun(path)]


READER = DeepProfilerReader()
"""The reader of the family."""
