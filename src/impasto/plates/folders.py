"""Whether a path holds tables of profiles, or images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto.plates import loaddata, ome_zarr, sheet
from impasto.profiles import is_spreadsheets, suffix
from impasto.schema import InputError

SHEETS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def is_profiles(source: Path) -> bool:
    """Whether a path is a table of profiles rather than images."""
    if source.is_dir():
        return is_spreadsheets(source) or (source.suffix == ".zarr" and not ome_zarr.is_ome(source))
    try:
        kind = suffix(source)
    except InputError:
        return False
    if kind not in SHEETS:
        return True
    head = pd.read_csv(source, sep="\t" if ".tsv" in source.name else ",", nrows=5)
    return not (sheet.is_sheet(head) or loaddata.is_loaddata(head))
