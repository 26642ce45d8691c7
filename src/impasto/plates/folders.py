"""Whether a path holds tables of profiles, or images."""

from __future__ import annotations

from pathlib import Path

from impasto import profile_sources, remote, tables
from impasto.plates import archives, containers, files, loaddata, ome_zarr, sheet


def is_profiles(source: Path) -> bool:
    """Whether a path is a table of profiles, not images or a table that lists images.

    Parameters
    ----------
    source
        A path or URL; a remote table is fetched.

    Returns
    -------
    bool
        False also where nothing lies there.

    """
    name = (remote.url(source) or str(source)).lower()
    if name.endswith(archives.SUFFIXES) or containers.kind_of(name) or files.is_remote_folder(source) or ome_zarr.is_ome(source):
        return False
    path = remote.local(source)
    if not path.exists():
        return False
    kind = profile_sources.kind(path)
    if kind not in (tables.TEXT, tables.PARQUET, tables.EXCEL):
        return kind is not None
    columns = tables.columns(path)
    return not (sheet.is_sheet(columns) or loaddata.is_loaddata(columns))
