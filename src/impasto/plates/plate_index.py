"""The plates of an ingested folder, without its sites: `plates.parquet`, a row a plate.

Eight million sites are opened by their 2,525 plates. Who works on one plate reads the rows of that plate alone: `images.parquet` has a row
group a plate, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from impasto import border, remote, schema
from impasto.plates.planes import FOLDER, ILLUMINATION, KEYS, places, sorted_by_place
from impasto.plates.planes import read as read_planes
from impasto.schema import InputError

FILE, PLANES = "plates.parquet", "images.parquet"
_PLATE = KEYS[:3]
_FACTS = ("sites", "planes", "channels", "remote", "illumination")
_WHAT, _AGAIN = "table of plates", "ingest the plates again"
_SEPARATOR = "\t"


@dataclass(frozen=True)
class PlateIndex:
    """The plates of a folder.

    Attributes
    ----------
    names
        `source/batch/plate`, as far as those are known, sorted by these.
    sites
        How many sites each has.
    planes
        How many planes each has, which are its rows in `images.parquet`.
    channels
        The stains that every plate has, sorted.
    not_everywhere
        The stains that some plates lack, each with how many plates have it.
    is_remote
        Whether some images lie elsewhere.
    has_illumination
        Whether a table has named functions of illumination.

    """

    names: tuple[str, ...]
    sites: tuple[int, ...]
    planes: tuple[int, ...]
    channels: tuple[str, ...]
    not_everywhere: dict[str, int]
    is_remote: bool
    has_illumination: bool

    def __len__(self) -> int:
        return sum(self.sites)

    def told_not_everywhere(self) -> str:
        """The stains that some plates lack, in words.

        Returns
        -------
        str
            `AGP on 1 of 2 plates`; `""` where there are none.

        """
        return ", ".join(f"{stain} on {count} of {len(self.names)} plates" for stain, count in self.not_everywhere.items())

    def number(self, plate: str, /) -> int:
        """The number of a plate.

        Parameters
        ----------
        plate
            One of `names`.

        Returns
        -------
        int
            From 0.

        Raises
        ------
        InputError
            There is none of that name.

        """
        if plate not in self.names:
            raise InputError(f"there is no plate {plate!r}{schema.nearest(plate, self.names)}; the folder has {len(self.names)} plates")
        return self.names.index(plate)


def of_planes(planes: pd.DataFrame, /) -> pd.DataFrame:
    """The table of plates.

    Parameters
    ----------
    planes
        Planes of all sites in compact form, sorted by place.

    Returns
    -------
    pandas.DataFrame
        A row a plate: source, batch, plate, sites, planes, channels (joined by tabulators), remote, illumination.

    """
    plate = np.diff(places(planes, _PLATE), prepend=-1) != 0
    starts = np.flatnonzero(plate)
    if not len(starts):
        return pd.DataFrame(columns=[*_PLATE, *_FACTS])
    site = np.diff(places(planes, KEYS), prepend=-1) != 0
    of_plate = np.cumsum(plate) - 1
    stains = planes[schema.CHANNEL].array
    codes = np.asarray(stains.codes, dtype=np.int64)
    there = np.unique(of_plate * max(1, len(stains.categories)) + codes)
    owner, stain = np.divmod(there, max(1, len(stains.categories)))
    words = [sorted(str(stains.categories[code]) for code in stain[owner == number]) for number in range(len(starts))]
    table = planes.iloc[starts][list(_PLATE)].astype(str).reset_index(drop=True)
    table["sites"] = np.bincount(of_plate, weights=site).astype(np.int64)
    table["planes"] = np.diff(np.append(starts, len(planes)))
    table["channels"] = [_SEPARATOR.join(names) for names in words]
    table["remote"] = any(remote.url(f"{head}/") is not None for head in planes[FOLDER].array.categories)
    table["illumination"] = ILLUMINATION in planes and bool((planes[ILLUMINATION] != "").any())
    return table


def require(folder: Path, /) -> None:
    """See that a folder holds ingested images.

    Parameters
    ----------
    folder
        What a user gave.

    Raises
    ------
    InputError
        It does not.

    """
    if not (folder / PLANES).is_file():
        raise InputError(
            f"{folder} holds no ingested images (no {PLANES}); if it holds plates, run: impasto ingest {folder} --out INGESTED, and give "
            "INGESTED here"
        )


def table(folder: Path, /) -> pd.DataFrame:
    """The table of plates of an ingested folder; made from its sites where an earlier version has left none.

    Parameters
    ----------
    folder
        What `impasto ingest` left.

    Returns
    -------
    pandas.DataFrame
        As `of_planes` gives it.

    Raises
    ------
    InputError
        The folder holds no ingested images.

    """
    require(folder)
    if (folder / FILE).is_file():
        return _stored(folder)
    return of_planes(sorted_by_place(read_planes(folder / PLANES)))


def read(folder: Path, /) -> PlateIndex | None:
    """The plates of an ingested folder.

    Parameters
    ----------
    folder
        What `impasto ingest` left.

    Returns
    -------
    PlateIndex | None
        None for a folder of an earlier version, which has no table of plates.

    """
    if not (folder / FILE).is_file() or not (folder / PLANES).is_file():
        return None
    stored = _stored(folder)
    with border.reading(folder / FILE, _WHAT, remedy=_AGAIN):
        return from_table(stored)


def _stored(folder: Path) -> pd.DataFrame:
    return border.parquet(folder / FILE, _WHAT, columns=[*_PLATE, *_FACTS], remedy=_AGAIN)


def from_table(table: pd.DataFrame, /) -> PlateIndex:
    """The plates of a table of plates.

    Parameters
    ----------
    table
        As `of_planes` gives it.

    Returns
    -------
    PlateIndex
        The plates.

    """
    stains = [set(filter(None, str(words).split(_SEPARATOR))) for words in table["channels"]]
    counts = {stain: sum(stain in own for own in stains) for stain in sorted(set().union(*stains))}
    return PlateIndex(
        names=tuple(names_of(table)),
        sites=tuple(map(int, table["sites"])),
        planes=tuple(map(int, table["planes"])),
        channels=tuple(stain for stain, count in counts.items() if count == len(table)),
        not_everywhere={stain: count for stain, count in counts.items() if count < len(table)},
        is_remote=bool(table["remote"].any()),
        has_illumination=bool(table["illumination"].any()),
    )


def names_of(table: pd.DataFrame, /) -> list[str]:
    """The plates in words.

    Parameters
    ----------
    table
        A row a plate: source, batch and plate.

    Returns
    -------
    list[str]
        `source/batch/plate`, without what is not known where they stay apart.

    """
    said = [word for word in _PLATE if word == schema.PLATE or (table[word] != "").any()]
    whole = ["/".join(row) for row in table[said].itertuples(index=False)]
    short = ["/".join(filter(None, row)) for row in table[list(_PLATE)].itertuples(index=False)]
    return short if len(set(short)) == len(short) else whole


def rows_of(folder: Path, index: PlateIndex, plate: str, /) -> int | None:
    """The row group of a plate in the table of planes.

    Parameters
    ----------
    folder
        What `impasto ingest` left.
    index
        Its plates.
    plate
        One of them.

    Returns
    -------
    int | None
        None where the table is not cut by plates.

    """
    number = index.number(plate)
    about = pq.read_metadata(folder / PLANES)
    fits = about.num_row_groups == len(index.names) and about.row_group(number).num_rows == index.planes[number]
    return number if fits else None
