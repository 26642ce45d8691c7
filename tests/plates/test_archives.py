"""Zips of plates: the member that a path leads to, its bytes, its place in the cache, and damage said in a sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from impasto.plates import archives
from impasto.schema import InputError


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "plates.zip", "w") as file:
        file.writestr("P1/a.tif", b"one")
        file.writestr("P1/", b"")
        file.writestr("deep/P2.zarr/.zgroup", b"{}")
        file.writestr("deep/P2.zarr/B/.zattrs", b"{}")
    return tmp_path / "plates.zip"


def test_a_path_leads_into_a_zip_or_beside_it(packed: Path) -> None:
    whole, member = archives.split(str(packed)) or (None, "none")
    assert member == ""
    assert whole is not None
    assert whole.names == {"P1/a.tif", "deep/P2.zarr/.zgroup", "deep/P2.zarr/B/.zattrs"}
    assert whole.zarr_root == "deep/P2.zarr"
    inside = archives.split(f"{packed}/P1/a.tif")
    assert inside is not None
    assert inside[1] == "P1/a.tif"
    assert archives.split(str(packed.parent / "P1" / "a.tif")) is None
    (packed.parent / "folder.zip").mkdir()
    assert archives.split(str(packed.parent / "folder.zip" / "a.tif")) is None


def test_members_are_bytes_and_files(packed: Path) -> None:
    file = archives.Zip(packed)
    assert file.get("P1/a.tif") == b"one"
    assert file.get("P1/b.tif") is None
    place = file.file("P1/a.tif")
    assert place.read_bytes() == b"one"
    assert place == file.folder() / "P1" / "a.tif"
    assert [p.name for p in place.parent.iterdir()] == ["a.tif"]
    place.write_bytes(b"kept")
    assert file.file("P1/a.tif").read_bytes() == b"kept"
    with pytest.raises(FileNotFoundError):
        file.file("P1/b.tif")
    for name in ("../out", "/etc/x"):
        with pytest.raises(InputError, match="leads out of the zip"):
            file.file(name)


def test_a_group_in_the_top_is_the_root_and_a_changed_zip_has_another_place(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("zarr.json", b"{}")
        file.writestr("A/zarr.json", b"{}")
    one = archives.Zip(path)
    assert one.zarr_root == ""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.tif", b"more bytes than before, and other ones")
    other = archives.Zip(path)
    assert other.zarr_root is None
    assert other.folder() != one.folder()


def test_damage_is_a_sentence(packed: Path) -> None:
    raw = packed.read_bytes()
    packed.write_bytes(raw.replace(b"one", b"two", 1))
    with pytest.raises(InputError, match=r"P1/a\.tif cannot be read"):
        archives.Zip(packed).get("P1/a.tif")
    packed.write_bytes(raw[:20])
    with pytest.raises(InputError, match="is no whole zip"):
        archives.Zip(packed)
