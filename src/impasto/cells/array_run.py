"""Cells that are in memory already, as a run: what a program or a simulation hands over, written like any table of cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.cellprofiler_tables import OBJECT
from impasto.cells import build, places
from impasto.cells.folder import Cells
from impasto.object_tables.run import Part


class ArrayRun:
    """Wells of cells in memory, one site each.

    Parameters
    ----------
    wells
        One row a well: plate, well, and what is known of it.
    values
        (wells) each (cells, features).
    features
        Names of the features.

    """

    def __init__(self, wells: pd.DataFrame, values: Sequence[npt.NDArray[np.floating]], features: Sequence[str], /) -> None:
        self.where = "memory"
        self._wells, self._values, self._features = wells.reset_index(drop=True), values, list(features)
        self.objects: Mapping[str, Sequence[str]] = {"Cells": (OBJECT, *features)}
        self.number: Mapping[str, str] = {"Cells": OBJECT}

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:  # noqa: ARG002 - the words are ours already
        return self._wells.assign(**{schema.SITE: "1"})

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:  # noqa: ARG002 - there is one kind
        for number, own in enumerate(self._values):
            numbers = np.arange(1, len(own) + 1, dtype=np.float64)
            chosen = [numbers if c == OBJECT else own[:, self._features.index(c)] for c in columns]
            yield np.full(len(own), number), np.stack(chosen, axis=1).astype(np.float64)

    def feature(self, kind: str, column: str, /) -> str:  # noqa: ARG002 - the names are whole
        return column

    def notes(self) -> list[str]:
        return []


def write(run: ArrayRun, folder: Path, /) -> Cells:
    """Write a folder of cells.

    Parameters
    ----------
    run
        The cells.
    folder
        A folder to write.

    Returns
    -------
    Cells
        The folder, opened.

    """
    images, _ = places.of_runs([run], {})
    build.build([run], images, folder, unit="Cells", columns={}, token="memory")
    return Cells(folder)
