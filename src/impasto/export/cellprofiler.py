"""Profiles as a folder of CellProfiler's spreadsheets: `Image.csv`, `Cells.csv`, `Cytoplasm.csv`, `Nuclei.csv` (cellprofiler_tables.py)."""

from __future__ import annotations

from pathlib import Path

import anndata

from impasto import cellprofiler_tables, runs
from impasto import profiles as tables
from impasto.export import pycytominer


def write(profiles: anndata.AnnData, folder: Path, /) -> list[str]:
    """Write the tables, the whole folder or nothing; the names of the files."""
    split = cellprofiler_tables.split(tables.to_frame(pycytominer.spelled(profiles)))
    with runs.atomic(folder) as temporary:
        temporary.mkdir(parents=True)
        for name, table in split.items():
            table.to_csv(temporary / f"{name}.csv", index=False)
    return [f"{name}.csv" for name in split]
