"""Profiles as a folder of CellProfiler's spreadsheets: `Image.csv`, `Cells.csv`, `Cytoplasm.csv`, `Nuclei.csv` (cellprofiler_tables.py)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata

from impasto import cellprofiler_tables, runs, texts
from impasto import profiles as tables
from impasto.export import pycytominer
from impasto.export.exporter import Exporter
from impasto.schema import InputError


def write(profiles: anndata.AnnData, folder: Path, /) -> list[str]:
    """Write the tables, the whole folder or nothing.

    Parameters
    ----------
    profiles
        Profiles with features of CellProfiler's names.
    folder
        The folder to write.

    Returns
    -------
    list[str]
        The names of the files.

    """
    split = cellprofiler_tables.split(tables.to_frame(pycytominer.spelled(profiles)))
    with runs.atomic(folder) as temporary:
        temporary.mkdir(parents=True)
        for name, table in split.items():
            texts.write_csv(table, temporary / f"{name}.csv")
    return [f"{name}.csv" for name in split]


def _export(profiles: anndata.AnnData, path: Path, _: Mapping[str, Any]) -> str:
    if path.suffix:
        raise InputError(f"--to cellprofiler writes a folder of spreadsheets, and {path.name} is named as a file; give a folder's name")
    return ", ".join(sorted(write(profiles, path)))


EXPORTER = Exporter(_export, file="")
