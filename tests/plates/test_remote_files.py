"""Which planes lie far away: each file once, and the list that impasto fetch brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plates.frames import table

from impasto.plates import remote_files
from impasto.schema import InputError


def test_each_far_file_once_without_zarr_stores() -> None:
    frame = table(
        path=["s3://b/a.tif", "s3://b/a.tif", "/here/c.tif", "s3://b/P.zarr/A/01/0", "https://h/d.tif"],
        illumination=["s3://b/light.npy", "", "", "", ""],
        page=[0, 1, 0, 0, 0],
    )
    assert list(remote_files.urls_of(frame)) == ["s3://b/a.tif", "https://h/d.tif", "s3://b/light.npy"]
    assert list(remote_files.urls_of(table(path=["/here/c.tif"]))) == []


def test_how_many_are_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    assert remote_files.told(table(path=["/here/c.tif"])) == []
    far = table(path=["s3://b/a.tif", "s3://b/c.tif", "/here/c.tif"])
    (sentence,) = remote_files.told(far)
    assert sentence.startswith(f"2 files are remote, 0 of them in {tmp_path / 'cache'}")
    monkeypatch.setattr(remote_files, "_COUNTED", 1)
    assert remote_files.told(far)[0].startswith("2 planes are remote; the cache is")


def test_a_list_has_a_line_a_file_and_replaces_only_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    assert remote_files.write_list(iter(["s3://b/a.tif", "s3://b/c.tif"]), path) == 2
    assert path.read_text() == "s3://b/a.tif\ns3://b/c.tif\n"
    assert remote_files.write_list(["s3://b/d.tif"], path) == 1
    path.write_text("my thesis")
    with pytest.raises(InputError, match="is there and is no list of URLs"):
        remote_files.write_list(["s3://b/a.tif"], path)
    assert path.read_text() == "my thesis"
