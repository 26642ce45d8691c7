"""Addresses in their parts, files and listings of a server on this machine, and one sentence for each failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loopback import Server

from impasto import object_stores
from impasto.object_stores import Address, NoConnection, NotThere, Refused
from impasto.schema import InputError

pytest.importorskip("obstore")


@pytest.mark.parametrize(
    ("url", "host", "key"),
    [
        ("s3://bucket/a/b.tif", "bucket", "a/b.tif"),
        ("s3://bucket", "bucket", ""),
        ("https://host:8/a%20b.tif", "host:8", "a b.tif"),
        ("http://host/a.tif?size=2", "host", "a.tif?size=2"),
    ],
)
def test_a_url_in_its_parts(url: str, host: str, key: str) -> None:
    assert Address.of(url) == Address(url, url.partition(":")[0], host, key)


def test_other_schemes_and_urls_without_a_host_are_refused() -> None:
    with pytest.raises(InputError, match="gs:// is not read"):
        Address.of("gs://bucket/a")
    with pytest.raises(InputError, match="names no bucket or server"):
        Address.of("s3:///a")


def test_the_environment_says_where_s3_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert object_stores.endpoint() == ""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://general")
    assert object_stores.endpoint() == "http://general"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://own")
    assert object_stores.endpoint() == "http://own"


def test_bytes_and_listings_come_whole(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "served" / "gallery" / "plates"
    folder.mkdir(parents=True)
    data = bytes(range(256)) * 20000  # more than one piece
    (folder / "b.bin").write_bytes(data)
    (folder / "a.bin").write_bytes(b"a")
    (tmp_path / "served" / "gallery" / "plates-other.bin").write_bytes(b"no")
    pieces = list(object_stores.pieces(Address.of("s3://gallery/plates/b.bin"), endpoint=server.url))
    assert b"".join(pieces) == data
    assert len(pieces) == 2
    listed = object_stores.listing(Address.of("s3://gallery/plates"), endpoint=server.url)
    assert [(entry.url, entry.size) for entry in listed] == [("s3://gallery/plates/a.bin", 1), ("s3://gallery/plates/b.bin", len(data))]
    assert b"".join(object_stores.pieces(Address.of(f"{server.url}/gallery/plates/a.bin"))) == b"a"


def test_what_is_not_there_is_said(server: Server) -> None:
    with pytest.raises(NotThere, match=r"is not there \(404\)"):
        list(object_stores.pieces(Address.of("s3://gallery/nothing.bin"), endpoint=server.url))
    with pytest.raises(NotThere, match="no file lies below it"):
        object_stores.listing(Address.of("s3://gallery/empty"), endpoint=server.url)
    with pytest.raises(InputError, match="a web server does not list its files"):
        object_stores.listing(Address.of("https://host/plates"))


@pytest.mark.parametrize(
    ("error", "signed", "kind", "sentence"),
    [
        (FileNotFoundError("x"), False, NotThere, "is not there"),
        (PermissionError("x"), False, Refused, "may not be read without credentials .* say --signed"),
        (PermissionError("x"), True, Refused, "may not be read with these credentials"),
        (RuntimeError("status 403 Forbidden"), False, Refused, "without credentials"),
        (RuntimeError("status 401"), False, Refused, "without credentials"),
        (RuntimeError("received redirect, check region"), False, Refused, "lies in another region"),
        (RuntimeError("error sending request for url"), False, NoConnection, "no connection to bucket"),
        (RuntimeError("odd\nsecond line"), False, Refused, r"could not be read \(odd\)"),
        (RuntimeError(""), False, Refused, r"could not be read \(RuntimeError\)"),
    ],
)
def test_one_sentence_for_each_failure(error: Exception, signed: bool, kind: type[InputError], sentence: str) -> None:
    made = object_stores._sentence(error, Address.of("s3://bucket/a.tif"), signed=signed)
    assert type(made) is kind
    with pytest.raises(kind, match=sentence):
        raise made
