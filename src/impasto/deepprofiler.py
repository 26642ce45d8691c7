"""DeepProfiler's features: `features/<plate>/<well>/<site>.npz` (or `<well>_<site>.npz`), a row a cell.

The metadata inside are pickled and are never unpickled: their constants are read from the instructions, which runs nothing. The path
says the plate, the well and the site.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import border, schema
from impasto.schema import InputError

_WELL_AND_SITE = re.compile(r"^(?P<well>[^_-]+)[_-](?P<site>\w+)$")
FROM_METADATA = ("Metadata_Source", "Metadata_Batch")
"""What only the metadata say of a site."""


def files(folder: Path, /) -> list[Path]:
    """The feature files under a folder.

    Parameters
    ----------
    folder
        Where to look, at any depth.

    Returns
    -------
    list[Path]
        Every `.npz` whose path names a well, sorted.

    """
    return list(places(folder))


def width_of(widths: Collection[int], folder: Path, /) -> int:
    """How many features the files of a folder have.

    Parameters
    ----------
    widths
        Of the files that hold a cell.
    folder
        For the error sentence.

    Returns
    -------
    int
        The one width.

    Raises
    ------
    InputError
        They differ, or no file holds a cell.

    """
    if not widths:
        raise InputError(f"{folder}: not one of its files holds a cell; give the folder that DeepProfiler wrote its features to")
    if len(set(widths)) > 1:
        raise InputError(f"{folder}: its files differ in the number of features ({sorted(set(widths))}); give the features of one model")
    return next(iter(widths))


def places(folder: Path, /) -> dict[Path, tuple[str, str, str]]:
    """Plate, well and site of the feature files under a folder.

    Parameters
    ----------
    folder
        Where to look, at any depth.

    Returns
    -------
    dict[Path, tuple[str, str, str]]
        File -> plate, well, site, sorted by path.

    """
    paths = sorted(folder.rglob("*.npz"))
    together = {path: named for path in paths if (named := _WELL_AND_SITE.match(path.stem)) and schema.is_well(named["well"])}
    below = [path for path in paths if path not in together and schema.is_well(path.parent.name)]
    # A plate may be called like a well (P2): what holds wells, as files or as folders, is a plate.
    plates = {path.parent for path in together} | {path.parent.parent for path in below}
    places = {path: (path.parent.name, named["well"], named["site"]) for path, named in together.items()}
    places |= {path: (path.parent.parent.name, path.parent.name, path.stem) for path in below if path.parent not in plates}
    return {path: places[path] for path in paths if path in places}


@dataclass(frozen=True)
class Site:
    """What one file holds.

    Attributes
    ----------
    features
        (n, d) of float32: a row a cell. (0, 0) where there is none.
    locations
        (n, 2) of float64, in pixels; NaN where no place is written.
    constants
        Text that its metadata say of the site, by names with `Metadata_`.
    is_located
        Whether there is a place for each cell.

    """

    features: npt.NDArray[np.float32]
    locations: npt.NDArray[np.float64]
    constants: dict[str, str]
    is_located: bool


def may_hold_features(path: Path, /) -> bool:
    """Whether a file holds features by its list of parts; a damaged one may, and is refused when it is read.

    Parameters
    ----------
    path
        An .npz file.

    Returns
    -------
    bool
        False where it has parts, and none is of features.

    Raises
    ------
    InputError
        It is a pipe or a device.

    """
    border.refuse_odd(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return "features.npy" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return True


def read(path: Path, /) -> Site:
    """Read one file.

    Parameters
    ----------
    path
        An `.npz`.

    Returns
    -------
    Site
        Its cells.

    Raises
    ------
    InputError
        It holds no features, or not a row a cell.

    """
    with border.reading(path, "file of DeepProfiler"), zipfile.ZipFile(path) as archive:
        if "features.npy" not in archive.namelist():
            raise InputError(f"{path} holds no features; it has {', '.join(archive.namelist())}")
        features = _array(archive, "features.npy")
        locations = _array(archive, "locations.npy") if "locations.npy" in archive.namelist() else np.empty((0, 0))
        metadata = archive.read("metadata.npy") if "metadata.npy" in archive.namelist() else b""
    if not features.size:  # however many axes an empty array has, it holds no cell
        features, locations = np.empty((0, 0)), np.empty((0, 2))
    if features.ndim != 2:
        raise InputError(f"{path}: features have {features.ndim} axes; a row a cell is expected")
    is_located = locations.shape == (len(features), 2)
    places = locations.astype(np.float64) if is_located else np.full((len(features), 2), np.nan)
    return Site(features.astype(np.float32), places, constants_of_pickle(metadata), is_located)


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(name) as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))


def constants_of_pickle(raw: bytes, /) -> dict[str, str]:
    """Constants of a pickled dictionary, read from the pickle's instructions without running them.

    Parameters
    ----------
    raw
        The bytes of the `.npy`.

    Returns
    -------
    dict[str, str]
        Text keys that begin with `Metadata_` -> text values; empty where the bytes are no such pickle.

    """
    start = raw.find(b"\n") + 1
    if not raw.startswith(b"\x93NUMPY") or not start:
        return {}
    constants: list[str] = []
    memo: dict[int, str | None] = {}
    pushed: str | None = None
    try:
        for instruction, argument, _ in pickletools.genops(raw[start:]):
            if instruction.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
                memo[len(memo) if instruction.name == "MEMOIZE" else int(str(argument))] = pushed
                continue
            pushed = None
            if isinstance(argument, str) and "UNICODE" in instruction.name:
                pushed = argument
            elif instruction.name in ("BINGET", "LONG_BINGET"):
                pushed = memo.get(int(str(argument)))
            elif isinstance(argument, int | float) and instruction.name.startswith(("BININT", "INT", "BINFLOAT", "FLOAT")):
                pushed = str(argument)
            if pushed is not None:
                constants.append(pushed)
    except (ValueError, IndexError):
        return {}
    named = [i for i, text in enumerate(constants[:-1]) if text.startswith("Metadata_")]
    return {constants[i]: constants[i + 1] for i in named if not constants[i + 1].startswith("Metadata_")}
