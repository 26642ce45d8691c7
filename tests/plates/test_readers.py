"""Which reader takes what: the one that fits most, the first of equals, the rest to the others, and the sentence for unknown names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from impasto.plates import readers
from impasto.plates.listing import Folder, Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError


def reader(name: str, *folders: str, fits: int | None = None) -> Reader:
    def count(files: Listing) -> int:
        own = sum(len(f.names) for f in files.folders if f.path in folders)
        return own if fits is None or not own else fits

    return Reader(name, f"{name}.tif", count, lambda files, asked: Found(pd.DataFrame({"path": [name]}), folders=frozenset(folders)))


def listing() -> Listing:
    return Listing(
        "root", tuple(Folder(name, pa.array([f"{name}{n}.tif" for n in range(size)])) for name, size in (("a", 2), ("b", 5), ("c", 1)))
    )


def test_readers_take_their_folders_until_nobody_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "known", lambda: (reader("one", "a"), reader("two", "b"), reader("too", "a")))
    results, rest = readers.read(listing(), Asked())
    assert [name for name, _ in results] == ["two", "one"]
    assert [f.path for f in rest.folders] == ["c"]
    monkeypatch.setattr(
        readers,
        "known",
        lambda: (Reader("all", "", lambda files: 1, lambda files, asked: Found(pd.DataFrame())), reader("one", "a", fits=1)),
    )
    results, rest = readers.read(listing(), Asked())
    assert [name for name, _ in results] == ["all"]
    assert rest.folders == ()


def test_names_that_nobody_knows_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "known", lambda: (reader("one"),))
    with pytest.raises(InputError, match=r"none of its 8 images has a name that is known \(first: a0\.tif\)\. Known: one\.tif \(one\)"):
        readers.read(listing(), Asked())
    with pytest.raises(InputError, match="root holds no images"):
        readers.read(Listing("root", (Folder("a", pa.array(["x.doc"])),)), Asked())
    with pytest.raises(InputError, match="is neither a sheet"):
        readers.read(Listing("t.csv", (Folder("", pa.array(["t.csv"])),), is_file=True), Asked())
    with pytest.raises(InputError, match="none of its 8 images matches --pattern"):
        readers.read(listing(), Asked(pattern="{plate}/{well}_{channel}.png"))


def test_the_readers_of_the_package_come_first_and_tables_before_names() -> None:
    names = [one.name for one in readers.known()]
    assert names[0] == "sheet"
    assert names.index("stacks with a CSV") < len(names) - 1
    assert len(set(names)) == len(names)
