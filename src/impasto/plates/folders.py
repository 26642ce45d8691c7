"""Whether a path holds tables of profiles, or images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto import profile_sources, tables
from impasto.plates import loaddata, ome_zarr, sheet


def is_profiles(source: Path) -> bool:
    """Whether a path is a table of profiles rather than images, or a sheet or LoadData table that lists images."""
    if not source.exists() or ome_zarr.is_plate(source):
        return False
    kind = profile_sources.kind(source)
    if kind not in (tables.TEXT, tables.PARQUET, tables.EXCEL):
        return kind is not None
    head = pd.DataFrame(columns=tables.columns(source))
    return not (sheet.is_sheet(head) or loaddata.is_loaddata(head))
