"""Zarr stores in a folder, a zip (`.ozx`, `.zip`), a bucket or a web server: their JSON and their arrays, read by the same path.

A path is that of a group or array as one text: `plates/P1.zarr/B/03/0`, `P1.ozx/B/03/0`, `s3://bucket/P1.zarr/B/03/0`.
"""

from __future__ import annotations

import functools
import json
import re
import threading
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from impasto import object_stores, remote
from impasto.object_stores import Address, NotThere
from impasto.schema import InputError

SUFFIX = re.compile(r"([.]ome)?[.]zarr([.]zip)?$|[.]ozx$|[.]zip$", re.IGNORECASE)
_ZIP = re.compile(r"^(.*?[.](?:ozx|zip))(?:/(.*))?$", re.IGNORECASE)
_GROUPS = ("zarr.json", ".zattrs")


def name(path: str, /) -> str:
    """What a store is called: its last folder or file without the suffix."""
    return SUFFIX.sub("", path.rstrip("/").rpartition("/")[2])


def attributes(path: str, /) -> dict[str, Any]:
    """The attributes of a group, those below `ome` where there are any (0.5): `zarr.json`, or `.zattrs` (0.4); empty where it is none."""
    new = _json(f"{path}/zarr.json")
    if new is not None:
        found = new.get("attributes", {})
        return dict(found.get("ome", found))
    return _json(f"{path}/.zattrs") or {}


def shape(path: str, /) -> tuple[int, ...] | None:
    """The shape of an array; None where there is none."""
    found = _json(f"{path}/zarr.json") or _json(f"{path}/.zarray")
    return tuple(int(size) for size in found["shape"]) if found and "shape" in found else None


def array(path: str, /) -> Any:
    """The array at a path, to be indexed. Raises InputError where its store cannot be reached."""
    import zarr

    packed = _in_zip(path)
    if packed is not None:
        return zarr.open_array(_zip_store(*packed[:2]), path=packed[2], mode="r")
    url = remote.url(path)
    if url is None:
        return zarr.open_array(path, mode="r")
    address = Address.of(url)
    try:
        return _remote_array(address)
    except FileNotFoundError:
        raise NotThere(f"{url} is not there (404); check the table that names it") from None


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
        found = json.loads(raw)
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is no JSON ({error})") from None
    return dict(found) if isinstance(found, dict) else None


def _bytes(path: str) -> bytes | None:
    packed = _in_zip(path)
    if packed is not None:
        return _zip(*packed[:2]).get(packed[2])
    url = remote.url(path)
    if url is None:
        local = Path(path)
        return local.read_bytes() if local.is_file() else None
    cache = remote.cache()
    if cache.offline:
        raise InputError(f"{path} is in no cache: a remote Zarr store is read as it is asked for; say a copy on this machine")
    try:
        return b"".join(object_stores.pieces(Address.of(url), endpoint=cache.endpoint, signed=cache.signed))
    except NotThere:
        return None


# ---------------------------------------------------------------- zips


def _in_zip(path: str) -> tuple[Path, int, str] | None:
    """The zip that a path leads into, its time of change, and the member; None where it leads into none. A remote zip is fetched."""
    match = _ZIP.match(path)
    if match is None:
        return None
    if remote.url(match[1]) is None and not Path(match[1]).is_file():
        return None  # a folder that is called so
    file = remote.local(match[1])
    changed = file.stat().st_mtime_ns
    member = "/".join(filter(None, (_zip(file, changed).root, match[2] or "")))
    return file, changed, member


class Zip:
    """The members of a zip. `root`: the folder in it that holds the outermost group (`""`: the top)."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{path} is no whole zip ({error})") from None
        self._lock = threading.Lock()
        self.names = frozenset(self._file.namelist())
        groups = sorted((str(PurePosixPath(n).parent) for n in self.names if PurePosixPath(n).name in _GROUPS), key=lambda p: (len(Path(p).parts), p))
        self.root = groups[0].removeprefix(".") if groups else ""
        self.is_zarr = bool(groups)

    def get(self, name: str, /) -> bytes | None:
        """The bytes of a member."""
        if name not in self.names:
            return None
        with self._lock:
            return self._file.read(name)


@functools.lru_cache(maxsize=16)
def _zip(path: Path, changed: int) -> Zip:  # noqa: ARG001 - a zip that has changed is opened again
    return Zip(path)


@functools.lru_cache(maxsize=16)
def _zip_store(path: Path, changed: int) -> Any:  # noqa: ARG001 - as above
    from zarr.storage import ZipStore

    return ZipStore(path, mode="r")


def is_zarr_zip(path: Path, /) -> bool:
    """Whether a file is a zip that holds a Zarr store."""
    return zipfile.is_zipfile(path) and _zip(path, path.stat().st_mtime_ns).is_zarr
