"""Folders, sheets and stores of images -> one table of planes, its stains named, its places kept apart, its problems listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import remote, schema
from impasto.plates import axes, files, places, planes, plate_names, probe, readers, remote_files, stains, unused
from impasto.plates.listing import Listing
from impasto.plates.problems import Problem
from impasto.plates.reader import Asked


@dataclass(frozen=True)
class Choices:
    """What the user chose of the images (options of `impasto ingest`).

    Attributes
    ----------
    channel
        Name as written -> stain.
    skip_channel
        Names as written that are left out.
    depth, time
        The plane in depth and the time point; None: nothing was chosen.
    plate_from
        What plates are named by (`plate_names.PLATE_FROM`); `""`: as their folders and indexes say.

    """

    channel: Mapping[str, str] = field(default_factory=dict)
    skip_channel: Sequence[str] = ()
    depth: str | None = None
    time: str | None = None
    plate_from: str = ""


@dataclass(frozen=True)
class Source:
    """What one reader made of one source.

    Attributes
    ----------
    path
        The source.
    reader
        Its name.
    planes
        How many it gave.
    unmatched, first_unmatched
        How many images in its folders have other names, and the first of them.

    """

    path: str
    reader: str
    planes: int
    unmatched: int
    first_unmatched: str


@dataclass(frozen=True)
class Images:
    """All planes, with what was inferred and what stands in the way.

    Attributes
    ----------
    planes
        `planes.table`, sorted by place.
    beside
        Annotation that lay beside the images of a source: (source, table).
    sources, looks, missing
        For the summary: what each source is, what a few planes of each plate are, how many files are not there.
    notes, problems
        Sentences to show; what must be solved first.

    """

    planes: pd.DataFrame
    beside: tuple[tuple[Path, pd.DataFrame], ...]
    sources: tuple[Source, ...]
    looks: Mapping[str, probe.Look]
    missing: int
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]

    def wells(self) -> pd.DataFrame:
        """The wells of all planes.

        Returns
        -------
        pandas.DataFrame
            One row a well: plate, well, and source and batch where they are known, as text; missing where it is blank.

        """
        known = [word for word in (schema.SOURCE, schema.BATCH) if (self.planes[word] != "").any()]
        unique = self.planes[[*known, schema.PLATE, schema.WELL]].drop_duplicates(ignore_index=True)
        return unique.astype("string").replace("", pd.NA)

    def told_sources(self) -> list[dict[str, object]]:
        """What each reader made of each source, for the summary.

        Returns
        -------
        list[dict[str, object]]
            The fields of each `Source`.

        """
        return [
            {"path": s.path, "reader": s.reader, "planes": s.planes, "unmatched": s.unmatched, "first_unmatched": s.first_unmatched}
            for s in self.sources
        ]


def read(sources: Sequence[Path], asked: Asked, choices: Choices, /, *, plates: Sequence[str] = ()) -> Images:
    """Read what lies at the sources.

    Parameters
    ----------
    sources
        Folders, sheets, stores.
    asked, choices
        What the user said.
    plates
        Plates as the user's tables of annotation spell them.

    Returns
    -------
    Images
        All planes. Problems are listed, not raised, so that a dry run shows all of them.

    Raises
    ------
    InputError
        Nothing can be read at all.

    """
    known = [remote.url(path) or path for path in sources]
    return of_listings([(source, files.listing(source)) for source in known], asked, choices, plates=plates)


def of_listings(listings: Sequence[tuple[Path | str, Listing]], asked: Asked, choices: Choices, /, *, plates: Sequence[str] = ()) -> Images:
    """Read sources that have been listed.

    Parameters
    ----------
    listings
        Source and what lies there.
    asked, choices
        What the user said.
    plates
        Plates as the user's tables of annotation spell them.

    Returns
    -------
    Images
        As `read` gives them.

    """
    parts: list[pd.DataFrame] = []
    kinds: list[Source] = []
    beside: list[tuple[Path, pd.DataFrame]] = []
    notes: list[str] = []
    problems: list[Problem] = []
    fixed: dict[str, str] = {}
    seen = unused.Seen()
    for source, listing in listings:
        by_reader, rest = readers.read(listing, asked)
        notes += _left(source, rest) + _aside(source, listing)
        while by_reader:
            # Taken out, so that the planes are held once.
            name, part = by_reader.pop(0)
            rows = planes.table(part.planes, where=str(source))
            count = len(rows)
            seen.add(name, rows)
            rows, unread, refused = places.unread_kinds(rows, str(source))
            lacking, closed = places.without_library(rows, str(source))
            rows, chosen, unchosen = axes.chosen(rows, depth=choices.depth, time=choices.time, where=str(source))
            kinds.append(Source(str(source), name, count, *part.unmatched))
            notes += [_counted(kinds[-1]), *part.notes, *unread, *lacking, *chosen]
            problems += [*part.problems, *refused, *closed, *unchosen]
            fixed |= part.stains
            parts.append(rows)
            if not part.annotation.empty:
                beside.append((Path(source), part.annotation))
            del part, rows
    whole = planes.joined(parts)
    first, *others = (str(source) for source, _ in listings)
    where = ", ".join([first, *others]) if len(others) < 3 else f"{first} and {len(others)} more"
    problems += unused.refused(asked, depth=choices.depth, time=choices.time, seen=seen, where=where)
    whole, more = plate_names.named(whole, plate_from=choices.plate_from)
    notes += more
    whole, more = plate_names.spelled_as(whole, plates)
    notes += more
    whole, more = plate_names.batches(whole)
    notes += more
    whole, more, unnamed = stains.named(whole, channel=choices.channel, skip=choices.skip_channel, fixed=fixed, where=where)
    notes += more
    whole = planes.sorted_by_place(whole)
    problems += [*unnamed, *(places.shared(whole, where) or places.doubled(whole, where) if not problems and not unnamed else [])]
    missing, more, absent = places.missing(whole, where)
    notes += remote_files.told(whole)
    whole, looks, looked, unread_pages = probe.look(whole, where)
    notes += [*more, *looked]
    # What w1 is cannot be said before it is known how many channels a file holds.
    problems = [*unread_pages, *problems, *absent]
    return Images(whole, tuple(beside), tuple(kinds), looks, missing, tuple(notes), tuple(problems))


def told_plates(table: pd.DataFrame, looks: Mapping[str, probe.Look], /) -> list[dict[str, object]]:
    """The plates of all planes, for the summary.

    Parameters
    ----------
    table
        All planes, sorted by place.
    looks
        Plate -> what a few of its planes are.

    Returns
    -------
    list[dict[str, object]]
        One a plate: its place, wells, sites, channels, how many planes are missing, and what a few of them are.

    """
    code = planes.places(table, (schema.SOURCE, schema.BATCH, schema.PLATE))
    starts = np.flatnonzero(np.r_[True, np.diff(code) != 0]) if len(code) else np.zeros(0, dtype=int)
    rows: list[dict[str, object]] = []
    for start, end in zip(starts, [*starts[1:], len(code)], strict=True):
        plate = table.iloc[start:end]
        keys = {word: str(plate[word].iloc[0]) for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if plate[word].iloc[0]}
        name = "/".join(keys.values())
        sites = len(np.unique(planes.places(plate, (schema.WELL, schema.SITE))))
        channels = sorted(map(str, plate[schema.CHANNEL].unique()))
        look = looks.get(name, probe.Look())
        row = {"name": name, **keys, "wells": plate[schema.WELL].nunique(), "sites": sites, "channels": channels}
        rows.append({**row, "missing": sites * len(channels) - len(plate), "type": look.types, "size": look.sizes, "offset": look.offset})
    return rows


def _counted(source: Source) -> str:
    sentence = f"{source.path}: {source.reader}, {source.planes} planes"
    if source.unmatched:
        sentence += f"; {source.unmatched} images in its folders have other names (first: {source.first_unmatched})"
    return sentence


def _left(source: Path | str, rest: Listing) -> list[str]:
    """Images in folders of which no reader knows a name."""
    if not rest.images:
        return []
    first = next(f"{folder.path}/{name}" for folder in rest.folders for name in folder.images())
    return [f"{source}: {rest.images} images in other folders have names that are not known (first: {first})"]


def _aside(source: Path | str, listing: Listing) -> list[str]:
    """Images in folders of previews or masks."""
    images = [f"{folder.path}/{name}" for folder in listing.aside for name in folder.images()]
    if not images:
        return []
    return [f"{source}: {len(images)} images in folders of previews or masks are left out (first: {images[0]})"]
