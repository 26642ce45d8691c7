"""One listing of a source for all readers: the folders below it and the names in each, read once.

Names are Arrow text, a folder's name is kept once, so that eight million files take a few hundred megabytes. Zarr stores count as one
entry: nothing below them is listed.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from impasto import border
from impasto.schema import InputError

IMAGE = re.compile(r"[.](?:tiff?|png|jp2|jpe?g|npz|c01|dib|flex|stk|czi|nd2|lif|oif|oib|oir|vsi|ims|lsm|dv|bmp|gif)$", re.IGNORECASE)
"""Names of images, those that are not read among them: a file that looks like an image is counted, never passed over."""
LEFT_OUT = re.compile(r"_thumb|^[.]", re.IGNORECASE)
"""Thumbnails, and what is hidden."""
ASIDE = re.compile(r"(?:thumb(?:nail)?s?|previews?|masks?|segmentations?|outlines?|overlays?|@eaDir|__MACOSX)", re.IGNORECASE)
"""Folders of previews, of masks, and of what a computer keeps for itself: the images in them bear the names of the plate's own."""
_COPY = re.compile(r"(?:copy of|kopie von|copie de|copia de) +", re.IGNORECASE)
"""What a file manager writes before the name of a copy."""
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

    def copies(self) -> set[str]:
        """The names of copies that a file manager made of images that lie beside them.

        Returns
        -------
        set[str]
            Names of files.

        """
        images = self.images()
        names = set(images)
        return {name for name in images if (copy := _COPY.match(name)) and name[copy.end() :] in names}


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
    aside
        Folders below the source that hold previews or masks of images (`ASIDE`), not read.

    """

    root: str
    folders: tuple[Folder, ...]
    stores: tuple[str, ...] = ()
    is_file: bool = False
    aside: tuple[Folder, ...] = ()

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
        border.refuse_odd(path)
        if path.is_file():
            store = (str(path),) if _STORE.search(path.name) else ()
            return cls(str(path), (Folder(str(path.parent), pa.array([path.name])),), store, is_file=True)
        stores: list[str] = []
        return cls.sorted_out(str(path), _walk(str(path), stores, set()), stores)

    @classmethod
    def sorted_out(cls, root: str, folders: Iterable[Folder], stores: Iterable[str], /) -> Listing:
        """The listing of a source that is no file: folders below it that hold previews or masks are put aside.

        Parameters
        ----------
        root
            The source as it was given.
        folders
            All folders at or below it.
        stores
            The paths of its Zarr stores.

        Returns
        -------
        Listing
            With `folders` and `aside`.

        """
        kept: list[Folder] = []
        aside: list[Folder] = []
        for folder in folders:
            below = folder.path[len(root) :].strip("/").split("/")
            (aside if any(map(ASIDE.fullmatch, below)) else kept).append(folder)
        return cls(root, tuple(kept), tuple(sorted(stores)), aside=tuple(aside))

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
            if _is_folder(entry):
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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link that leads to itself is neither, as one that leads nowhere."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def _text(names: Sequence[str], folder: str) -> pa.StringArray:
    try:
        return pa.array(names, pa.string())
    except UnicodeEncodeError:
        odd = next(name for name in names if any("\ud800" <= letter <= "\udfff" for letter in name))
        shown = odd.encode(errors="surrogateescape").decode(errors="replace")
        raise InputError(f"{folder} holds a name that is not Unicode ({shown}); rename that file") from None
