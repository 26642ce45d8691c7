"""Images count by name, size and time; tables by what is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from impasto import runs
from impasto.plates.digest import digest
from impasto.schema import InputError


def plate(base: Path) -> Path:
    """A folder of two images and an index."""
    folder = base / "plate"
    (folder / "Images").mkdir(parents=True)
    (folder / "Index.xml").write_text("<a/>")
    for name in ("a.tiff", "b.TIF", "c.ND2", "d.czi", "e.oir"):
        (folder / "Images" / name).write_bytes(b"pixels")
        os.utime(folder / "Images" / name, ns=(10**18, 10**18))
    return folder


def test_pixels_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plate(tmp_path)
    opened: list[str] = []
    true_open = Path.open

    def watched(self: Path, *arguments: object, **named: object) -> object:
        opened.append(self.name)
        return true_open(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", watched)
    digest(folder)
    digest(folder / "Images" / "a.tiff")
    assert opened == ["Index.xml"]


def test_what_says_that_an_image_is_another_changes_the_digest(tmp_path: Path) -> None:
    folder = plate(tmp_path)
    image, first = folder / "Images" / "a.tiff", digest(folder)
    image.write_bytes(b"PIXELS")
    os.utime(image, ns=(10**18, 10**18))
    assert digest(folder) == first, "same size, same time"
    os.utime(image, ns=(10**18, 10**18 + 1))
    assert digest(folder) != first
    os.utime(image, ns=(10**18, 10**18))
    (folder / "Index.xml").write_text("<b/>")
    assert digest(folder) != first
    (folder / "Index.xml").write_text("<a/>")
    assert digest(folder) == first
    image.rename(folder / "Images" / "c.tiff")
    assert digest(folder) != first


def test_a_table_of_sites_speaks_of_the_images_that_it_names(tmp_path: Path) -> None:
    folder, ingested = plate(tmp_path), tmp_path / "ingested"
    ingested.mkdir()
    image = folder / "Images" / "a.tiff"
    pd.DataFrame({"path": [str(image), str(image), str(tmp_path / "gone.tif")]}).to_parquet(ingested / "images.parquet")
    first = digest(ingested)
    assert digest(ingested) == first
    os.utime(image, ns=(10**18, 10**18 + 1))
    assert digest(ingested) != first


def test_chunks_of_an_image_are_pixels_and_those_of_a_table_are_not(tmp_path: Path) -> None:
    for name in ("image.zarr", "table.zarr"):
        (tmp_path / name / "c").mkdir(parents=True)
        (tmp_path / name / "zarr.json").write_text("{}")
        (tmp_path / name / "c" / "0").write_bytes(b"one")
        os.utime(tmp_path / name / "c" / "0", ns=(10**18, 10**18))
    (tmp_path / "table.zarr" / "obs").mkdir()
    before = [digest(tmp_path / name) for name in ("image.zarr", "table.zarr")]
    for name in ("image.zarr", "table.zarr"):
        (tmp_path / name / "c" / "0").write_bytes(b"two")
        os.utime(tmp_path / name / "c" / "0", ns=(10**18, 10**18))
    after = [digest(tmp_path / name) for name in ("image.zarr", "table.zarr")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]


def test_a_table_counts_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("well\nA01\n")
    assert digest(tmp_path / "a.csv") == runs.digest(tmp_path / "a.csv")
    with pytest.raises(InputError, match="does not exist"):
        digest(tmp_path / "none.tif")


def test_a_table_of_images_without_their_paths_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "images.parquet").write_bytes(b"")
    pd.DataFrame({"well": ["A01"]}).to_parquet(tmp_path / "images.parquet", index=False)
    with pytest.raises(InputError, match=r"images\.parquet cannot be read as a table of images .*ingest the plates again"):
        digest(tmp_path)
