"""Folders whose images say by their names what they are: a listing and a preset -> planes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from impasto import schema
from impasto.plates import harmony, measurement, micromanager, ome_tiff, stacks
from impasto.plates.columns import Coded, Texts, coded_rows, recoded
from impasto.plates.listing import Listing
from impasto.plates.patterns import Preset, presets
from impasto.plates.problems import Problem
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_SAMPLE = 512
"""So many names of a folder, spread evenly, say which preset fits it."""
_THIRD = ("first", "second", "third")
_PLATE_SIZES = {96: 12, 384: 24, 1536: 48}
"""Wells of a plate -> its columns."""


def fits(preset: Preset, files: Listing, /) -> int:
    """How many of a listing's images a preset matches.

    Parameters
    ----------
    preset
        How the names are built.
    files
        The listing.

    Returns
    -------
    int
        In folders of more than 512 images, estimated from at most 512 of them.

    """
    total = 0.0
    for folder in files.folders:
        images = folder.images()
        sample = images[:: max(1, -(-len(images) // _SAMPLE))]
        above = _above(folder.path, preset)
        matches = sum(preset.regex.fullmatch(above + name) is not None for name in sample)
        total += matches * len(images) / max(1, len(sample))
    return round(total)


def _above(folder: str, preset: Preset) -> str:
    """The part of a folder's absolute path that a pattern may speak of, with a last slash."""
    if preset.parents == 0:
        return ""
    parts = os.path.abspath(folder).replace(os.sep, "/").split("/")
    return "/".join(parts if preset.parents < 0 else parts[-preset.parents :]) + "/"


_WORDS = (
    *("source", "batch", "plate", "well", "site", "channel", "depth", "time"),
    *("prefix", *_THIRD, "part", "wellnumber", "row", "col", "number"),
)
"""All that a pattern may say of a name."""


@dataclass
class _Matches:
    """What a preset matched: a row an image; the folders with a match; images in them without one."""

    frame: pd.DataFrame
    folders: frozenset[str]
    unmatched: tuple[int, str]


def planes(preset: Preset, files: Listing, asked: Asked, /) -> Found:
    """The planes of all images that a preset matches.

    Parameters
    ----------
    preset
        How the names are built.
    files
        The listing.
    asked
        What the user said; `plate_size` is used here.

    Returns
    -------
    Found
        The planes, with the images of the same folders that do not match counted.

    Raises
    ------
    InputError
        A well or an index beside the images cannot be read, or the plate is too small for its wells.

    """
    matches = _matched(preset, files)
    frame = matches.frame
    notes: list[str] = []
    problems: list[Problem] = []
    frame["well"] = _wells(frame, asked, files.root, notes)
    if preset.index == "columbus":
        frame["number"] = _columbus(frame, files.root, problems)
    if asked.order and preset.index != "ome" and not any((frame[word] != "").any() for word in ("channel", "number")):
        frame = stacks.in_order(frame, asked.order)
    frame["channel"], frame["number"] = _channels(frame, preset)
    identities: dict[str, str] = {}
    if preset.index == "harmony":
        identities = harmony.apply(frame)
    elif preset.index == "measurement":
        frame = measurement.apply(frame, notes)
    elif preset.index == "micromanager":
        frame = micromanager.apply(frame)
    elif preset.index == "ome":
        frame = ome_tiff.apply(frame, asked.order)
    frame["plate_id"] = recoded(frame["base"].array, identities)
    frame = frame.drop(columns=[*_THIRD, "part", "wellnumber", "row", "col"])
    stains = _stains(frame, preset)
    return Found(frame, tuple(notes), stains=stains, folders=matches.folders, unmatched=matches.unmatched, problems=tuple(problems))


def _channels(frame: pd.DataFrame, preset: Preset) -> tuple[pd.Categorical, pd.Categorical]:
    """Every channel as it is shown, and its number: its name, or its number in the vendor's form, or w1 where there is one channel only."""
    code, several = coded_rows(frame, ["channel", "number"])
    shown = {n: name or (preset.channel.format(int(number)) if number else "w1") for n, (name, number) in enumerate(several)}
    numbers = {n: number or (name if name.isdecimal() else "") for n, (name, number) in enumerate(several)}
    return recoded(code, shown), recoded(code, numbers)


def _stains(frame: pd.DataFrame, preset: Preset) -> dict[str, str]:
    """The stains that the data set itself fixes."""
    stains = {f"w{n}": stain for n, stain in enumerate(preset.stains, start=1)}
    # RxRx19a has five channels, and its fifth is not the mitochondria of the others.
    if "w6" not in set(frame["channel"].array.categories):
        stains.pop("w5", None)
    return stains


def _matched(preset: Preset, files: Listing) -> _Matches:
    """Every image of the listing against the pattern."""
    words = [word for word in _WORDS if word in preset.regex.groupindex]
    columns = {word: Coded() for word in ("folder", "base", *words)}
    adders = [(preset.regex.groupindex[word] - 1, columns[word].add) for word in words]
    add_folder, add_base, names = columns["folder"].add, columns["base"].add, Texts()
    folders: set[str] = set()
    missed: list[str] = []
    for folder in files.folders:
        above, bases, without = _above(folder.path, preset), _Bases(folder.path), []
        inside, copies = folder.images(), folder.copies()
        for name in inside:
            match = None if name in copies else preset.regex.fullmatch(above + name)
            if match is None:
                without.append(name)
                continue
            values = match.groups("")
            for place, add in adders:
                add(values[place])
            # How many folders the match has taken, so that what stands above it is the plate's folder.
            add_base(bases[above.count("/") - (values[0].count("/") + 1 if match.start(1) >= 0 else 0)])
            add_folder(folder.path)
            names.add(name)
        if len(without) < len(inside):
            folders.add(folder.path)
            missed += without
    frame = pd.DataFrame({word: column.column() for word, column in columns.items()})
    nothing = pd.Categorical.from_codes(np.zeros(len(frame), dtype=np.int8), [""])
    frame = frame.assign(**{word: nothing for word in _WORDS if word not in words})
    frame["name"] = names.column()
    return _Matches(frame, frozenset(folders), (len(missed), missed[0] if missed else ""))


class _Bases(dict[int, str]):
    """How many folders up -> the folder that is so many above one."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, levels: int) -> str:
        self[levels] = _up(self._folder, levels)
        return self[levels]


def _up(folder: str, levels: int) -> str:
    for _ in range(levels):
        parent = os.path.dirname(folder)
        folder = parent if parent and parent != folder else os.path.dirname(os.path.abspath(folder))
    return folder


def _wells(frame: pd.DataFrame, asked: Asked, where: str, notes: list[str]) -> pd.Categorical:
    """The wells, where a name gives one, or row and column, a number, or a place within a place."""
    words = ["well", "row", "col", "wellnumber", "part"]
    code, several = coded_rows(frame, words)
    numbers = [int(row[3]) for row in several if row[3]]
    columns = _columns(max(numbers), asked, where, notes) if numbers else 0
    return recoded(code, dict(enumerate(_well(*row, columns=columns, where=where) for row in several)))


def _columns(largest: int, asked: Asked, where: str, notes: list[str]) -> int:
    """How many columns a plate has whose wells are numbered by rows."""
    size = asked.plate_size or next(size for size in _PLATE_SIZES if size >= largest)
    if size not in _PLATE_SIZES or size < largest:
        raise InputError(f"{where}: --plate-size {size} does not fit; it has wells up to W{largest}, and a plate has 96, 384 or 1536 wells")
    if asked.plate_size is None and size < 1536:
        larger = next(other for other in _PLATE_SIZES if other > size)
        notes.append(
            f"its wells are numbered, W{largest} the last: read by rows on a plate of {size}; if it has more: --plate-size {larger}"
        )
    return _PLATE_SIZES[size]


def _well(well: str, row: str, col: str, number: str, part: str, *, columns: int, where: str) -> str:
    if number:
        return schema.format_well(*divmod(int(number) - 1, columns))
    if row:
        try:
            return schema.well_of(row, col)
        except InputError as error:
            raise InputError(f"{where}: {error}; correct --pattern") from None
    if part:
        return schema.well_within(well, part[0], int(part[1]))
    return schema.normal_well(well)


def _columbus(frame: pd.DataFrame, where: str, problems: list[Problem]) -> pd.Series:
    """The channel's number: the one of the last three numbers that varies; their order differs between builds."""
    vary = [word for word in _THIRD if len(set(frame[word])) > 1]
    if len(vary) > 1:
        ordinals = " and the ".join(f"{word} ({', '.join(sorted(set(frame[word].astype(object)))[:3])})" for word in vary)
        words = {vary[0]: r"(?P<channel>\d{3})", vary[1]: r"(?P<depth>\d{3})"}
        pattern = r"(?P<row>\d{3})(?P<col>\d{3})-{site}-" + "".join(words.get(word, r"\d{3}") for word in _THIRD) + ".tiff?"
        problems.append(
            Problem(
                f"{where}: of the last three numbers of its names the {ordinals} vary, and one of them is the channel; say which, as in "
                f"--pattern '{pattern}'",
                ("--pattern", pattern),
            )
        )
    return frame[vary[0] if vary else _THIRD[0]]


def readers() -> tuple[Reader, ...]:
    """The readers of names.

    Returns
    -------
    tuple[Reader, ...]
        One a preset, in the order of the presets.

    """
    return tuple(Reader(p.name, p.example, partial(fits, p), partial(planes, p)) for p in presets())
