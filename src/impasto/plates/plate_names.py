"""What a plate is called, and which batch it is of, by folders, indexes and the beginnings of names.

A plate is what the pattern says, else the PlateID of the microscope's index, else its folder: the first above the images that is not
technical, without a measurement's date. Two folders of one plate are two batches.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from pathlib import PurePath

import pandas as pd

from impasto import gallery, schema
from impasto.plates import archives
from impasto.plates.columns import coded_rows, recoded
from impasto.plates.planes import BASE, PLATE_ID, PREFIX
from impasto.schema import InputError, one_of

_TECHNICAL = re.compile(
    r"^(?:images?|flex|tiffs?|timepoint_\d+|zstep_\d+|measurementdata|measurement ?\d+|meas_\d+.*|raw|data|assayplate.*)$", re.IGNORECASE
)
"""Folders that say nothing of a plate."""
_MEASUREMENT = re.compile(r"^(?P<plate>.+?)__(?P<date>\d{4}-\d{2}-\d{2}T\d{2}_\d{2}_\d{2})-Measurement ?(?P<number>\d+)$", re.IGNORECASE)

_WHEN = re.compile(
    r"(?:19|20)\d\d[-_. ]?(?:0[1-9]|1[0-2])[-_. ]?(?:0[1-9]|[12]\d|3[01])(?:[T_ -].*)?"
    r"|(?:t|d|day|time)?[ _-]?\d{1,3}[ _-]?(?:h|hrs?|hours?|min|d|days?)|(?:t|d|day|time)[ _-]?\d{1,3}",
    re.IGNORECASE,
)
"""A folder that is a date or a time after treatment: `2024-03-01`, `20240301`, `48h`, `day 2`."""


def folder_of_plate(base: str, /) -> str:
    """The name of the folder that stands for a plate: the nearest that is not technical.

    Parameters
    ----------
    base
        Where the images of the plate lie.

    Returns
    -------
    str
        Without the suffix of a zip.

    """
    parts = PurePath(os.path.abspath(base)).parts
    plain = [part for part in parts[1:] if not _TECHNICAL.match(part)]
    return archives.stem(plain[-1] if plain else (parts[-1] if len(parts) > 1 else "plate"))


def without_measurement(folder: str, /) -> str:
    """The name of a folder without a measurement's date: `BR1__2021-05-02T16_02_51-Measurement 1` -> `BR1`.

    Parameters
    ----------
    folder
        Its name.

    Returns
    -------
    str
        The plate; the name as it is where it holds no measurement.

    """
    match = _MEASUREMENT.match(folder)
    return match["plate"] if match else folder


@dataclass(frozen=True)
class Names:
    """All that a plate could be called; `""` where there is no such name.

    Attributes
    ----------
    folder
        By its folder, without a measurement's date.
    measurement
        By its folder, as it is.
    index
        By the microscope's index.
    prefix
        By what its files begin with.

    """

    folder: str
    measurement: str
    index: str
    prefix: str

    @classmethod
    def of(cls, base: str, prefix: str, plate_id: str, /) -> Names:
        """The names of a plate.

        Parameters
        ----------
        base
            Where its images lie; `""` where that is not known.
        prefix
            What its files begin with.
        plate_id
            Its name in the microscope's index.

        Returns
        -------
        Names
            All four.

        """
        whole = folder_of_plate(base) if base else ""
        return cls(without_measurement(whole), whole, plate_id, prefix)


PLATE_FROM = ("folder", "measurement", "index", "prefix")
"""What `--plate-from` may say: the fields of `Names`."""


def named(planes: pd.DataFrame, /, *, plate_from: str = "") -> tuple[pd.DataFrame, list[str]]:
    """Name the plates of planes that have no plate of their own.

    Parameters
    ----------
    planes
        Planes of all sources, with `base`, `prefix` and `plate_id`.
    plate_from
        What the user wants plates named by (`PLATE_FROM`); `""`: as above.

    Returns
    -------
    planes : pandas.DataFrame
        The planes, each with its plate.
    notes : list[str]
        What plates are named by, where it is not the folder.

    Raises
    ------
    InputError
        A plate has no name of the kind that the user wants.

    """
    code, several = coded_rows(planes, [BASE, schema.PLATE, PREFIX, PLATE_ID])
    rows = pd.DataFrame(several, columns=["base", "plate", "prefix", "plate_id"])
    if plate_from:
        one_of(plate_from, PLATE_FROM, what="--plate-from")
        names = [str(getattr(Names.of(r.base, r.prefix, r.plate_id), plate_from)) if r.base else r.plate for r in rows.itertuples()]
        if not all(names):
            raise InputError(
                f"--plate-from {plate_from}: {rows['base'][names.index('')]} has none; leave it out, or say --plate-from folder"
            )
        return planes.assign(plate=recoded(code, dict(enumerate(names)))), []
    rows["measurement"] = [folder_of_plate(base) if base else "" for base in rows["base"]]
    rows["folder"] = rows["measurement"].map(without_measurement)
    # A PlateID that several folders of different names share was copied with a protocol.
    shared = rows.groupby("plate_id")["measurement"].transform("nunique") > 1
    many_prefixes = rows.groupby("base")["prefix"].transform("nunique") > 1
    names, reasons = [], set()
    for row, is_shared, has_many in zip(rows.itertuples(), shared, many_prefixes, strict=True):
        if row.plate:
            names.append(row.plate)
        elif row.plate_id and not is_shared:
            names.append(row.plate_id)
            if row.plate_id != row.folder:
                reasons.add(f"plate {row.plate_id}: named by the microscope's index (--plate-from folder for {row.folder})")
        elif row.prefix and _WHEN.fullmatch(row.folder) and row.prefix in PurePath(row.base).parts:
            names.append(row.prefix)
            reasons.add(f"plate {row.prefix}: its files and a folder say so; the folder {row.folder} is a time (--plate-from folder)")
        elif row.prefix and has_many:
            names.append(row.prefix)
            reasons.add(f"{row.base}: plates are named by the beginnings of its names, of which it has several (--plate-from folder)")
        else:
            names.append(row.folder)
    if (shared & (rows["plate_id"] != "")).any():
        identity = rows.loc[shared & (rows["plate_id"] != ""), "plate_id"].iloc[0]
        reasons.add(f"the indexes of several folders say PlateID {identity}: plates are named by their folders (--plate-from index)")
    return planes.assign(plate=recoded(code, dict(enumerate(names)))), _few(sorted(reasons))


def _few(notes: Sequence[str]) -> list[str]:
    return list(notes) if len(notes) < 4 else [*notes[:3], f"... and {len(notes) - 3} more plates so"]


def spelled_as(planes: pd.DataFrame, names: Collection[str], /) -> tuple[pd.DataFrame, list[str]]:
    """Plates as the user's own tables spell them, where those know one of a plate's other names and not this one.

    Parameters
    ----------
    planes
        With `plate`, `base`, `prefix` and `plate_id`.
    names
        Plates of the user's tables.

    Returns
    -------
    planes : pandas.DataFrame
        The planes, each with its plate.
    notes : list[str]
        How many plates have another name now.

    """
    code, several = coded_rows(planes, [BASE, schema.PLATE, PREFIX, PLATE_ID])
    changed: dict[str, str] = {}
    new = []
    for base, plate, prefix, plate_id in several:
        others = _other_names(base, plate, prefix, plate_id) & set(names) if base and plate not in names else set()
        new.append(others.pop() if len(others) == 1 else plate)
        if new[-1] != plate:
            changed[plate] = new[-1]
    if not changed:
        return planes, []
    first = next(iter(changed.items()))
    note = f"{len(changed)} plates are named as the platemap names them (first: {first[0]} is {first[1]})"
    return planes.assign(plate=recoded(code, dict(enumerate(new)))), [note]


def _other_names(base: str, plate: str, prefix: str, plate_id: str) -> set[str]:
    """All that a plate could be called: by its folder, index, prefix; `Plate1` is also 1."""
    number = re.fullmatch(r"plate[ _-]?0*(\d+)", plate, re.IGNORECASE)
    return {*astuple(Names.of(base, prefix, plate_id))} | ({number[1]} if number else set())


def batches(planes: pd.DataFrame, /) -> tuple[pd.DataFrame, list[str]]:
    """Source and batch, where folders say them.

    The tree of the Cell Painting Gallery does. A plate that lies in two folders is of two batches, named by the first part in which
    their paths differ.

    Parameters
    ----------
    planes
        With `plate`, `base`, `source` and `batch`.

    Returns
    -------
    planes : pandas.DataFrame
        The planes, each with its source and batch.
    notes : list[str]
        What folders said.

    """
    code, several = coded_rows(planes, [BASE, schema.SOURCE, schema.BATCH, schema.PLATE])
    rows = pd.DataFrame(several, columns=["base", "source", "batch", "plate"])
    notes = _of_gallery(rows)
    for plate, own in rows[rows["base"] != ""].groupby("plate"):
        bases = sorted(set(own["base"]))
        if len(bases) < 2 or (own["batch"] != "").any():
            continue
        parts = _first_difference(bases)
        rows.loc[own.index, "batch"] = [parts[base] for base in own["base"]]
        notes.append(f"plate {plate} lies in {len(bases)} folders: its batches are {', '.join(sorted(set(parts.values())))}")
    words = {word: recoded(code, dict(enumerate(rows[word]))) for word in (schema.SOURCE, schema.BATCH)}
    return planes.assign(**words), _few(notes)


def _of_gallery(rows: pd.DataFrame) -> list[str]:
    """Fill in source and batch that the folders of the Cell Painting Gallery say, where nothing else does."""
    sentences: set[str] = set()
    for row in rows.itertuples():
        words = gallery.of_images(row.base) if row.base and not row.source and not row.batch else {}
        for word, value in words.items():
            rows.loc[row.Index, word] = value
        sentences |= {" ".join(f"{word} {value}" for word, value in words.items())} - {""}
    return [f"{said}: from the folders of the Cell Painting Gallery" for said in sorted(sentences)]


def _first_difference(bases: Sequence[str]) -> dict[str, str]:
    parts = {base: PurePath(os.path.abspath(base)).parts for base in bases}
    depth = next(at for at in range(max(map(len, parts.values())) + 1) if len({own[at : at + 1] for own in parts.values()}) > 1)
    return {base: own[depth] if depth < len(own) else own[-1] for base, own in parts.items()}
