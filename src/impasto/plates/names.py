"""Folders whose images say by their names what they are: a listing and a preset -> planes."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from impasto import schema
from impasto.plates import harmony, measurement, ome_tiff
from impasto.plates.columns import Coded, Texts, coded_rows, recoded, text
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
    """How many of a listing's images a preset matches; in folders of more than 512 told from 512 of them."""
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


@dataclass
class _Matches:
    """The rows of a preset's matches while they are gathered."""

    words: dict[str, Coded] = field(default_factory=dict)
    names: Texts = field(default_factory=Texts)
    folders: set[str] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)
    first_missed: str = ""


_COLUMNS = ("folder", "base", "prefix", *_THIRD, "part", "wellnumber", "row", "col", "number")
_WORDS = ("source", "batch", "plate", "well", "site", "channel", "depth", "time")


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
    The planes, with the images of the same folders that do not match counted. Raises InputError.

    """
    matches = _matched(preset, files)
    frame = pd.DataFrame({word: column.column() for word, column in matches.words.items()})
    frame["name"] = matches.names.column()
    notes: list[str] = []
    problems: list[Problem] = []
    frame["well"] = _wells(frame, asked, files.root, notes)
    if preset.index == "columbus":
        frame["number"] = _columbus(frame, files.root, problems)
    frame["number"] = [n or (c if c.isdecimal() else "") for n, c in zip(text(frame["number"]), text(frame["channel"]), strict=True)]
    frame["channel"] = _channels(frame, preset)
    identities: dict[str, str] = {}
    if preset.index == "harmony":
        identities = harmony.apply(frame)
    elif preset.index == "measurement":
        frame = measurement.apply(frame, notes)
    elif preset.index == "ome":
        frame = ome_tiff.apply(frame, asked.order)
    frame["plate_id"] = recoded(frame["base"].array, identities)
    frame = frame.drop(columns=[*_THIRD, "part", "wellnumber", "row", "col"])
    counted = (sum(matches.missed.values()), matches.first_missed)
    return Found(
        frame, tuple(notes), stains=_stains(frame, preset), folders=frozenset(matches.folders), unmatched=counted, problems=tuple(problems)
    )


def _channels(frame: pd.DataFrame, preset: Preset) -> pd.Categorical:
    """Every channel as it is shown: its name, or its number in the vendor's form, or w1 where there is one channel only."""
    code, several = coded_rows(frame, ["channel", "number"])
    shown = {n: name or (preset.channel.format(int(number)) if number else "w1") for n, (name, number) in enumerate(several)}
    return recoded(code, shown)


def _stains(frame: pd.DataFrame, preset: Preset) -> dict[str, str]:
    """The stains that the data set itself fixes."""
    stains = {f"w{n}": stain for n, stain in enumerate(preset.stains, start=1)}
    # RxRx19a has five channels, and its fifth is not the mitochondria of the others.
    if "w6" not in set(frame["channel"].array.categories):
        stains.pop("w5", None)
    return stains


def _matched(preset: Preset, files: Listing) -> _Matches:
    """Every image of the listing against the pattern."""
    groups = preset.regex.groupindex
    matches = _Matches(words={word: Coded() for word in (*_WORDS, *_COLUMNS)})
    adders = {word: matches.words[word].add for word in matches.words if word not in ("folder", "base")}
    places = {word: groups.get(word, 0) for word in adders}
    match = preset.regex.fullmatch
    for folder in files.folders:
        above = _above(folder.path, preset)
        missed = []
        bases: dict[int, str] = {}
        for name in folder.images():
            found = match(above + name)
            if found is None:
                missed.append(name)
                continue
            values = found.groups("")
            for word, add in adders.items():
                place = places[word]
                add(values[place - 1] if place else "")
            # How many folders the match has taken, so that what stands above it is the plate's folder.
            taken = above.count("/") - (values[0].count("/") + 1 if found.group(1) is not None else 0)
            if taken not in bases:
                bases[taken] = _up(folder.path, taken)
            matches.words["folder"].add(folder.path)
            matches.words["base"].add(bases[taken])
            matches.names.add(name)
            matches.folders.add(folder.path)
        if missed and folder.path in matches.folders:
            matches.missed[folder.path] = len(missed)
            matches.first_missed = matches.first_missed or missed[0]
    return matches


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
    """One reader a preset."""
    return tuple(Reader(p.name, p.example, partial(fits, p), partial(planes, p)) for p in presets())
