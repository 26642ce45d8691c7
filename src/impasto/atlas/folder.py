"""The folder of an index: its files, and the versions that are read.

Version 2 is written:

    index.json                                   version, digest, engine, run, spaces, channels, colours, image root
    wells.arrow, perturbations.arrow             annotation and map positions
    vectors/SPACE.wells.npy, .perturbations.npy  unit vectors (float32), row by row as the tables
    pairs.npy                                    quantiles of the cosines of all pairs of compounds, a row a space
    features.npy, features.arrow                 mean named features of perturbations (float16), and what they are
    images.parquet, windows.parquet              planes, and the brightness of every plate and channel
    hits, responses, curves, points .parquet     what `impasto evaluate hits` wrote, with rows of perturbations.arrow
    strangers.npy, strangers.parquet             of a run that reads texts or molecules: questions about nothing

Version 1 is read: `vectors.npy` and `rows.parquet`, wells and perturbations in one list.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy.typing as npt

from impasto import border, texts
from impasto.schema import InputError

VERSION = 2
DESCRIBED = "index.json"
WELLS, PERTURBATIONS = "wells", "perturbations"
LEVELS = (WELLS, PERTURBATIONS)
JOINT, EMBEDDING, PROFILES = "joint", "embedding", "profiles"
"""The spaces that an index can hold: of a run that reads perturbations too, of another run, and of the profiles themselves."""
COLOURS = 10
"""So many names of a column have a colour of their own."""
VECTORS, PAIRS = "vectors", "pairs.npy"
FEATURES, NAMED_FEATURES = "features.npy", "features.arrow"
IMAGES, WINDOWS = "images.parquet", "windows.parquet"
CELLS, CELLS_IMAGES = "cells_folder", "cells_images"
"""What `index.json` calls the folder of single cells, and the ingested images that they lie in."""
TABLES_OF_HITS = {"hits": "per_group", "responses": "dose_response", "curves": "dose_curves", "points": "dose_wells"}
"""Table of an index -> the file of `impasto evaluate hits` that it comes from."""
REMEDY = "make the index again: impasto index PROFILES --out INDEX"
AGAIN = f"; {REMEDY}"


def table(level: str, /) -> str:
    """The file of a level's table.

    Parameters
    ----------
    level
        `wells` or `perturbations`.

    Returns
    -------
    str
        Its name in the folder.

    """
    return f"{level}.arrow"


def table_of_hits(name: str, /) -> str:
    """The file of a table of hits.

    Parameters
    ----------
    name
        A key of `TABLES_OF_HITS`.

    Returns
    -------
    str
        Its name in the folder.

    """
    return f"{name}.parquet"


def vectors(space: str, level: str, /) -> str:
    """The file of the vectors of one level in one space.

    Parameters
    ----------
    space
        The name of the space.
    level
        `wells` or `perturbations`.

    Returns
    -------
    str
        Its path in the folder.

    """
    return f"{VECTORS}/{space}.{level}.npy"


def array(folder: Path, name: str, /, *, axes: int, mapped: bool = False) -> npt.NDArray[Any]:
    """The numbers of a file of an index.

    Parameters
    ----------
    folder
        Of the index.
    name
        Of the file.
    axes
        How many axes it has.
    mapped
        Whether the numbers stay in the file until they are asked for.

    Returns
    -------
    npt.NDArray
        The numbers.

    Raises
    ------
    InputError
        The file is not there, or is damaged.

    """
    return border.array(folder / name, "part of an index", axes=axes, mapped=mapped, remedy=REMEDY)


def described(folder: Path, /) -> dict[str, Any]:
    """What `index.json` says.

    Parameters
    ----------
    folder
        Of an index.

    Returns
    -------
    dict[str, Any]
        Its values; `version` is 1 where none is written.

    Raises
    ------
    InputError
        The folder is no index, `index.json` is damaged, or its version is newer than those that are read.

    """
    path = folder / DESCRIBED
    if not path.exists():
        raise InputError(f"{folder} is not an index; make one with: impasto index PROFILES --out INDEX")
    try:
        facts: dict[str, Any] = {"version": 1, **json.loads(texts.read(path))}
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}){AGAIN}") from None
    if facts["version"] not in (1, VERSION):
        raise InputError(f"{folder} is an index of version {facts['version']}; this impasto reads 1 and {VERSION}{AGAIN}")
    return facts
