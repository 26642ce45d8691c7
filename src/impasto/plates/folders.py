"""A folder or a sheet of images -> the table of planes: the kind is found by looking, and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from impasto import profile_sources, tables
from impasto.plates import imagexpress, loaddata, ome_zarr, phenix, planes, sheet, stacks
from impasto.schema import InputError


def read(
    source: Path, *, channels: Mapping[str, str], order: Sequence[str] = (), depth: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The planes of a folder or sheet.

    Parameters
    ----------
    source
        A folder of images (its subfolders are plates where it holds none itself), or a sheet.
    channels
        Spelling -> stain, for channels that have no name of their own (`{"ch1": "DNA"}`).
    order
        Stains in the order of the pages, for stacks that do not name them.
    depth
        Which plane in depth to read, where there are several.

    Returns
    -------
    planes, annotation of wells found beside the images (may be empty), and the name of the kind of folder.

    """
    found, notes, kind = _read(source, order=order, depth=depth)
    return planes.table(found, channels=channels, where=source), notes, kind


def _read(source: Path, *, order: Sequence[str], depth: int | None) -> tuple[list[planes.Plane], pd.DataFrame, str]:
    nothing = pd.DataFrame()
    if not source.exists():
        raise InputError(f"{source} does not exist; check the path")
    if source.is_file():
        table, _ = tables.read(source)
        if sheet.fits(table):
            return list(sheet.planes(table, where=source)), nothing, "sheet"
        if loaddata.fits(table):
            return list(loaddata.planes(table, where=source)), nothing, "CellProfiler LoadData table"
        raise InputError(
            f"{source} is neither a sheet (path, channel, plate, well), nor a LoadData table (FileName_*), nor a table of profiles"
        )
    if ome_zarr.fits(source):
        return list(ome_zarr.planes(source)), nothing, "OME-Zarr plate"
    if phenix.fits(source):
        return list(phenix.planes(source, depth=depth)), nothing, "Opera Phenix/Operetta folder"
    if imagexpress.fits(source):
        return list(imagexpress.planes(source)), nothing, "ImageXpress folder"
    table_path = stacks.sidecar(source)
    if table_path is not None:
        table = pd.read_csv(table_path)
        return list(stacks.planes(source, table, order=order)), table, "folder of stacks"
    inside = [p for p in sorted(source.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    parts = [_read(p, order=order, depth=depth) for p in inside if _holds_images(p)]
    if parts:
        kinds = sorted({kind for _, _, kind in parts})
        notes = pd.concat([notes for _, notes, _ in parts], ignore_index=True)
        return [plane for found, _, _ in parts for plane in found], notes, f"{len(parts)} plates, each a {' or '.join(kinds)}"
    raise InputError(
        f"{source}: cannot tell what kind of folder this is; it holds no Phenix names (r01c01f01p01-ch1...), no ImageXpress names "
        "(..._A01_s1_w1...), no OME-Zarr plate, and no CSV with a column 'file'; list the images in a sheet (path,channel,plate,well,site)"
    )


def _holds_images(folder: Path) -> bool:
    if ome_zarr.fits(folder) or phenix.fits(folder) or imagexpress.fits(folder) or stacks.sidecar(folder):
        return True
    return any(p.is_dir() and _holds_images(p) for p in folder.iterdir() if not p.name.startswith("."))


def is_profiles(source: Path) -> bool:
    """Whether a path is a table of profiles rather than images, or a sheet or LoadData table that lists images."""
    if not source.exists() or ome_zarr.fits(source):
        return False
    kind = profile_sources.kind(source)
    if kind not in (tables.TEXT, tables.PARQUET, tables.EXCEL):
        return kind is not None
    head = pd.DataFrame(columns=tables.columns(source))
    return not (sheet.fits(head) or loaddata.fits(head))
