"""The readers of images, in one tuple: each says how much of a listing it can read, and gives the planes.

A new reader is one `Reader`, named in one line of `readers.FURTHER` or by another package under the entry points `impasto.readers`. It
works for one plate and for a folder of plates alike, since it is asked for all that lies at a source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from impasto.plates.listing import Listing
from impasto.plates.problems import Problem


@dataclass(frozen=True)
class Asked:
    """What the user said about the images.

    Attributes
    ----------
    pattern
        How names are built, in the language of `patterns.py`; `""` for the presets.
    order
        Stains in the order of the channels of stacks and of OME-Zarr that do not name them.
    plate_size
        How many wells a plate has (96, 384, 1536), for microscopes that number their wells; None: the smallest that holds them.
    root
        Where files lie that a table names by paths of another machine.

    """

    pattern: str = ""
    order: tuple[str, ...] = ()
    plate_size: int | None = None
    root: Path | None = None


@dataclass(frozen=True)
class Found:
    """What one reader gives.

    Attributes
    ----------
    planes
        A row a plane: `path` (or `folder` and `name`), `channel` as it is written, `plate`, `well` and `site`. Where they are known, also
        `batch`, `source`, `page` (number), `at` (`"t0c1z2"`, of Zarr), `number` (of the channel, as text) and `illumination`. `depth` and
        `time` are text, `""` for a projection. `base` is the folder that stands for the plate. See `planes.table`.
    notes
        Sentences worth telling.
    annotation
        What lay beside the images about wells: a table in the user's words.
    stains
        Channel as written -> stain, where the form itself says so (RxRx: w1 is DNA).
    folders, stores
        What the reader has taken of the listing; None: all of it.
    unmatched
        Names of images in those folders that it does not know: how many, and the first.
    problems
        What keeps its images from being ingested.

    """

    planes: pd.DataFrame
    notes: tuple[str, ...] = ()
    annotation: pd.DataFrame = field(default_factory=pd.DataFrame)
    stains: dict[str, str] = field(default_factory=dict)
    folders: frozenset[str] | None = None
    stores: frozenset[str] | None = None
    unmatched: tuple[int, str] = (0, "")
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Reader:
    """A kind of folder, sheet or container of images.

    Attributes
    ----------
    name
        What it is called in sentences: `phenix`.
    example
        A name that it reads, for the sentence that tells what is known.
    fits
        Listing -> how many of its images (rows of a sheet, fields of a store) it can read; 0: none. The reader that fits most is taken.
    planes
        Listing, what was asked -> what was found. Raises InputError.

    """

    name: str
    example: str
    fits: Callable[[Listing], int]
    planes: Callable[[Listing, Asked], Found]
