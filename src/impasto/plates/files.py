"""Files of images as the user or a table names them: on this machine, in a zip, or remote. The one place that knows the difference."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from impasto import remote
from impasto.plates import archives
from impasto.plates.listing import Folder, Listing

_SIDECAR = re.compile(r"(^|/)(index([.]idx)?[.]xml|metadata[.]txt|[^/]*[.](mlf|mes|mrf|csv|csv[.]gz|tsv|xdce|json))$", re.IGNORECASE)
"""What readers look at beside the images: fetched with the listing."""
_DRIVE = re.compile(r"^[A-Za-z]:/")
_STORE = re.compile(r"^(.*?[.](?:zarr|ozx))(?:/|$)", re.IGNORECASE)


def local(path: Path | str, /) -> Path:
    """Where a file lies on this machine: a remote one is fetched, a member of a zip is unpacked into the cache.

    Parameters
    ----------
    path
        A path or URL; it may lead into a zip.

    Returns
    -------
    Path
        Of the file itself, or of its copy in the cache.

    Raises
    ------
    InputError
        Where a remote file cannot be had.
    FileNotFoundError
        Where a zip has no such member.

    """
    packed = archives.split(str(path))
    if packed is None:
        return remote.local(path)
    file, member = packed
    return file.file(member) if member else file.path


def fetch(paths: Iterable[str], /) -> None:
    """Bring the remote ones of these files into the cache, several at once.

    Parameters
    ----------
    paths
        Paths and URLs. One that is not there is left to who opens it.

    """
    urls = [url for path in paths if (url := remote.url(path)) and archives.split(path) is None]
    if urls:
        remote.cache().fetch(urls)


def folder(path: Path | str, /) -> Path:
    """Where on this machine the files of a folder are that were listed or asked for.

    Parameters
    ----------
    path
        A path or URL; it may lead into a zip.

    Returns
    -------
    Path
        The folder itself; for a remote one or one in a zip, its place in the cache.

    """
    packed = archives.split(str(path))
    if packed is not None:
        return packed[0].folder() / packed[1]
    url = remote.url(path)
    return Path(path) if url is None else remote.cache().place(url.rstrip("/"))


def is_remote_folder(source: Path | str, /) -> bool:
    """Whether a source is a remote prefix that holds files, and no file or store of its own.

    Parameters
    ----------
    source
        A path or URL.

    Returns
    -------
    bool
        By the form of the URL: nothing is asked of the network.

    """
    url = remote.url(source)
    return url is not None and not remote.is_file(url) and not _STORE.fullmatch(url.rstrip("/"))


def listing(source: Path | str, /) -> Listing:
    """What lies at a source.

    Parameters
    ----------
    source
        A folder or file, a zip, or a prefix (`s3://bucket/plates/`) or file that is remote. A remote zip is fetched.

    Returns
    -------
    Listing
        Its folders, names and stores. What readers look at beside images is fetched.

    Raises
    ------
    InputError
        Nothing lies there, or it cannot be listed.

    """
    url = remote.url(source)
    if url is None:
        packed = archives.split(str(source))
        if packed is None or packed[1] or (packed[0].zarr_root is not None and str(source).lower().endswith(".ozx")):
            return Listing.of(source)
        return _of_zip(str(source), packed[0])
    url = url.rstrip("/")
    if _STORE.fullmatch(url):
        return Listing(url, (), (url,), is_file=url.lower().endswith(".ozx"))
    if url.lower().endswith(archives.SUFFIXES):
        packed = archives.split(url)
        assert packed is not None, "a URL with the suffix of a zip leads into it"
        return _of_zip(url, packed[0])
    if remote.is_file(url):
        head, _, name = url.rpartition("/")
        return Listing(url, (Folder(head, pa.array([name])),), (), is_file=True)
    urls = remote.listing(url)
    remote.cache().fetch(one for one in urls if _SIDECAR.search(one) and not _STORE.match(one))
    return _of_paths(url, urls)


def _of_zip(source: str, file: archives.Zip) -> Listing:
    if file.zarr_root is not None:
        return Listing(source, (), (source,), is_file=True)
    for name in file.names:
        if _SIDECAR.search(name):
            file.file(name)
    return _of_paths(source, [f"{source}/{name}" for name in sorted(file.names)])


def _of_paths(root: str, paths: list[str]) -> Listing:
    """A listing from paths, in their order; what lies in a Zarr store is the store."""
    stores: set[str] = set()
    names: dict[str, list[str]] = {}
    for path in paths:
        store = _STORE.match(path)
        if store is not None:
            stores.add(store[1])
            continue
        head, _, name = path.rpartition("/")
        if name:
            names.setdefault(head, []).append(name)
    return Listing.sorted_out(root, (Folder(head, pa.array(sorted(names[head]))) for head in sorted(names)), stores)


def written(value: str, /, *, beside: str, folder: str = "", root: Path | None = None) -> str:
    """A file as a table writes it -> its path or URL.

    Parameters
    ----------
    value, folder
        The name (or whole path), and the folder that another column gives. URLs stay, Windows separators turn.
    beside
        The table: relative paths start in its folder.
    root
        `--root`: the folder below which the files of another machine, or of a bucket, lie here; the longest end of their path that is there
        is taken.

    Returns
    -------
    str
        The path or URL; the file need not be there.

    """
    whole = _joined(_turned(value), _turned(folder))
    if root is not None:
        return _below(whole, root)
    if remote.url(whole) or whole.startswith("/") or _DRIVE.match(whole):
        return whole
    head = beside.rpartition("/")[0] if "/" in beside else ""
    return os.path.normpath(f"{head}/{whole}") if head and remote.url(head) is None else f"{head}/{whole}" if head else whole


def _turned(value: str) -> str:
    """A path with slashes; `file:` URLs are paths."""
    if value.lower().startswith("file:"):
        path = unquote(urlsplit(value).path)
        return path[1:] if _DRIVE.match(path[1:]) else path
    return value if remote.url(value) else value.replace("\\", "/")


def _joined(value: str, folder: str) -> str:
    alone = not folder or remote.url(value) or value.startswith("/") or _DRIVE.match(value)
    return value if alone else f"{folder.rstrip('/')}/{value}"


def _below(path: str, root: Path) -> str:
    url = remote.url(path)
    plain = url.split("://", 1)[1] if url else _DRIVE.sub("", path)
    head, _, name = plain.strip("/").rpartition("/")
    return f"{_folder_below(head, str(root))}/{name}"


@lru_cache(maxsize=65536)
def _folder_below(folder: str, root: str) -> str:
    """The longest end of a folder's path that lies below `root`."""
    parts = [part for part in folder.split("/") if part not in ("", ".")]
    for start in range(len(parts)):
        place = "/".join([root, *parts[start:]])
        if os.path.isdir(place):
            return place
    return root
