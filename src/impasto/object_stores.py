"""Buckets and web servers, asked through obstore: one file, one listing, or a Zarr store. What goes wrong is one sentence."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from impasto.schema import InputError

_PIECE = 4 * 2**20
"""Bytes of a file that are held at once."""
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and say --signed"


class NotThere(InputError):
    """A remote file that does not exist."""


class Refused(InputError):
    """A remote file that may not be read, or that its server cannot give."""


class NoConnection(InputError):
    """No network, or none that leads there: no other file can be had either."""


@dataclass(frozen=True)
class Address:
    """A URL in its parts.

    Attributes
    ----------
    url
        As it was written.
    scheme
        `s3`, `https` or `http`.
    host
        The server; of s3, the bucket.
    key
        The rest as a plain name; of a web server, with its query.

    """

    url: str
    scheme: str
    host: str
    key: str

    @classmethod
    def of(cls, url: str, /) -> Address:
        """Split a URL.

        Parameters
        ----------
        url
            With its scheme.

        Returns
        -------
        Address
            The parts.

        Raises
        ------
        InputError
            Its scheme is not read, or it names no host.

        """
        scheme, _, rest = url.partition("://")
        if scheme == "s3":
            host, _, key = rest.partition("/")
        elif scheme in ("https", "http"):
            host, path = urlsplit(url).netloc, urlsplit(url).path
            query = urlsplit(url).query
            key = unquote(path.lstrip("/")) + (f"?{query}" if query else "")
        else:
            raise InputError(f"{url}: {scheme}:// is not read; s3:// and https:// are")
        if not host:
            raise InputError(f"{url} names no bucket or server; s3://BUCKET/KEY and https://HOST/PATH are read")
        return cls(url, scheme, host, key)


def endpoint() -> str:
    """Where S3 is, if the environment says so (for a store of one's own).

    Returns
    -------
    str
        `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`; empty where neither is set.

    """
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def store(address: Address, /, *, endpoint: str = "", signed: bool = False) -> Any:
    """The obstore store of a bucket or server.

    Parameters
    ----------
    address
        Of anything in it.
    endpoint
        Where S3 is, if not at Amazon.
    signed
        Whether a bucket is asked with credentials.

    Returns
    -------
    Any
        An `S3Store` or an `HTTPStore`, one for all addresses of a bucket or server.

    Raises
    ------
    InputError
        obstore is not installed.

    """
    try:
        import obstore  # noqa: F401 - asked here, so that the sentence is one
    except ImportError:
        raise InputError(f"{address.url} is remote, which needs obstore: pip install 'impasto[remote]'") from None
    if address.scheme == "s3":
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        return _bucket(address.host, region, endpoint, signed)
    # A query is no part of a path: such a file is a store of its own, read at "".
    return _server(address.url if urlsplit(address.url).query else f"{address.scheme}://{address.host}")


def _client(*, plain: bool) -> Any:
    # Only a server that is named as http:// may be asked without encryption.
    return {"timeout": timedelta(seconds=300), "connect_timeout": timedelta(seconds=10), "allow_http": plain}


_RETRY: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=120)}


@functools.lru_cache(maxsize=64)
def _bucket(name: str, region: str, endpoint: str, signed: bool) -> Any:
    from obstore.store import S3Store

    own: dict[str, Any] = {"endpoint": endpoint, "virtual_hosted_style_request": False} if endpoint else {}
    client = _client(plain=endpoint.startswith("http://"))
    return S3Store(name, region=region, skip_signature=not signed, client_options=client, retry_config=_RETRY, **own)


@functools.lru_cache(maxsize=64)
def _server(base: str) -> Any:
    from obstore.store import HTTPStore

    return HTTPStore(base, client_options=_client(plain=base.startswith("http://")), retry_config=_RETRY)


def pieces(address: Address, /, *, endpoint: str = "", signed: bool = False) -> Iterator[memoryview]:
    """The bytes of a file, in one request. A connection that breaks is taken up where it broke.

    Parameters
    ----------
    address
        Of the file.
    endpoint, signed
        As `store` takes them.

    Returns
    -------
    Iterator[memoryview]
        Pieces of about 4 MiB, in order.

    Raises
    ------
    NotThere
        There is no such file.
    Refused
        The file may not be read, or came in part.
    NoConnection
        No network leads there.

    """
    source = store(address, endpoint=endpoint, signed=signed)
    import obstore

    key = "" if address.scheme != "s3" and urlsplit(address.url).query else address.key
    came = 0
    try:
        answer = obstore.get(source, key)
        for piece in answer.stream(min_chunk_size=_PIECE):
            came += len(piece)
            yield memoryview(piece)
    except Exception as error:  # noqa: BLE001 - obstore raises what its Rust side found; `_sentence` sorts it
        raise _sentence(error, address, signed=signed) from None
    if came != answer.meta["size"]:
        raise Refused(f"{address.url}: {came} of its {answer.meta['size']} bytes came; run the same command again")


@dataclass(frozen=True, order=True)
class Entry:
    """A file of a bucket.

    Attributes
    ----------
    url
        `s3://BUCKET/KEY`.
    size
        In bytes.
    etag
        The bucket's own mark of its content; may be empty.

    """

    url: str
    size: int
    etag: str


def listing(address: Address, /, *, endpoint: str = "", signed: bool = False) -> list[Entry]:
    """The files below a prefix of a bucket.

    Parameters
    ----------
    address
        Of the prefix.
    endpoint, signed
        As `store` takes them.

    Returns
    -------
    list[Entry]
        Sorted by URL.

    Raises
    ------
    InputError
        The address is that of a web server, which lists nothing.
    NotThere
        No file lies below the prefix.
    Refused
        The bucket may not be listed.
    NoConnection
        No network leads there.

    """
    if address.scheme != "s3":
        raise InputError(f"{address.url}: a web server does not list its files; name them in a sheet (path,channel,plate,well,site)")
    source = store(address, endpoint=endpoint, signed=signed)
    import obstore

    prefix = address.key.rstrip("/") + "/" if address.key else None
    try:
        entries = sorted(
            Entry(f"s3://{address.host}/{entry['path']}", int(entry["size"]), str(entry["e_tag"] or ""))
            for part in obstore.list(source, prefix)
            for entry in part
        )
    except Exception as error:  # noqa: BLE001 - obstore raises what its Rust side found; `_sentence` sorts it
        raise _sentence(error, address, signed=signed) from None
    if not entries:
        raise NotThere(f"{address.url}: no file lies below it; check its name")
    return entries


def _sentence(error: Exception, address: Address, *, signed: bool) -> InputError:
    """What obstore's error means. Its text holds the server's page: only its first line is shown."""
    text = str(error)
    line = (text.splitlines() or [type(error).__name__])[0][:160]
    if isinstance(error, FileNotFoundError):
        return NotThere(f"{address.url} is not there (404); check the table that names it")
    if isinstance(error, PermissionError) or re.search(
        r"\b40[13]\b|Forbidden|Unauthorized|AccessDenied|Unauthenticated|PermissionDenied", text
    ):
        if signed:
            return Refused(f"{address.url} may not be read with these credentials (403); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return Refused(f"{address.url} may not be read without credentials (403); {_CREDENTIALS}")
    if "redirect" in text.lower() and "region" in text.lower():
        return Refused(f"{address.url} lies in another region; set AWS_REGION to that of the bucket")
    if re.search(r"error sending request|dns|connect|credential", text, re.IGNORECASE):
        return NoConnection(f"no connection to {address.host}")
    return Refused(f"{address.url} could not be read ({line}); run the same command again")
