"""One listing of a source for all readers: the folders below it and the names in each, read once.

Names are Arrow text, a folder's name is kept once, so that eight million files take a few hundred megabytes. Zarr stores count as one
entry: nothing below them is listed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from impasto.schema import InputError

IMAGE = re.compile(r"[.](?:tiff?|png|jp2|jpe?g|npz|c01|dib|flex|stk|czi|nd2|lif|oif|oib|oir|vsi|ims|lsm|dv|bmp|gif)$", re.IGNORECASE)
"""Names of images, those that are not read among them: a file that looks like an image is counted, never passed over."""
LEFT_OUT = re.compile(r"_thumb|^[.]", re.IGNORECASE)
"""Thumbnails, and what is hidden."""
_STORE = re.compile(r"[.](?:zarr|ozx)$", re.IGNORECASE)
_STORE_MEMBERS = frozenset({".zattrs", ".zgroup", ".zarray", "zarr.json"})


@dataclass(frozen=True)
class Folder:
    """One folder.

    Attributes
    ----------
    path
        As it was given.
    names
        Of the files in it, sorted.

    """

    path: str
    names: pa.StringArray

    def images(self) -> list[str]:
        """The names of its images.

        Returns
        -------
        list[str]
            Sorted; thumbnails and hidden files are left out.

        """
        return [name for name in self.names.to_pylist() if IMAGE.search(name) and not LEFT_OUT.search(name)]


@dataclass(frozen=True)
class Listing:
    """What lies at a source.

    Attributes
    ----------
    root
        The source as it was given.
    folders
        The folders with files in them, sorted; for a source that is a file, the one folder with that one name.
    stores
        The paths of the Zarr stores (`.zarr` folders, `.ozx` files).
    is_file
        Whether the source is one file: a sheet, a table, a container.

    """

    root: str
    folders: tuple[Folder, ...]
    stores: tuple[str, ...] = ()
    is_file: bool = False

    @classmethod
    def of(cls, source: Path | str, /) -> Listing:
        """List a local source.

        Parameters
        ----------
        source
            A folder or a file.

        Returns
        -------
        Listing
            All folders below it, and the stores.

        Raises
        ------
        InputError
            It is not there, or a name is not Unicode.

        """
        path = Path(source)
        if not path.exists():
            raise InputError(f"{source} does not exist; check the path")
        if path.is_file():
            store = (str(path),) if _STORE.search(path.name) else ()
            return cls(str(path), (Folder(str(path.parent), pa.array([path.name])),), store, is_file=True)
        stores: list[str] = []
        folders = tuple(_walk(str(path), stores, set()))
        return cls(str(path), folders, tuple(sorted(stores)))

    def __len__(self) -> int:
        return sum(len(folder.names) for folder in self.folders)

    @cached_property
    def images(self) -> int:
        """How many files are images by their names, thumbnails left out."""
        return sum(len(folder.images()) for folder in self.folders)

    def without(self, folders: Set[str], stores: Set[str] = frozenset()) -> Listing:
        """The same listing without some folders and stores.

        Parameters
        ----------
        folders, stores
            Their paths, as they stand in the listing.

        Returns
        -------
        Listing
            The rest.

        """
        left = tuple(folder for folder in self.folders if folder.path not in folders)
        return replace(self, folders=left, stores=tuple(store for store in self.stores if store not in stores))


def _walk(folder: str, stores: list[str], seen: set[tuple[int, int]]) -> Iterator[Folder]:
    """The folders from `folder` down, each before those in it; a link back to a folder above is not followed twice."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    names: list[str] = []
    inside: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if not entry.name.startswith("."):
                    inside.append(entry.name)
            else:
                names.append(entry.name)
    # The TIFFs of an .oif are part of it.
    inside = [name for name in inside if not (name.lower().endswith(".oif.files") and name[: -len(".files")] in names)]
    if _STORE.search(folder) or not _STORE_MEMBERS.isdisjoint(names):
        stores.append(folder)
        return
    stores.extend(os.path.join(folder, name) for name in names if _STORE.search(name))
    if names:
        yield Folder(folder, _text(sorted(names), folder))
    for name in sorted(inside):
        yield from _walk(os.path.join(folder, name), stores, seen)


def _text(names: Sequence[str], folder: str) -> pa.StringArray:
    try:
        return pa.array(names, pa.string())
    except UnicodeEncodeError:
        odd = next(name for name in names if any("\ud800" <= letter <= "\udfff" for letter in name))
        shown = odd.encode(errors="surrogateescape").decode(errors="replace")
        raise InputError(f"{folder} holds a name that is not Unicode ({shown}); rename that file") from None
