"""s3:// and https:// through one cache: a file is asked for once, and every stage reads it from the disk.

A remote file lies in the cache where its URL says: `s3://bucket/a/b.tif` in `CACHE/s3/bucket/a/b.tif` (what `aws s3 sync` would write), an
https path unquoted in `CACHE/https/host/`. It is written under another name and renamed when it is whole, so a run that was killed goes
on with the files that lack. A machine without network reads a cache that `impasto fetch` filled elsewhere.

The keys of a bucket are no URLs: `#`, `?` and `%` are letters of a key.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from impasto import object_stores, texts, whole
from impasto.object_stores import Address, Entry, NoConnection, NotThere, Refused
from impasto.schema import InputError

WORKERS = 8
CACHE, OFFLINE, SIGNED = "IMPASTO_CACHE", "IMPASTO_OFFLINE", "IMPASTO_SIGNED"
"""The environment says where the cache is and how buckets are asked, so that every process of a run reads alike."""
_SCHEME = re.compile(r"(?:(s3|https?|gs|gcs|az|abfss?|ftp):/{1,2}|(?!file:)([a-z][a-z0-9+.-]+)://)(?=[^/])", re.IGNORECASE)
"""Schemes that are read, as `Path` may have folded them; others, so that they can be refused."""
_FILE = re.compile(
    r"[.](csv|tsv|txt|parquet|xlsx|xls|ods|h5ad|sqlite|zip|ozx|tiff?|png|jpe?g|jp2|nd2|czi|lif|oi[bf])([.]gz)?$", re.IGNORECASE
)
_STORE = re.compile(r"[.]zarr(/|$)", re.IGNORECASE)
_OLD = 24 * 3600.0
"""Seconds after which a part that no run finished is removed."""


def url(path: Path | str, /) -> str | None:
    """The URL that a path stands for.

    Parameters
    ----------
    path
        A path or a URL. `Path` folds the two slashes of a URL into one; they are put back.

    Returns
    -------
    str | None
        The URL, its scheme in small letters; None for a local path.

    """
    scheme = _SCHEME.match(str(path))
    if scheme is None:
        return None
    return f"{(scheme[1] or scheme[2]).lower()}://{str(path)[scheme.end() :]}"


def local(path: Path | str, /) -> Path:
    """Where a file lies on this machine; a remote file is brought into the cache first.

    Parameters
    ----------
    path
        A path or a URL.

    Returns
    -------
    Path
        The path itself where it is local; else that of the copy in the cache.

    Raises
    ------
    InputError
        Where a remote file is not there, may not be read, or cannot be reached.

    """
    remote = url(path)
    return Path(path) if remote is None else cache().open(remote)


def is_file(url: str, /) -> bool:
    """Whether a URL is that of a file, and not a prefix or a store of many files.

    Parameters
    ----------
    url
        As `url` gives it.

    Returns
    -------
    bool
        True where the URL ends in a suffix of tables, images or archives.

    """
    return bool(_FILE.search(url))


def inputs(paths: Iterable[Path], /) -> list[Path]:
    """The inputs of a run on this machine, for its digest.

    A web server lists nothing, and a Zarr store may hold millions of files: these count by their name alone, in the run's settings.

    Parameters
    ----------
    paths
        Paths and URLs.

    Returns
    -------
    list[Path]
        Local files, copies of remote files, and the listings of remote folders.

    """
    inputs_here = []
    for path in paths:
        remote = url(path)
        if remote is None or is_file(remote):
            inputs_here.append(local(path))
        elif remote.startswith("s3:") and not _STORE.search(remote):
            listing(remote)
            inputs_here.append(cache().listing_of(remote))
    return inputs_here


def cache() -> Cache:
    """The cache that the environment names.

    Returns
    -------
    Cache
        One a setting; the same object for the same setting.

    """
    return _cache(os.environ.get(CACHE, ""), bool(os.environ.get(OFFLINE)), bool(os.environ.get(SIGNED)), object_stores.endpoint())


@contextlib.contextmanager
def settings(*, cache: Path | None = None, offline: bool = False, signed: bool = False) -> Iterator[None]:
    """Within it, this process and those it starts read through this cache.

    Parameters
    ----------
    cache
        The folder of the cache; None leaves it as it is.
    offline
        Nothing is asked of the network.
    signed
        Buckets are asked with the credentials of the environment; without, anonymously.

    Returns
    -------
    Iterator[None]
        A context. On leaving it the environment is as it was before.

    """
    values = {CACHE: str(cache) if cache else "", OFFLINE: "1" if offline else "", SIGNED: "1" if signed else ""}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: value for name, value in values.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@dataclass(frozen=True)
class Cache:
    """Remote files in a folder.

    Attributes
    ----------
    folder
        Where they lie.
    offline
        Whether only what lies there is read.
    signed
        Whether buckets are asked with credentials.
    endpoint
        Where S3 is, if not at Amazon: `http://127.0.0.1:9000`.
    workers
        How many files are brought at once.

    """

    folder: Path
    offline: bool = False
    signed: bool = False
    endpoint: str = ""
    workers: int = WORKERS
    _locks: dict[str, threading.Lock] = field(default_factory=dict, repr=False, compare=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def place(self, url: str, /) -> Path:
        """Where the file of a URL lies, or will lie.

        Parameters
        ----------
        url
            Of a file.

        Returns
        -------
        Path
            Inside the folder of the cache.

        Raises
        ------
        InputError
            The name of the file climbs out of the cache, or has an empty part.

        """
        address = Address.of(url)
        parts = (address.host.replace(":", "_"), *address.key.split("/"))
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise InputError(f"{url} is not the name of a file; check the table that names it")
        return self.folder.joinpath(address.scheme, *parts)

    def listing_of(self, url: str, /) -> Path:
        """Where the listing of a remote folder is kept.

        Parameters
        ----------
        url
            Of the folder.

        Returns
        -------
        Path
            A file with one line a remote file: its URL, its size and the bucket's mark of its content. It may not be there yet.

        """
        address = Address.of(url)
        *above, name = [address.scheme, *filter(None, (address.host, *address.key.split("/")))]
        return self.folder.joinpath(".listings", *above, f"{name}.jsonl")

    def open(self, url: str, /) -> Path:
        """The file of a URL on this machine: one request where it is not in the cache, none where it is.

        Parameters
        ----------
        url
            Of the file.

        Returns
        -------
        Path
            Of the copy in the cache.

        Raises
        ------
        InputError
            The file is not there, may not be read, or cannot be kept in the cache.
        NoConnection
            The file is not in the cache, and the network is not asked or does not lead there.

        """
        place = self.place(url)
        if place.exists():
            return place
        if self.offline:
            raise NoConnection(f"{url} is not in {self.folder}, and --offline is set; {self._elsewhere()}")
        with self._guard:
            lock = self._locks.setdefault(url, threading.Lock())
        with lock:
            if not place.exists():
                self._bring(url, place)
        return place

    def _bring(self, url: str, place: Path) -> None:
        part = whole.beside(self._parts() / "file")
        try:
            with part.open("wb") as file:
                for piece in object_stores.pieces(Address.of(url), endpoint=self.endpoint, signed=self.signed):
                    file.write(piece)
            place.parent.mkdir(parents=True, exist_ok=True)
            part.replace(place)
        except NoConnection as error:
            raise NoConnection(f"{error}; {self._elsewhere()}") from None
        except OSError as error:
            raise InputError(f"{url} cannot be kept in {self.folder} ({error.strerror}); say another folder with --cache") from None
        finally:
            part.unlink(missing_ok=True)

    def _parts(self) -> Path:
        """The folder of files on their way."""
        folder = self.folder / ".parts"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _elsewhere(self) -> str:
        return f"on a machine without network fill {self.folder} elsewhere: impasto fetch LIST --cache DIR"

    def missing(self, urls: Iterable[str], /) -> list[str]:
        """Those that are not in the cache.

        Parameters
        ----------
        urls
            Of files.

        Returns
        -------
        list[str]
            Each once, in their order.

        """
        return [url for url in dict.fromkeys(urls) if not self.place(url).exists()]

    def fetch(self, urls: Iterable[str], /, *, advance: Callable[[int], None] = lambda _count: None) -> dict[str, str]:
        """Bring all that are not there, `workers` at once.

        Parameters
        ----------
        urls
            What to bring.
        advance
            Called with 1 for each file that came.

        Returns
        -------
        dict[str, str]
            URL -> why it could not be had: it is not there, or may not be read.

        Raises
        ------
        InputError
            Where there is no connection: the rest is not tried.

        """
        self._remove_parts()
        failed: dict[str, str] = {}
        with ThreadPoolExecutor(self.workers) as pool:
            jobs = {pool.submit(self.open, url): url for url in self.missing(urls)}
            try:
                for job in as_completed(jobs):
                    try:
                        job.result()
                    except (NotThere, Refused) as error:
                        failed[jobs[job]] = str(error)
                    advance(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return failed

    def _remove_parts(self) -> None:
        """Remove what killed runs left; of another machine's runs, and of earlier versions', what they left a day ago."""
        whole.sweep(self._parts())
        for part in self._parts().iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _OLD:
                    part.unlink()


_caches: dict[tuple[str, bool, bool, str], Cache] = {}


def _cache(folder: str, offline: bool, signed: bool, endpoint: str) -> Cache:
    """One cache a setting, so that threads that want one file wait for each other."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "impasto"
    key = (folder or str(default), offline, signed, endpoint)
    return _caches.setdefault(key, Cache(Path(key[0]), offline, signed, endpoint))


def listing(prefix: str, /) -> list[str]:
    """The URLs of all files below an s3:// prefix.

    A file that is not as it was when the prefix was listed last is removed from the cache.

    Parameters
    ----------
    prefix
        `s3://BUCKET/FOLDER`.

    Returns
    -------
    list[str]
        Sorted. With `--offline`, as they were when the prefix was listed last.

    Raises
    ------
    InputError
        There are none, the prefix cannot be listed, or its listing cannot be written into the cache.
    NoConnection
        With `--offline`, the prefix was never listed; without, the network does not lead there.

    """
    source = cache()
    last = source.listing_of(prefix)
    before = {Entry(*json.loads(line)) for line in texts.read(last).splitlines()} if last.is_file() else set()
    if source.offline:
        if not before:
            raise NoConnection(f"{prefix} cannot be listed, since --offline is set; give a table or a list that names its files")
        return sorted(entry.url for entry in before)
    entries = object_stores.listing(Address.of(prefix), endpoint=source.endpoint, signed=source.signed)
    for changed in before.difference(entries):
        # The copy of what was there before is not what is there now.
        source.place(changed.url).unlink(missing_ok=True)
    try:
        with whole.replacing(last) as temporary:
            texts.write(temporary, "".join(f"{json.dumps([e.url, e.size, e.etag])}\n" for e in entries))
    except OSError as error:
        raise InputError(f"{last} cannot be written ({error.strerror}); say another folder with --cache") from None
    return [entry.url for entry in entries]


def urls_of(source: str, /) -> list[str]:
    """The URLs that `impasto fetch` is to bring.

    Parameters
    ----------
    source
        A file of URLs, one a line (`#` begins a remark); one URL. `s3://.../` stands for all files below it.

    Returns
    -------
    list[str]
        Each once, in the order of the file.

    Raises
    ------
    InputError
        Where there is no such file, or a line is no URL.

    """
    one = url(source)
    if one is not None:
        return listing(one) if one.endswith("/") else [one]
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source} does not exist; give a file of URLs, one a line: impasto ingest ... --fetch-list FILE writes it")
    try:
        lines = [line.strip() for line in texts.read(path).splitlines()]
    except UnicodeDecodeError:
        raise InputError(f"{source} is no text; give a file of URLs, one a line") from None
    numbers = {number: line for number, line in enumerate(lines, start=1) if line and not line.startswith("#")}
    for number, line in numbers.items():
        if url(line) != line:
            raise InputError(f"{source}, line {number}: {line[:80]!r} is no URL; each line is one, s3://... or https://...")
    if not numbers:
        raise InputError(f"{source} names no file; give a file of URLs, one a line")
    lines = list(numbers.values())
    return list(
        dict.fromkeys(file for line in lines for file in (listing(line) if line.startswith("s3:") and line.endswith("/") else [line]))
    )
