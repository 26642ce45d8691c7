"""Remote files through the cache, against a server on this machine that fails on request."""

from __future__ import annotations

import builtins
import dataclasses
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.loopback import Server
from tests.terminal import impasto

from impasto import object_stores, processes, remote
from impasto.object_stores import NoConnection
from impasto.schema import InputError

pytest.importorskip("obstore", reason="the extra `remote` is not installed")


def put(server: Server, key: str, size: int = 1000) -> bytes:
    """A file of its own bytes in the bucket `gallery`."""
    path = server.root / "gallery" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path.read_bytes()


def test_a_file_is_asked_for_once_and_lies_where_its_url_says(server: Server, tmp_path: Path) -> None:
    data = put(server, "a/b.tif")
    for _ in range(3):
        assert remote.local("s3://gallery/a/b.tif") == tmp_path / "cache" / "s3" / "gallery" / "a" / "b.tif"
    assert remote.local(Path("s3://gallery/a/b.tif")).read_bytes() == data  # Path folds the slashes
    assert server.log == [("GET", "gallery/a/b.tif")]
    assert list((tmp_path / "cache" / ".parts").iterdir()) == []


@pytest.mark.parametrize(
    "key", ["100%.tif", "%41.tif", "x#y.tif", "what?.tif", "a b+c.tif", "Zellen µ.tif", "A - 01(fld 1 wv DAPI - DAPI).tif"]
)
def test_letters_of_a_key_are_letters(server: Server, key: str, tmp_path: Path) -> None:
    data = put(server, key)
    found = remote.local(f"s3://gallery/{key}")
    assert found.read_bytes() == data
    assert found == tmp_path / "cache" / "s3" / "gallery" / key


def test_the_path_of_a_web_address_is_unquoted_and_its_query_is_sent(server: Server) -> None:
    data = put(server, "a b#.tif")
    found = remote.local(f"{server.url}/gallery/a%20b%23.tif")
    assert found.read_bytes() == data
    assert found.name == "a b#.tif"
    other = remote.local(f"{server.url}/gallery/a%20b%23.tif?download=1")
    assert other.read_bytes() == data
    assert other != found


def test_local_paths_are_left_alone(tmp_path: Path) -> None:
    for path in (tmp_path / "a.tif", Path("s3/a.tif"), Path("C:/a.tif"), Path("https_/x")):
        assert remote.url(path) is None
        assert remote.local(path) == path
    assert remote.url("S3://Bucket/Key") == "s3://Bucket/Key"


@pytest.mark.parametrize(
    "url", ["s3://gallery/../x", "s3://gallery/a/../../x", "s3://gallery/a//b", "s3://gallery/", "s3://gallery", "s3://../x"]
)
def test_a_name_never_leaves_the_cache(server: Server, url: str) -> None:
    with pytest.raises(InputError, match="is not the name of a file"):
        remote.local(url)
    assert server.log == []


def test_a_missing_and_a_forbidden_file_are_sentences(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^s3://gallery/none\.tif is not there \(404\); check the table that names it$"):
        remote.local("s3://gallery/none.tif")
    with pytest.raises(InputError, match=r"/gallery/none\.tif is not there \(404\)"):
        remote.local(f"{server.url}/gallery/none.tif")
    server.answers["gallery/x.tif"] = [403]
    with pytest.raises(InputError, match=r"403\); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and say --signed$"):
        remote.local("s3://gallery/x.tif")
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_no_connection_is_a_sentence_and_the_rest_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "_RETRY", {"max_retries": 0})
    monkeypatch.setattr(object_stores, "_bucket", object_stores._bucket.__wrapped__)
    cache = remote.Cache(tmp_path / "cache", endpoint="http://127.0.0.1:9")
    with pytest.raises(
        NoConnection, match=r"^no connection to gallery; on a machine without network fill .*cache elsewhere: impasto fetch LIST"
    ):
        cache.open("s3://gallery/a.tif")
    start = time.process_time()
    with pytest.raises(NoConnection):
        cache.fetch(f"s3://gallery/{i}.tif" for i in range(10_000))
    assert time.process_time() - start < 10


def test_offline_reads_the_cache_and_asks_nothing(server: Server) -> None:
    put(server, "a.tif")
    put(server, "b.tif")
    remote.local("s3://gallery/a.tif")
    with remote.settings(offline=True):
        assert remote.local("s3://gallery/a.tif").exists()
        with pytest.raises(
            NoConnection, match=r"s3://gallery/b\.tif is not in .*cache, and --offline is set; .*impasto fetch LIST --cache DIR"
        ):
            remote.local("s3://gallery/b.tif")
        with pytest.raises(NoConnection, match="cannot be listed"):
            remote.listing("s3://gallery/")
    assert remote.local("s3://gallery/b.tif").exists()
    assert len(server.log) == 2


def test_a_server_that_is_busy_is_asked_again(server: Server) -> None:
    data = put(server, "a.tif")
    server.answers["gallery/a.tif"] = [503, 503]
    assert remote.local("s3://gallery/a.tif").read_bytes() == data
    assert server.asked("gallery/a.tif") == 3


@pytest.mark.parametrize("cuts", [[0], [1000], [500_000, 300_000], [999_999]])
def test_a_line_that_breaks_is_taken_up(server: Server, cuts: list[int]) -> None:
    data = put(server, "a.tif", size=1_000_000)
    server.cuts["gallery/a.tif"] = list(cuts)
    assert remote.local("s3://gallery/a.tif").read_bytes() == data


def test_a_line_that_breaks_for_good_leaves_nothing(server: Server, tmp_path: Path) -> None:
    put(server, "a.tif", size=1_000_000)
    server.cuts["gallery/a.tif"] = [10] * 100
    with pytest.raises(InputError, match=r"s3://gallery/a\.tif|no connection to gallery"):
        remote.local("s3://gallery/a.tif")
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_eight_at_once_and_none_twice(server: Server) -> None:
    urls = [f"s3://gallery/P1/{i:03d}.tif" for i in range(120)]
    for url in urls:
        put(server, url.removeprefix("s3://gallery/"), size=20_000)
    server.delay = 0.03
    cache = remote.cache()
    start = time.monotonic()
    assert cache.fetch(urls) == {}
    taken = time.monotonic() - start
    assert len(server.log) == 120
    assert server.most == 8
    assert taken < 3.0  # 0.5 s on a machine of its own
    assert cache.fetch(urls) == {}
    assert cache.missing(urls) == []
    assert len(server.log) == 120


def test_threads_that_want_one_file_ask_once(server: Server) -> None:
    put(server, "a.tif")
    server.delay = 0.05
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(remote.local, ["s3://gallery/a.tif"] * 8))
    assert len(set(found)) == 1
    assert server.asked("gallery/a.tif") == 1


def test_what_could_not_be_fetched_is_named_and_the_rest_comes(server: Server) -> None:
    put(server, "a.tif")
    put(server, "c.tif")
    failed = remote.cache().fetch(["s3://gallery/a.tif", "s3://gallery/b.tif", "s3://gallery/c.tif"])
    assert list(failed) == ["s3://gallery/b.tif"]
    assert remote.cache().missing(["s3://gallery/a.tif", "s3://gallery/b.tif", "s3://gallery/c.tif"]) == ["s3://gallery/b.tif"]


def test_killed_and_resumed_without_a_second_download(server: Server, tmp_path: Path) -> None:
    urls = [f"s3://gallery/{i:03d}.tif" for i in range(60)]
    data = {url: put(server, url.removeprefix("s3://gallery/"), size=50_000) for url in urls}
    (tmp_path / "list.txt").write_text("\n".join(urls) + "\n")
    server.delay = 0.1
    words = ["fetch", str(tmp_path / "list.txt")]
    child = subprocess.Popen(
        [sys.executable, "-m", "impasto", *words], env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    cache = remote.cache()
    deadline = time.monotonic() + 60
    while len(cache.missing(urls)) > 40 and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    child.wait()
    time.sleep(0.3)  # what the server had begun to send
    left = len(cache.missing(urls))
    assert 0 < left <= 40
    server.log.clear()
    impasto(*words)
    assert len(server.log) == left
    assert all(cache.place(url).read_bytes() == data[url] for url in urls)


def test_parts_of_killed_runs_go_and_those_of_nobody_known_after_a_day(server: Server, tmp_path: Path) -> None:
    parts = tmp_path / "cache" / ".parts"
    parts.mkdir(parents=True)
    for name, age in (("old", 30 * 3600), ("young", 3600)):
        (parts / name).write_bytes(b"x")
        os.utime(parts / name, (time.time() - age,) * 2)
    (parts / f".file.partial-{dataclasses.replace(processes.own(), pid=2**22 + 1)}-00000000").write_bytes(b"of a process that was killed")
    (parts / f".file.partial-{processes.own()}-00000000").write_bytes(b"of one that lives")
    put(server, "a.tif")
    remote.cache().fetch(["s3://gallery/a.tif"])
    assert sorted(p.name for p in parts.iterdir()) == [f".file.partial-{processes.own()}-00000000", "young"]


def test_a_bucket_is_listed_and_a_web_server_is_not(server: Server) -> None:
    for key in ("P1/b#1.tif", "P1/a.tif", "P2/c.tif"):
        put(server, key)
    assert remote.listing("s3://gallery/P1/") == remote.listing("s3://gallery/P1") == ["s3://gallery/P1/a.tif", "s3://gallery/P1/b#1.tif"]
    assert len(remote.listing("s3://gallery")) == 3
    with pytest.raises(InputError, match="no file lies below it"):
        remote.listing("s3://gallery/P3/")
    with pytest.raises(InputError, match="a web server does not list its files"):
        remote.listing(f"{server.url}/gallery/P1/")


def test_without_obstore_the_sentence_names_the_extra(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name.partition(".")[0] == "obstore":
            raise ImportError(name)
        return whole(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"needs obstore: pip install 'impasto\[remote\]'"):
        remote.local("s3://gallery/a.tif")


def test_other_schemes_are_refused() -> None:
    with pytest.raises(InputError, match="ftp:// is not read; s3:// and https:// are"):
        remote.Cache(Path("x")).place("ftp://host/a.tif")


def test_settings_end_where_they_began(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", "before")
    with remote.settings(cache=tmp_path, offline=True, signed=True):
        inside = remote.cache()
    assert (inside.folder, inside.offline, inside.signed) == (tmp_path, True, True)
    after = remote.cache()
    assert (after.folder, after.offline, after.signed) == (Path("before"), False, False)
