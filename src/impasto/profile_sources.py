"""Every file or folder that holds profiles, opened as one table whose columns are not sorted yet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from impasto import anndata_tables, border, cellprofiler_tables, deepprofiler, schema, tables
from impasto.object_tables import csv_run, deepprofiler_run, medians, sqlite_run
from impasto.object_tables.run import MeasuredReader
from impasto.schema import InputError

FILE_METADATA = b"impasto"
"""The key under which our Parquet files say which columns are features and what made them."""
CELLPROFILER, DEEPPROFILER, ANNDATA = "CellProfiler tables", "DeepProfiler features", "AnnData"
_OF_OBJECTS: Mapping[str, MeasuredReader] = {
    CELLPROFILER: csv_run.READER,
    DEEPPROFILER: deepprofiler_run.READER,
    tables.SQLITE: sqlite_run.READER,
}
"""Kind of table -> what reads its objects; a site is the median of its own."""
_IMAGES = (".tif", ".tiff", ".png", ".jp2", ".jpg", ".jpeg", ".flex", ".c01", ".dib", ".czi", ".nd2", ".lif")
_DESCRIBED = {schema.COMPARTMENT, schema.GROUP, schema.CHANNEL}


@dataclass(frozen=True)
class Source:
    """A table of profiles as it was found.

    Attributes
    ----------
    frame
        n rows: annotation, features, bookkeeping.
    known
        Columns that are features for certain (the variables of an AnnData, the features of a file of ours).
    ours
        Whether we wrote it: then `known` are its features to the last.
    var, uns
        What it says of its features and of itself.
    how
        What was inferred, in sentences.

    """

    frame: pd.DataFrame
    known: Sequence[str] = ()
    ours: bool = False
    var: pd.DataFrame | None = None
    uns: Mapping[str, Any] = field(default_factory=dict)
    how: Sequence[str] = ()


def kind(path: Path, /) -> str | None:
    """What kind of table of profiles lies at a path.

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    str | None
        The kind; None where it is something else (images, a plate).

    """
    sort = tables.kind(path)
    if sort == tables.ZARR:
        return ANNDATA if path.is_dir() and any((path / name).exists() for name in ("X", "obs", "tables")) else None
    if sort == tables.HDF5:
        return ANNDATA
    if sort == tables.PLATES:
        return sort
    if sort in (tables.PARQUET, tables.EXCEL, tables.SQLITE, tables.TEXT):
        return sort
    return _kind_of_folder(path) if path.is_dir() else None


def _kind_of_folder(folder: Path) -> str | None:
    """CellProfiler's tables, Parquet files or DeepProfiler's features, unless images lie outside of CellProfiler's own folders."""
    images, images_of_cellprofiler, parquet, features = set[Path](), set[Path](), False, False
    for where, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if not name.startswith(".")]
        if any(cellprofiler_tables.is_name_of_images(name) for name in names):
            images_of_cellprofiler.add(Path(where))
        if any(name.lower().endswith(_IMAGES) for name in names):
            images.add(Path(where))
        parquet = parquet or any(name.endswith(".parquet") for name in names)
        features = features or any(name.endswith(".npz") for name in names)
    beside = all(any(p == c or c in p.parents for c in images_of_cellprofiler) for p in images)
    if images_of_cellprofiler and beside and cellprofiler_tables.image_tables(folder):
        return CELLPROFILER
    if images:
        return None
    if parquet:
        return tables.FOLDER_OF_PARQUET
    first = deepprofiler.files(folder)[:1] if features else []
    if first and deepprofiler.may_hold_features(first[0]):
        return DEEPPROFILER
    return None


def read(path: Path, /, *, layer: str | None = None, sheet: str | None = None, encoding: str | None = None) -> Source:
    """Open a table of profiles of any kind.

    Parameters
    ----------
    path
        CSV, TSV, Excel, Parquet (a file or a folder), .h5ad, .zarr, SQLite, a folder of CellProfiler's tables or of DeepProfiler's
        features.
    layer
        Of an AnnData: the layer, obsm or `raw` that holds the values.
    sheet, encoding
        See `tables.read`.

    Returns
    -------
    Source
        The table, with what it says of its features.

    Raises
    ------
    InputError
        Where it cannot be read, with what was found and what to do.

    """
    sort = kind(path)
    if layer is not None and sort != ANNDATA:
        raise InputError(f"{path} has no layers: --layer is for .h5ad and .zarr; leave it out")
    with border.reading(path, "table"):
        if sort is not None and sort in _OF_OBJECTS:
            frame, how = medians.of_runs(_OF_OBJECTS[sort].measured(path))
            return Source(frame, how=how)
        if sort == ANNDATA or tables.kind(path) == tables.ZARR:
            return _anndata(path, layer)
        if sort == tables.PARQUET:
            return _parquet(path)
        frame, how = tables.read(path, sheet=sheet, encoding=encoding)
        return Source(frame, how=how)


def _parquet(path: Path) -> Source:
    frame = tables.parquet(path)
    said = json.loads((pq.read_schema(path).metadata or {}).get(FILE_METADATA, b"{}"))
    if not said:
        return Source(frame)
    var = pd.DataFrame(said["var"], index=pd.Index(said["features"], name=schema.FEATURE, dtype=str))
    return Source(frame, known=said["features"], ours=True, var=var, uns=said["uns"])


def _anndata(path: Path, layer: str | None) -> Source:
    data = anndata_tables.open_file(path)
    frame, names, how = anndata_tables.to_frame(data, where=str(path), layer=layer)
    ours = set(data.var.columns) >= _DESCRIBED and layer is None
    return Source(frame, known=names, ours=ours, var=data.var if ours else None, uns=dict(data.uns), how=how)
