"""The readers of images: one tuple, that the reading and the sentence for unknown names go through.

A new reader is one line of `FURTHER`; another package adds its own under the entry points `impasto.readers`. It works for one plate and
for a folder of plates alike: it is given all that lies at a source, and takes what is its.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from impasto.families import Family
from impasto.plates import containers, loaddata, names, ome_zarr, patterns, sheet, stacks
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

READERS: tuple[Reader, ...] = (sheet.READER, loaddata.READER, ome_zarr.READER, containers.READER, stacks.READER, *names.readers())
"""Those that come with the package, in the order of their priority: where two fit as many images, the first is taken."""
FURTHER: Family[Reader] = Family("readers", what="reader of images", parts={})
"""Those asked after them, by name -> `"module:object"`: a new reader is one line here, or an entry point of a plugin."""


def known() -> tuple[Reader, ...]:
    """All readers: the package's own and those of installed plugins.

    Returns
    -------
    tuple[Reader, ...]
        In the order of their priority.

    """
    return (*READERS, *(FURTHER[name] for name in FURTHER))


def read(files: Listing, asked: Asked, /) -> tuple[list[tuple[str, Found]], Listing]:
    """The planes of a source, by the readers that fit most of it.

    Parameters
    ----------
    files
        What lies at the source.
    asked
        What the user said; a pattern of the user's takes the place of all readers.

    Returns
    -------
    planes : list[tuple[str, Found]]
        Name of a reader and what it gave; several where folders of several vendors lie side by side.
    rest : Listing
        What no reader has taken.

    Raises
    ------
    InputError
        No reader knows a name of the source (sentence 3 of the borders).

    """
    rest, by_reader = files, []
    readers = [_own(asked.pattern)] if asked.pattern else list(known())
    while rest.folders or rest.stores:
        fits = [reader.fits(rest) for reader in readers]
        if max(fits) == 0:
            break
        reader = readers[fits.index(max(fits))]
        part = reader.planes(rest, asked)
        by_reader.append((reader.name, part))
        if part.folders is None and part.stores is None:
            return by_reader, rest.without({folder.path for folder in rest.folders})
        rest = rest.without(part.folders or frozenset(), part.stores or frozenset())
    if not by_reader:
        raise InputError(_unknown(files, asked, readers))
    return by_reader, rest


def _own(pattern: str) -> Reader:
    preset = patterns.own(pattern)
    return Reader("your pattern", pattern, partial(names.fits, preset), partial(names.planes, preset))


def _unknown(files: Listing, asked: Asked, readers: Sequence[Reader]) -> str:
    """Sentence 3: none of its images has a name that is known, or there are no images."""
    examples = ", ".join(f"{reader.example} ({reader.name})" for reader in readers if reader.example)
    first = next((name for folder in files.folders for name in folder.images()), "")
    ask = (
        "Say how yours are built: --pattern '{plate}/{well}_s{site}_w{channel}.tif' ({wellnumber} where wells are numbered), "
        "or list them in a sheet (path,channel,plate,well,site)"
    )
    if files.is_file:
        return (
            f"{files.root} is neither a sheet (path, channel, plate, well), nor a LoadData table (FileName_*), nor a table of profiles, "
            "nor an image of many planes that is read; of single images give the folder"
        )
    aside = next((folder.path for folder in files.aside if folder.images()), "")
    if not first and aside:
        return f"{files.root} holds images in folders of previews or masks only; to read them, give such a folder itself: {aside}"
    if not first:
        return f"{files.root} holds no images (TIFF, PNG, JPEG, JP2, NPZ or OME-Zarr) and no tables of profiles; check the path"
    if asked.pattern:
        return f"{files.root}: none of its {files.images} images matches --pattern {asked.pattern!r} (first: {first})"
    return f"{files.root}: none of its {files.images} images has a name that is known (first: {first}). Known: {examples}. {ask}"
