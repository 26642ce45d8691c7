"""Files as a table writes them, listings of folders, zips and buckets, and where they lie on this machine."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.loopback import Server

from impasto.plates import files


@pytest.mark.parametrize(
    ("value", "beside", "folder", "expected"),
    [
        ("a.tif", "/t/list.csv", "", "/t/a.tif"),
        ("../a.tif", "/t/x/list.csv", "", "/t/a.tif"),
        ("a.tif", "list.csv", "", "a.tif"),
        ("a.tif", "/t/list.csv", "sub", "/t/sub/a.tif"),
        ("a.tif", "/t/list.csv", "/other/", "/other/a.tif"),
        ("/w/a.tif", "/t/list.csv", "/other", "/w/a.tif"),
        ("D:\\x\\a.tif", "/t/list.csv", "", "D:/x/a.tif"),
        ("sub\\a.tif", "/t/list.csv", "", "/t/sub/a.tif"),
        ("file:///w/a%20b.tif", "/t/list.csv", "", "/w/a b.tif"),
        ("file:///C:/w/a.tif", "/t/list.csv", "", "C:/w/a.tif"),
        ("s3://b/a.tif", "/t/list.csv", "/other", "s3://b/a.tif"),
        ("a.tif", "s3://b/t/list.csv", "", "s3://b/t/a.tif"),
    ],
)
def test_a_file_as_a_table_writes_it(value: str, beside: str, folder: str, expected: str) -> None:
    assert files.written(value, beside=beside, folder=folder) == expected


def test_below_root_the_longest_end_of_the_path_is_taken(tmp_path: Path) -> None:
    (tmp_path / "batch" / "P1").mkdir(parents=True)
    (tmp_path / "P1").mkdir()
    for value in ("/far/batch/P1/a.tif", "s3://bucket/far/batch/P1/a.tif", "E:/batch/P1/a.tif"):
        assert files.written(value, beside="/t/l.csv", root=tmp_path) == f"{tmp_path}/batch/P1/a.tif"
    assert files.written("/far/other/P1/a.tif", beside="/t/l.csv", root=tmp_path) == f"{tmp_path}/P1/a.tif"
    assert files.written("/far/P9/a.tif", beside="/t/l.csv", root=tmp_path) == f"{tmp_path}/a.tif"


def test_a_zip_is_listed_like_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("P1/b.tif", "P1/a.tif", "P2/Index.idx.xml"):
            file.writestr(name, name.encode())
    listing = files.listing(path)
    assert [(f.path, f.names.to_pylist()) for f in listing.folders] == [
        (f"{path}/P1", ["a.tif", "b.tif"]),
        (f"{path}/P2", ["Index.idx.xml"]),
    ]
    assert not listing.is_file
    assert (files.folder(f"{path}/P2") / "Index.idx.xml").read_bytes() == b"P2/Index.idx.xml"
    assert not (files.folder(f"{path}/P1") / "a.tif").exists()
    assert files.local(f"{path}/P1/a.tif").read_bytes() == b"P1/a.tif"
    assert files.local(path) == path
    assert files.folder(tmp_path) == tmp_path


def test_a_bucket_is_listed_with_its_sidecars_and_stores(server: Server, tmp_path: Path) -> None:
    base = tmp_path / "served" / "gallery" / "plates"
    (base / "P1.zarr" / "A").mkdir(parents=True)
    for name in ("a.tif", "index.xml", "P1.zarr/.zattrs", "P1.zarr/A/table.csv"):
        (base / name).write_bytes(b"<x/>")
    listing = files.listing("s3://gallery/plates/")
    assert [(f.path, f.names.to_pylist()) for f in listing.folders] == [("s3://gallery/plates", ["a.tif", "index.xml"])]
    assert listing.stores == ("s3://gallery/plates/P1.zarr",)
    assert (files.folder("s3://gallery/plates") / "index.xml").exists()
    assert not (files.folder("s3://gallery/plates") / "a.tif").exists()
    alone = files.listing("s3://gallery/plates/a.tif")
    assert alone.is_file
    assert alone.folders[0].path == "s3://gallery/plates"
    assert files.listing("s3://gallery/plates/P1.zarr").stores == ("s3://gallery/plates/P1.zarr",)
    assert files.is_remote_folder("s3://gallery/plates/")
    for other in ("s3://gallery/plates/a.tif", "s3://gallery/plates/P1.zarr", str(tmp_path)):
        assert not files.is_remote_folder(other)
