"""DeepProfiler's features: `features/<plate>/<well>/<site>.npz` (or `<well>_<site>.npz`), a row a cell, as medians of sites.

The metadata inside are pickled and are never unpickled: their constants are read from the instructions, which runs nothing. The path
says the plate, the well and the site.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, feature_names, schema
from impasto.schema import InputError

_WELL_AND_SITE = re.compile(r"^(?P<well>[^_-]+)[_-](?P<site>\w+)$")
_FROM_METADATA = ("Metadata_Source", "Metadata_Batch")


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


def read_folder(folder: Path, /) -> tuple[pd.DataFrame, list[str]]:
    """The sites under a folder, as medians over their cells.

    Parameters
    ----------
    folder
        Holds the feature files.

    Returns
    -------
    table : pandas.DataFrame
        One row a site: its place, its count of cells, its features.
    how : list[str]
        What was read, in one sentence.

    Raises
    ------
    InputError
        A file holds no features, or the files differ in how many.

    """
    rows, values = [], []
    for path, (plate, well, site) in places(folder).items():
        held = read(path)
        cells, constants = held.features, held.constants
        rows.append({"Metadata_Plate": plate, "Metadata_Well": well, "Metadata_Site": site, "Metadata_Count_Cells": len(cells)} | constants)
        # A site without cells is there, without values.
        values.append(np.median(cells, axis=0) if len(cells) else np.full(cells.shape[1], np.nan, dtype=np.float32))
    if len({len(v) for v in values}) > 1:
        raise InputError(f"{folder}: its files differ in the number of features; give the features of one model")
    names = feature_names.embedding_names("", len(values[0]))
    table = pd.concat([pd.DataFrame(rows).astype({"Metadata_Site": "string"}), pd.DataFrame(np.stack(values), columns=names)], axis=1)
    return table, [f"DeepProfiler: {len(rows)} sites; medians over the cells of a site; pickled metadata are not unpickled"]


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
        (n, d) of float32: a row a cell.
    locations
        (n, 2) of float64, in pixels; NaN where no place is written.
    constants
        What its metadata say of the site.

    """

    features: npt.NDArray[np.float32]
    locations: npt.NDArray[np.float64]
    constants: dict[str, Any]


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

    """
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
    if features.ndim != 2:
        raise InputError(f"{path}: features have {features.ndim} axes; a row a cell is expected")
    if locations.shape != (len(features), 2):
        locations = np.full((len(features), 2), np.nan)
    constants = {k: v for k, v in constants_of_pickle(metadata).items() if k in _FROM_METADATA}
    return Site(features.astype(np.float32), locations.astype(np.float64), constants)


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
