"""Which plates of a data set are wanted: one row of words a plate, which fill in the addresses of its files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from impasto import border, remote, schema, texts
from impasto.datasets.registry import DataSet, Plates
from impasto.schema import InputError, nearest
from impasto.settings import Settings, Shown

if TYPE_CHECKING:
    import pandas as pd

Words = dict[str, str]
"""What fills in the addresses of one plate: plate, source, batch, map..."""
PLATE_TYPE, MAP, ALL = "plate_type", "map", "all"
_SHOWN = 5


class Wish(Settings):
    """The part of a data set that is wanted."""

    plates: Annotated[list[str], Shown(separator=",", metavar="P1,P2")] = Field(
        default_factory=list, description="Of a data set: plates, as PLATE or BATCH/PLATE, with commas; all for all of them."
    )
    wells: Annotated[list[str], Shown(separator=",", metavar="A01,B02")] = Field(
        default_factory=list, description="Of a data set: the images of these wells only, with commas."
    )
    sources: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="Of a data set: plates of these laboratories, as source_4, with commas."
    )
    plate_types: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="Of a data set: plates of these types, as TARGET2, with commas."
    )
    parts: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="Of a data set: which of its parts, with commas; see --list."
    )


def chosen(name: str, entry: DataSet, wish: Wish, /) -> list[Words]:
    """The plates that are wanted.

    Parameters
    ----------
    name
        Of the data set.
    entry
        The data set.
    wish
        What the user said.

    Returns
    -------
    list[Words]
        A row a plate (of sets that name sites, a row a site).

    Raises
    ------
    InputError
        No plate was said, or one is not there; a name fits several; a filter that this set does not have.

    """
    if entry.plates is None:
        if wish.plates or wish.sources or wish.plate_types or wish.wells:
            raise InputError(f"{name} comes whole, not by plate; leave out --plates, --wells, --sources and --plate-types")
        return []
    if not (wish.plates or wish.sources or wish.plate_types):
        raise InputError(f"say which plates of {name}: --plates P1,P2 (or all){_filters(entry.plates)}; {_some(rows_of(entry.plates))}")
    rows = rows_of(entry.plates)
    for word, wanted, option in (
        (schema.SOURCE, wish.sources, "--sources"),
        (PLATE_TYPE, wish.plate_types, "--plate-types"),
    ):
        if wanted:
            rows = _filtered(name, rows, word, wanted, option)
    if wish.plates and wish.plates != [ALL]:
        rows = [row for plate in wish.plates for row in _named(name, rows, plate)]
    if not rows:
        raise InputError(f"no plate of {name} is all of this; leave out one of --plates, --sources and --plate-types")
    return rows


def rows_of(plates: Plates, /) -> list[Words]:
    """All plates of a data set.

    Parameters
    ----------
    plates
        What the registry says of them.

    Returns
    -------
    list[Words]
        A row a plate, or a row a site.

    Raises
    ------
    InputError
        The table lacks a column, or a row leaves one blank.

    """
    if plates.named:
        return [{**plates.always, schema.PLATE: plate} for plate in plates.named]
    path = remote.local(plates.table)
    if plates.lines:
        with border.reading(path, "list of plates"):
            matches = re.finditer(plates.lines, texts.read(path))
            return [{**plates.always, schema.PLATE: plate} for plate in dict.fromkeys(match["plate"] for match in matches)]
    frame = table(path)
    refuse_lacking(frame, plates.columns.values(), path)
    picked = frame[list(plates.columns.values())].astype(str).drop_duplicates()
    picked.columns = list(plates.columns)
    return [{**plates.always, **{str(word): str(value) for word, value in row.items()}} for row in picked.to_dict("records")]


def refuse_lacking(frame: pd.DataFrame, columns: Iterable[str], path: Path, /) -> None:
    """Refuse a table that lacks a column.

    Parameters
    ----------
    frame
        The table.
    columns
        What it must have.
    path
        Where it was read.

    Raises
    ------
    InputError
        A column is not there.

    """
    lacking = [column for column in columns if column not in frame]
    if lacking:
        raise InputError(f"{path} has no column {', '.join(lacking)} (it has {schema.listed(frame.columns)}); this is another table")


def table(path: Path, /) -> pd.DataFrame:
    """A table, or the one table in a zip.

    Parameters
    ----------
    path
        On this machine.

    Returns
    -------
    pandas.DataFrame
        A row a line.

    Raises
    ------
    InputError
        It cannot be read, or the zip holds no table.

    """
    from impasto import runs, tables

    if path.suffix.lower() != ".zip":
        return tables.read(path)[0]
    with runs.scratch() as folder:
        return tables.read(unzipped(path, folder))[0]


def unzipped(path: Path, folder: Path, /) -> Path:
    """The one table of a zip, written into a folder.

    Parameters
    ----------
    path
        The zip.
    folder
        Where its table goes, under its own name.

    Returns
    -------
    Path
        Of the table.

    Raises
    ------
    InputError
        The zip is cut short, or holds no CSV or several.

    """
    with border.reading(path, "zip"), zipfile.ZipFile(path) as archive:
        members = [m for m in archive.namelist() if m.lower().endswith(".csv") and "__MACOSX" not in m]
        if len(members) != 1:
            raise InputError(f"{path} holds {len(members)} CSV tables, not one; this is another file")
        target = folder / members[0].rpartition("/")[2]
        with archive.open(members[0]) as source, target.open("wb") as written:
            while piece := source.read(2**20):
                written.write(piece)
    return target


def title(row: Words, /) -> str:
    """How a plate is called.

    Parameters
    ----------
    row
        Its words.

    Returns
    -------
    str
        `BATCH/PLATE`, or the plate alone where no batch is known.

    """
    return "/".join(filter(None, (row.get(schema.BATCH), row[schema.PLATE])))


def _filtered(name: str, rows: list[Words], word: str, wanted: list[str], option: str) -> list[Words]:
    there = sorted({row[word] for row in rows if row.get(word)})
    if not there:
        raise InputError(f"{option} is not for {name}: its plates do not say it; leave it out")
    for value in wanted:
        if value not in there:
            raise InputError(f"{option} {value!r} is none of {name}{nearest(value, there)}; there are {schema.listed(there)}")
    return [row for row in rows if row.get(word) in wanted]


def _named(name: str, rows: list[Words], plate: str) -> list[Words]:
    """The rows of one plate. Raises InputError where it is not there, or the name is that of several."""
    matches = [row for row in rows if plate in (row[schema.PLATE], title(row))]
    if not matches:
        names = [*dict.fromkeys(title(row) for row in rows), *(row[schema.PLATE] for row in rows)]
        raise InputError(f"{name} has no plate {plate!r}{nearest(plate, names)}; {_some(rows)}")
    titles = list(dict.fromkeys((row.get(schema.SOURCE, ""), title(row)) for row in matches))
    if len(titles) > 1:
        raise InputError(
            f"{len(titles)} plates of {name} are called {plate!r}; write BATCH/PLATE, such as {titles[0][1]}, or add --sources"
        )
    return matches


def _some(rows: list[Words]) -> str:
    titles = list(dict.fromkeys(title(row) for row in rows))
    more = ", ..." if len(titles) > _SHOWN else ""
    return f"it has {len(titles)}: {', '.join(titles[:_SHOWN])}{more}"


def _filters(plates: Plates) -> str:
    words = {schema.SOURCE: "--sources", PLATE_TYPE: "--plate-types"}
    options = [option for word, option in words.items() if word in plates.columns]
    return f", {' or '.join(options)}" if options else ""
