"""The digest of what holds images: their names, sizes and times, never their pixels; tables and indexes beside them by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from impasto import border, records, runs
from impasto.plates.listing import IMAGE

_TABLE = "images.parquet"
"""The table of sites that `impasto ingest` leaves: it names images that lie elsewhere."""


def digest(source: Path, /) -> str:
    """SHA-256 of a source of images or tables.

    Parameters
    ----------
    source
        A folder of images, a folder that `impasto ingest` left, an image, or a table.

    Returns
    -------
    str
        The digest. An image counts by its name, size and time of change, also one that a table of sites names; all else by its content.

    Raises
    ------
    InputError
        Where the source does not exist.

    """
    if not source.is_dir():
        return _stamp(source) if _is_image(source, source.parent) and source.exists() else runs.digest(source)
    total = hashlib.sha256()
    for member in records.walk(source):
        relative = member.relative_to(source)
        if member.name == records.RUN or any(part.startswith(".") for part in relative.parts[:-1]):
            continue
        fact = _stamp(member) if _is_image(member, source) else records.content(member)
        total.update(f"{relative.as_posix()}\0{fact}".encode())
    for image in _named(source / _TABLE):
        total.update(f"{image}\0{_stamp(Path(image))}".encode())
    return total.hexdigest()


def _is_image(path: Path, base: Path) -> bool:
    """Whether a file holds pixels: by its suffix, or since it lies in an OME-Zarr image. An AnnData store is a table."""
    if IMAGE.search(path.name):
        return True
    store = next((p for p in (path, *path.parents) if p.suffix == ".zarr" and (p == base or p.is_relative_to(base))), None)
    return store is not None and not (store / "obs").is_dir() and path.suffix != ".json" and not path.name.startswith(".z")


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def _named(table: Path) -> Iterator[str]:
    """The images that a table of sites names, in its order; one of many pages stands there once a part of the table."""
    if table.is_file():
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        with border.reading(table, "table of images", remedy="ingest the plates again"):
            for part in pq.ParquetFile(table).iter_batches(batch_size=1 << 18, columns=["path"]):
                yield from pc.unique(part.column("path")).to_pylist()
