"""What lies at a source, read once: folders in order, stores as one, links not followed in circles."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from impasto.plates import read
from impasto.plates.listing import Folder, Listing
from impasto.schema import InputError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_folders_names_stores_and_counts(tmp_path: Path) -> None:
    for name in (
        "b.tif",
        "a.TIF",
        "a_thumb.tif",
        ".hidden.png",
        "notes.txt",
        "sub/c.png",
        ".git/d.tif",
        "P.zarr/0",
        "deep/other/.zattrs",
        "q.ozx",
        "empty/x/y.jp2",
    ):
        touch(tmp_path / name)
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    listing = Listing.of(tmp_path)
    assert [f.path for f in listing.folders] == [str(tmp_path), f"{tmp_path}/empty/x", f"{tmp_path}/sub"]
    assert listing.folders[0].images() == ["a.TIF", "b.tif"]
    assert listing.stores == (f"{tmp_path}/P.zarr", f"{tmp_path}/deep/other", f"{tmp_path}/q.ozx")
    assert listing.images == 4
    assert len(listing) == 8
    rest = listing.without({f"{tmp_path}/sub"}, {f"{tmp_path}/q.ozx"})
    assert [f.path for f in rest.folders] == [str(tmp_path), f"{tmp_path}/empty/x"]
    assert rest.stores == listing.stores[:2]
    assert rest.images == 3


def test_links_that_lead_to_themselves_or_nowhere_are_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.tif").symlink_to("a.tif")
    (tmp_path / "b.tif").symlink_to("nowhere.tif")
    (listed,) = Listing.of(tmp_path).folders
    assert listed.images() == ["a.tif", "b.tif"]
    for name in listed.images():
        with pytest.raises(read.BadImage, match=r"missing|neither"):
            read.plane(tmp_path / name)


def test_a_file_is_a_folder_of_one_name(tmp_path: Path) -> None:
    touch(tmp_path / "t.csv")
    touch(tmp_path / "p.ozx")
    listing = Listing.of(tmp_path / "t.csv")
    assert listing.is_file
    assert (listing.folders[0].path, listing.folders[0].names.to_pylist()) == (str(tmp_path), ["t.csv"])
    assert listing.stores == ()
    assert Listing.of(tmp_path / "p.ozx").stores == (str(tmp_path / "p.ozx"),)
    with pytest.raises(InputError, match="does not exist"):
        Listing.of(tmp_path / "nothing")
    assert Folder("f", pa.array(["x.nd2", "y.doc"])).images() == ["x.nd2"]


def test_a_name_that_is_not_unicode_is_a_sentence(tmp_path: Path) -> None:
    try:
        (tmp_path / "a\udcff.tif").write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes Unicode only")
    with pytest.raises(InputError, match="holds a name that is not Unicode"):
        Listing.of(tmp_path)


def test_folders_of_previews_and_masks_are_put_aside(tmp_path: Path) -> None:
    for name in ("P1/a.tif", "P1/Thumbs/a.tif", "P1/@eaDir/x/a.tif", "__MACOSX/P1/a.tif", "masks2/a.tif", "thumbnails.old/a.tif"):
        touch(tmp_path / name)
    listing = Listing.of(tmp_path)
    assert [f.path[len(str(tmp_path)) + 1 :] for f in listing.folders] == ["P1", "masks2", "thumbnails.old"]
    assert [f.path[len(str(tmp_path)) + 1 :] for f in listing.aside] == ["P1/@eaDir/x", "P1/Thumbs", "__MACOSX/P1"]
    # Where the user asks for such a folder, it is read.
    own = Listing.of(tmp_path / "P1" / "Thumbs")
    assert (len(own.folders), own.aside) == (1, ())


def test_copies_are_told_from_originals_by_what_lies_beside_them() -> None:
    names = ["Copy of a.tif", "Kopie von a.tif", "Copy of gone.tif", "a.tif", "Copy of notes.txt", "notes.txt"]
    assert Folder("f", pa.array(names)).copies() == {"Copy of a.tif", "Kopie von a.tif"}
