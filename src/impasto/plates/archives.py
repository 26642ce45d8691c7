"""Zips of plates: what is in them, and a member as a file on this machine."""

from __future__ import annotations

import functools
import hashlib
import re
import threading
import uuid
import zipfile
from pathlib import Path

from impasto import border, remote
from impasto.schema import InputError

SUFFIXES = (".zip", ".ozx")
_INSIDE = re.compile(r"^(.*?[.](?:ozx|zip))(?:/(.*))?$", re.IGNORECASE)
_GROUPS = ("zarr.json", ".zattrs", ".zgroup")


def stem(name: str, /) -> str:
    """What a folder or a zip is called: `"P1.zip"` -> `"P1"`.

    Parameters
    ----------
    name
        Of a folder or a zip.

    Returns
    -------
    str
        The name without the suffix of a zip.

    """
    suffix = next((one for one in SUFFIXES if name.lower().endswith(one)), "")
    return name[: len(name) - len(suffix)]


class Zip:
    """A zip that is open for reading, from several threads.

    Parameters
    ----------
    path
        The file on this machine.

    Attributes
    ----------
    names
        Its members that are files.
    zarr_root
        The folder in it that holds the outermost Zarr group (`""`: the top); None where it holds none.

    """

    def __init__(self, path: Path) -> None:
        border.refuse_odd(path)
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{path} is no whole zip ({error}); copy it again") from None
        self.path = path
        self.names = frozenset(name for name in self._file.namelist() if not name.endswith("/"))
        groups = {name.rpartition("/")[0] for name in self.names if name.rpartition("/")[2] in _GROUPS}
        self.zarr_root = min(groups, key=lambda folder: (folder.count("/") + bool(folder), folder)) if groups else None
        self._lock = threading.Lock()
        status = path.stat()
        self._key = hashlib.sha256(f"{path.absolute()}\0{status.st_mtime_ns}\0{status.st_size}".encode()).hexdigest()[:16]

    def get(self, name: str, /) -> bytes | None:
        """The bytes of a member.

        Parameters
        ----------
        name
            Of the member.

        Returns
        -------
        bytes | None
            None where there is no such member.

        Raises
        ------
        InputError
            The member is damaged.

        """
        if name not in self.names:
            return None
        with border.reading(f"{self.path}/{name}", "member of a zip"), self._lock:
            return self._file.read(name)

    def folder(self) -> Path:
        """Where the members lie once they were asked for.

        Returns
        -------
        Path
            A folder in the cache; it may not be there yet.

        """
        return remote.cache().folder / "zip" / self._key

    def file(self, name: str, /) -> Path:
        """A member as a file in the cache.

        Parameters
        ----------
        name
            Of the member.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        InputError
            The name leads out of the zip, or the member is damaged.
        FileNotFoundError
            There is no such member.

        """
        place = self.folder() / name
        if ".." in name.split("/") or name.startswith("/"):
            raise InputError(f"{self.path}/{name}: the name leads out of the zip")
        if place.exists():
            return place
        data = self.get(name)
        if data is None:
            raise FileNotFoundError(f"{self.path}/{name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{uuid.uuid4().hex}")
        try:
            part.write_bytes(data)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        return place


def split(path: str, /) -> tuple[Zip, str] | None:
    """The zip that a path leads into, and the member.

    Parameters
    ----------
    path
        A path or URL; a remote zip is fetched.

    Returns
    -------
    tuple[Zip, str] | None
        The zip and the name of the member (`""`: the zip itself); None where the path leads into none.

    """
    match = _INSIDE.match(path)
    if match is None or (remote.url(match[1]) is None and not Path(match[1]).is_file()):
        return None  # a folder may be called so, too
    file = remote.local(match[1])
    return _opened(file, file.stat().st_mtime_ns), match[2] or ""


@functools.lru_cache(maxsize=16)
def _opened(path: Path, changed: int) -> Zip:  # noqa: ARG001 - a zip that has changed is opened again
    return Zip(path)
