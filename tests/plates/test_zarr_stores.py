"""Zarr stores in a folder, a zip or a bucket are read by the same path."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from tests.loopback import Server

from impasto import remote
from impasto.object_stores import NoConnection
from impasto.plates import zarr_stores
from impasto.schema import InputError


def store(folder: Path) -> Path:
    array = zarr.create_array(folder / "B" / "0", shape=(2, 3), chunks=(2, 3), dtype="u2", zarr_format=2)
    array[:] = np.arange(6).reshape(2, 3)
    (folder / ".zgroup").write_text("{}")
    (folder / "B" / ".zattrs").write_text(json.dumps({"a": 1}))
    (folder / "C").mkdir()
    (folder / "C" / "zarr.json").write_text(json.dumps({"attributes": {"ome": {"b": 2}, "c": 3}, "shape": [4]}))
    return folder


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/P1.zarr", "P1"),
        ("a/P1.ome.zarr/", "P1"),
        ("a/P1.ozx", "P1"),
        ("s3://b/P1.OME.ZARR", "P1"),
        ("a/P1.zarr.zip", "P1"),
        ("P1", "P1"),
    ],
)
def test_what_a_store_is_called(path: str, name: str) -> None:
    assert zarr_stores.name(path) == name


def check(root: str) -> None:
    assert zarr_stores.attributes(f"{root}/B") == {"a": 1}
    assert zarr_stores.attributes(f"{root}/C") == {"b": 2}
    assert zarr_stores.attributes(f"{root}/D") == {}
    assert zarr_stores.shape(f"{root}/B/0") == (2, 3)
    assert zarr_stores.shape(f"{root}/C") == (4,)
    assert zarr_stores.shape(f"{root}/B") is None
    assert zarr_stores.array(f"{root}/B/0")[1].tolist() == [3, 4, 5]


def test_a_folder_and_a_zip_of_it_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    folder = store(tmp_path / "P1.zarr")
    check(str(folder))
    for inside in ("", "P1.zarr/"):
        packed = tmp_path / f"P{len(inside)}.ozx"
        with zipfile.ZipFile(packed, "w") as file:
            for member in folder.rglob("*"):
                if member.is_file():
                    file.write(member, inside + member.relative_to(folder).as_posix())
        check(str(packed))
        assert zarr_stores.is_inside(packed)
    assert zarr_stores.is_inside(folder / "B" / "0")
    assert zarr_stores.is_inside("s3://b/P1.zarr/B")
    (tmp_path / "a.tif").write_bytes(b"")
    assert not zarr_stores.is_inside(tmp_path / "a.tif")
    assert not zarr_stores.is_inside("s3://b/a.tif")


def test_a_bucket_says_the_same_and_offline_says_why_not(server: Server, tmp_path: Path) -> None:
    store(tmp_path / "served" / "gallery" / "P1.zarr")
    check("s3://gallery/P1.zarr")
    with remote.settings(cache=None, offline=True, signed=False), pytest.raises(NoConnection, match="cannot be read with --offline"):
        zarr_stores.attributes("s3://gallery/P1.zarr/B")


def test_json_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="is damaged: it is no JSON"):
        zarr_stores.attributes(str(tmp_path))
    (tmp_path / "zarr.json").write_text("[1]")
    assert zarr_stores.attributes(str(tmp_path)) == {}


@pytest.mark.timeout(30)
def test_a_pipe_in_the_place_of_a_chunk_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    place = store(tmp_path) / "B" / "0"
    assert zarr_stores.array(str(place))[1].tolist() == [3, 4, 5]
    (place / "0.0").unlink()
    os.mkfifo(place / "0.0")
    with pytest.raises(InputError, match="is neither a file nor a folder"):
        zarr_stores.array(str(place))[1]


@pytest.mark.parametrize("attributes", ["[]", '"x"', '{"ome": ["x"]}', '{"ome": "x"}', "null", '{"ome": null}'])
def test_attributes_that_are_no_object_are_a_sentence(attributes: str, tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text(f'{{"attributes": {attributes}}}')
    with pytest.raises(InputError, match="its attributes are no object"):
        zarr_stores.attributes(str(tmp_path))
