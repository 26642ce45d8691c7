"""How many rows and features a table has, from its header: for estimates, before it is read."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from impasto import border, dataset, delimited, remote, tables

_HEAD = 2**18
"""Bytes of a text whose lines say how long a line is."""
_GZIPPED = 2.5
"""Bytes of text in a byte of a gzipped table of numbers."""


class Shape(NamedTuple):
    """Rows and features; of a folder of plates, the rows of its largest plate as well."""

    rows: int
    width: int
    largest: int | None = None

    @property
    def bytes(self) -> int:
        """Of the values in float32."""
        return self.rows * self.width * 4


def shape(path: Path | str, /) -> Shape | None:
    """The shape of a table of profiles, without reading its rows. Of a text the rows are estimated.

    Parameters
    ----------
    path
        A table of any kind that `profiles.read` reads.

    Returns
    -------
    Shape or None
        None where no header says it (workbooks, SQLite, CellProfiler's folders), or where it cannot be read.

    """
    return border.glance(lambda: _of(place := remote.local(path), tables.kind(place)))


def _of(path: Path, kind: str) -> Shape | None:
    if kind == tables.PLATES:
        plates = dataset.open_dataset(path)
        return Shape(plates.n_obs, plates.n_vars, int(plates.members["rows"].max())) if plates.n_obs else None
    if kind == tables.PARQUET:
        return _of_parquet(path)
    if kind == tables.FOLDER_OF_PARQUET:
        parts = [_of_parquet(file) for file in sorted(path.rglob("*.parquet"))]
        return Shape(sum(part.rows for part in parts), max(part.width for part in parts))
    if kind in (tables.HDF5, tables.ZARR):
        return _of_anndata(path, kind)
    return _of_text(path) if kind == tables.TEXT else None


def _of_parquet(path: Path) -> Shape:
    about = pq.read_metadata(path)
    numbers = sum(pa.types.is_floating(field.type) for field in about.schema.to_arrow_schema())
    return Shape(about.num_rows, numbers)


def _of_anndata(path: Path, kind: str) -> Shape | None:
    if kind == tables.HDF5:
        import h5py

        with h5py.File(path) as file:
            values = file["X"]
            return Shape(*map(int, values.shape if hasattr(values, "shape") else values.attrs["shape"]))
    import zarr

    group = zarr.open_group(path, mode="r")
    values = group["X"]
    return Shape(*map(int, values.shape if hasattr(values, "shape") else values.attrs["shape"]))


def _of_text(path: Path) -> Shape | None:
    border.refuse_odd(path)
    is_zipped = path.name.lower().endswith(".gz")
    with gzip.open(path) if is_zipped else path.open("rb") as handle:
        head = handle.read(_HEAD)
    lines = head.count(b"\n")
    if not lines:
        return None
    size = path.stat().st_size * (_GZIPPED if is_zipped else 1)
    length = (head.rindex(b"\n") + 1) / lines
    return Shape(max(1, round(size / length)) if len(head) == _HEAD else lines, len(delimited.layout(path).header))
