"""One run of the program that measured, whatever layout its tables have: images and objects, read in parts.

A run numbers its images; objects name their image and their number in it. `Measured` is a run whose images may become profiles, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import spelling

Values = npt.NDArray[np.float64]
Part = tuple[npt.NDArray[np.int64], Values]
"""(n,) the row of each object's image, below 0 for none; (n, columns) its values."""
FILES = re.compile(r"^(FileName|PathName|URL)_")
"""Columns of an image table that say where its pixels lie."""
SIZES = re.compile(r"^(Width|Height)(_|$)|^pixel_um$")
"""Those that say how many pixels it has, and how wide one is."""


class Run(Protocol):
    """One run of the program that measured. Objects have their numbers within its images."""

    where: str
    """Its file or folder, for sentences."""
    objects: Mapping[str, Sequence[str]]
    """Kind of object -> its columns of numbers, without the kind in front. Only kinds whose objects have numbers."""
    number: Mapping[str, str]
    """Kind of object -> the column of its number."""

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        """The images, in our words.

        Parameters
        ----------
        columns
            Word -> column, where the user says it.

        Returns
        -------
        pandas.DataFrame
            One row an image: what is known of its place, and where its pixels lie.

        """
        ...

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:
        """All objects of a kind, in the order of their table.

        Parameters
        ----------
        kind
            Of `objects`.
        columns
            Of that kind.

        Yields
        ------
        Part
            Some objects.

        """
        ...

    def feature(self, kind: str, column: str, /) -> str:
        """The name of a feature.

        Parameters
        ----------
        kind
            Of `objects`.
        column
            Of that kind.

        Returns
        -------
        str
            As CellProfiler writes it in a table of all kinds.

        """
        ...

    def notes(self) -> list[str]:
        """What was inferred or left out, in sentences.

        Returns
        -------
        list[str]
            Sentences; numbers of what was left out are known once all parts are read.

        """
        ...


class Measured(Run, Protocol):
    """A run whose images may become profiles: measurements of whole images, and medians over objects."""

    measured: Mapping[str, Sequence[str]]
    """Kind of object -> what was measured of it, without numbers of objects. A kind without such numbers is among them."""

    def whole_images(self) -> pd.DataFrame:
        """What is written of images as a whole.

        Returns
        -------
        pandas.DataFrame
            One row an image, in the order that `parts` counts: `Metadata_*`, counts, measurements.

        """
        ...


class TableReader(Protocol):
    """A way to open a path."""

    example: str
    """What such a path looks like, for the error sentence."""

    def fits(self, path: Path, /) -> bool:
        """Whether a path is of this layout.

        Parameters
        ----------
        path
            A file or folder.

        Returns
        -------
        bool
            True where `open` reads it.

        """
        ...

    def open(self, path: Path, /) -> list[Run]:
        """The runs of a path.

        Parameters
        ----------
        path
            A file or folder that fits.

        Returns
        -------
        list[Run]
            At least one.

        """
        ...


class MeasuredReader(TableReader, Protocol):
    """A way to open a path whose images may become profiles."""

    def measured(self, path: Path, /) -> list[Measured]:
        """The runs of a path, for profiles too.

        Parameters
        ----------
        path
            A file or folder that fits.

        Returns
        -------
        list[Measured]
            At least one.

        """
        ...


def in_our_words(table: pd.DataFrame, columns: Mapping[str, str], /, *, where: str, placed: Mapping[str, str]) -> pd.DataFrame:
    """What an image table says of the place of its images, and of their files.

    Parameters
    ----------
    table
        The image table as it is written.
    columns
        Word -> column, where the user says it.
    where
        Its file, for error sentences.
    placed
        Word -> value, as the folder says it; a column wins.

    Returns
    -------
    pandas.DataFrame
        Annotation in our words, then the columns of files and of sizes.

    """
    bare = {str(c): re.sub(r"^Image_", "", str(c)) for c in table}
    chosen = [c for c in bare if bare[c].startswith(spelling.PREFIX) or c in columns.values() or bare[c] in columns.values()]
    said = spelling.annotation(table[chosen].rename(columns=bare), where=where, columns=columns)
    for word, value in placed.items():
        if word not in said or said[word].isna().all():
            said[word] = pd.Series(value, index=said.index, dtype="string")
    more = {c: bare[c] for c in bare if FILES.match(bare[c]) or SIZES.match(bare[c])}
    return pd.concat([said, table[list(more)].rename(columns=more)], axis=1)
