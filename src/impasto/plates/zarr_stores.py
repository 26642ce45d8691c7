"""Zarr stores in a folder, a zip (`.ozx`, `.zip`), a bucket or a web server: their JSON and their arrays, read by the same path.

A path is that of a group or array as one text: `plates/P1.zarr/B/03/0`, `P1.ozx/B/03/0`, `s3://bucket/P1.zarr/B/03/0`.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from impasto import border, object_stores, remote
from impasto.object_stores import Address, NoConnection, NotThere
from impasto.plates import archives
from impasto.schema import InputError

SUFFIX = re.compile(r"([.]ome)?[.]zarr([.]zip)?$|[.]ozx$|[.]zip$", re.IGNORECASE)
_NAMED = re.compile(r"[.](zarr|ozx)(/|$)", re.IGNORECASE)


def name(path: str, /) -> str:
    """What a store is called.

    Parameters
    ----------
    path
        Of the store.

    Returns
    -------
    str
        Its last folder or file, without the suffix.

    """
    return SUFFIX.sub("", path.rstrip("/").rpartition("/")[2])


def attributes(path: str, /) -> dict[str, Any]:
    """The attributes of a group, from `zarr.json` (OME-Zarr 0.5) or `.zattrs` (0.4).

    Parameters
    ----------
    path
        Of the group.

    Returns
    -------
    dict[str, Any]
        Those below `ome` where there are any; empty where the path is no group.

    Raises
    ------
    InputError
        They are no object.

    """
    new = _json(f"{path}/zarr.json")
    if new is not None:
        own = new.get("attributes", {})
        stated = own.get("ome", own) if isinstance(own, dict) else own
        if not isinstance(stated, dict):
            raise InputError(f"{path}/zarr.json is damaged: its attributes are no object; restore it from a copy")
        return dict(stated)
    return _json(f"{path}/.zattrs") or {}


def shape(path: str, /) -> tuple[int, ...] | None:
    """The shape of an array.

    Parameters
    ----------
    path
        Of the array.

    Returns
    -------
    tuple[int, ...] | None
        Its sizes in order; None where there is no array.

    """
    header = _json(f"{path}/zarr.json") or _json(f"{path}/.zarray")
    return tuple(int(size) for size in header["shape"]) if header and "shape" in header else None


def array(path: str, /) -> Any:
    """Open the array at a path.

    Parameters
    ----------
    path
        Of the array.

    Returns
    -------
    Any
        A `zarr.Array`, to be indexed.

    Raises
    ------
    NotThere
        There is no array at a remote path.
    InputError
        A zip is damaged, or the library for remote stores is not installed.

    """
    import zarr

    packed = _in_zip(path)
    if packed is not None:
        file, member = packed
        return zarr.open_array(_zip_store(file.path, file.path.stat().st_mtime_ns), path=member, mode="r")
    url = remote.url(path)
    if url is None:
        try:
            return zarr.open_array(_local_store(path), mode="r")
        except (TypeError, KeyError, AttributeError) as error:  # the description of the array is of another form
            raise InputError(f"{path} is damaged ({border.cause(error)}); copy it again") from error
    address = Address.of(url)
    try:
        return _remote_array(address)
    except FileNotFoundError:
        raise NotThere(f"{url} is not there (404); check the table that names it") from None


def _local_store(path: str) -> Any:
    """The store of a folder, which waits for no pipe and no device that lies in the place of a chunk."""
    from zarr.storage import LocalStore

    class Files(LocalStore):  # type: ignore[misc]
        async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
            border.refuse_odd(self.root / key)
            return await super().get(key, prototype, byte_range)

    return Files(path, read_only=True)


def _remote_array(address: Address) -> Any:
    import zarr
    from zarr.storage import ObjectStore

    cache = remote.cache()
    bucket = object_stores.store(address, endpoint=cache.endpoint, signed=cache.signed)
    return zarr.open_array(ObjectStore(bucket, read_only=True), path=address.key, mode="r")


def _json(path: str) -> dict[str, Any] | None:
    """A member of a store, None where it is not there. Raises InputError where it is no JSON."""
    raw = _bytes(path)
    if raw is None:
        return None
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is no JSON ({error})") from None
    return dict(value) if isinstance(value, dict) else None


def _bytes(path: str) -> bytes | None:
    packed = _in_zip(path)
    if packed is not None:
        return packed[0].get(packed[1])
    url = remote.url(path)
    if url is None:
        local = Path(path)
        return local.read_bytes() if local.is_file() else None
    cache = remote.cache()
    if cache.offline:
        raise NoConnection(f"{path} cannot be read with --offline: a remote Zarr store is in no cache; say a copy on this machine")
    try:
        return b"".join(object_stores.pieces(Address.of(url), endpoint=cache.endpoint, signed=cache.signed))
    except NotThere:
        return None


def _in_zip(path: str) -> tuple[archives.Zip, str] | None:
    """The zip that a path leads into, and the member; None where it leads into none."""
    packed = archives.split(path)
    if packed is None:
        return None
    file, member = packed
    return file, "/".join(filter(None, (file.zarr_root or "", member)))


@functools.lru_cache(maxsize=16)
def _zip_store(path: Path, changed: int) -> Any:  # noqa: ARG001 - a zip that has changed is opened again
    from zarr.storage import ZipStore

    return ZipStore(path, mode="r")


def is_inside(path: Path | str, /) -> bool:
    """Whether a path is that of a Zarr store or of a group in one, and no file of its own.

    Parameters
    ----------
    path
        A path or URL; it may lead into a zip.

    Returns
    -------
    bool
        True also for any local folder.

    """
    name = str(path)
    if remote.url(name) is None and Path(name).is_dir():
        return True
    if _NAMED.search(name):
        return True
    packed = archives.split(name)
    return packed is not None and packed[0].zarr_root is not None
