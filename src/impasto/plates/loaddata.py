"""CellProfiler's tables of images (LoadData, and the Image table it exports), as CSV or Parquet: one row a site, columns a channel.

`FileName_Orig<Channel>` with `PathName_Orig<Channel>`, or `URL_Orig<Channel>`, maybe after `Image_`; `Metadata_*` say where the site is.
Illumination functions (`FileName_Illum<Channel>`) are kept with their channel; `impasto profile --illumination files` divides by them.

The Cell Painting Gallery keeps one a plate, `<source>/workspace/load_data_csv/<batch>/<plate>/load_data*.csv`. A folder of them is read as
one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from impasto import gallery, remote, schema
from impasto.plates import files, tabular
from impasto.plates.listing import Listing
from impasto.plates.planes import FOLDER, joined
from impasto.plates.planes import table as planes_table
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_COLUMN = re.compile(r"^(?:Image_)?(?P<kind>FileName|PathName|URL|Frame)_(?:Orig)?(?P<channel>.+)$")
_METADATA = re.compile(r"^(Image_)?Metadata_")
_FILE = re.compile(r"^load_data(?P<illumination>_with_illum)?[.](?P<kind>parquet|csv)([.]gz)?$", re.IGNORECASE)
_PLACE = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)


@dataclass(frozen=True)
class Columns:
    """The columns of one channel; `""` where there is none.

    Attributes
    ----------
    file, folder
        For its file's name, and the folder of the file.
    url
        For its URL.
    page
        For its page.

    """

    file: str = ""
    folder: str = ""
    url: str = ""
    page: str = ""


def fits(listing: Listing, /) -> int:
    """How many images the LoadData tables of a listing name.

    Parameters
    ----------
    listing
        What lies at a source.

    Returns
    -------
    int
        Rows times channels, of all tables.

    """
    return sum(
        tabular.count(path) * len(channels_of(columns)) for path in tables_of(listing) if is_loaddata(columns := tabular.columns(path))
    )


def is_loaddata(columns: Iterable[str], /) -> bool:
    """Whether a table is a LoadData table.

    Parameters
    ----------
    columns
        Names of its columns.

    Returns
    -------
    bool
        True where one of them is for a file's name or URL.

    """
    return any((m := _COLUMN.match(c)) and m["kind"] in ("FileName", "URL") for c in columns)


def tables_of(listing: Listing, /) -> list[str]:
    """The LoadData tables of a source.

    Parameters
    ----------
    listing
        What lies at the source.

    Returns
    -------
    list[str]
        The source itself where it is a file; else the best `load_data` table of every folder. One with illumination goes before one
        without, then Parquet before CSV.

    """
    if listing.is_file:
        return [listing.root]
    paths = []
    for folder in listing.folders:
        tables = [match for name in folder.names.to_pylist() if (match := _FILE.match(name))]
        tables.sort(key=lambda match: (match["illumination"] is None, match["kind"].lower() != "parquet", match[0]))
        paths += [f"{folder.path}/{tables[0][0]}"] if tables else []
    return paths


def planes(listing: Listing, asked: Asked, /) -> Found:
    """The planes of all LoadData tables of a listing.

    Parameters
    ----------
    listing
        What lies at a source.
    asked
        What the user said; `root` is used here.

    Returns
    -------
    Found
        A row a plane, and what other columns of metadata say about wells.

    Raises
    ------
    InputError
        Where no column says the plate or the well, a row leaves one blank, or illumination functions belong to no channel. Also where
        a page is no number, or no table has a row.

    """
    frames, annotation, notes = [], [], []
    for path in tables_of(listing):
        columns = tabular.columns(path)
        if is_loaddata(columns):
            table = _Table(path, asked, columns)
            for part in tabular.parts(path):
                frames.append(table.planes(part))
                annotation.append(table.about_wells(part))
            notes += table.notes()
    if not frames:
        raise InputError(f"{listing.root} names no image; its table has no rows")
    whole = joined(frames)
    taken = None
    if not listing.is_file:
        # The images that the tables name are not read a second time by their names.
        named = {str(folder) for folder in whole[FOLDER].array.categories} | {path.rpartition("/")[0] for path in tables_of(listing)}
        taken = frozenset(folder.path for folder in listing.folders if folder.path in named)
    about_wells = pd.concat(annotation, ignore_index=True)
    return Found(whole, tuple(notes), annotation=about_wells.drop_duplicates(ignore_index=True), folders=taken)


class _Table:
    """One table, of which parts come one after the other."""

    def __init__(self, path: str, asked: Asked, columns: Sequence[str]) -> None:
        self._path, self._asked, self._columns = path, asked, tuple(columns)
        self._channels = channels_of(columns)
        functions = channels_of(columns, illumination=True)
        strays = sorted(set(functions) - set(self._channels))
        if strays:
            has = ", ".join(self._channels)
            raise InputError(f"{path}: illumination functions of {', '.join(strays)} belong to no channel; it has {has}")
        self._functions = functions
        self._words = words_of(columns)
        self._rows = self._lacking = 0
        self._sites: dict[tuple[str, ...], int] = {}
        """Place of a well -> how many of its rows have come, where no column says the site."""

    def planes(self, part: pd.DataFrame) -> pd.DataFrame:
        """The planes of the next rows."""
        hidden = [column for column in self._columns if column not in part]
        if hidden:
            raise InputError(f"{self._path}: the column {hidden[0]!r} stands in its schema and cannot be read; write the table again")
        first = self._rows + 2
        self._rows += len(part)
        places = _places(part, self._path, self._words, first)
        if schema.SITE not in places:
            places[schema.SITE] = self._numbered(places)
        channels = []
        for name, columns in self._channels.items():
            paths = _paths(part, columns, self._path, self._asked)
            named = paths != ""
            self._lacking += int((~named).sum())
            rows = places[named].assign(path=paths[named], channel=name, page=_pages(part, columns, self._path, first)[named])
            if name in self._functions:
                rows["illumination"] = _paths(part, self._functions[name], self._path, self._asked)[named]
            channels.append(rows)
        # Row by row, as the table has it.
        return planes_table(pd.concat(channels).sort_index(kind="stable").reset_index(drop=True), where=self._path)

    def _numbered(self, places: pd.DataFrame) -> list[str]:
        """The rows of each well, numbered in their order."""
        numbers = []
        for place in places.itertuples(index=False, name=None):
            self._sites[place] = self._sites.get(place, 0) + 1
            numbers.append(str(self._sites[place]))
        return numbers

    def about_wells(self, part: pd.DataFrame) -> pd.DataFrame:
        """What the rows say about wells beside where they are: their other `Metadata_` columns."""
        said = set(self._words.values())
        other = {column: _METADATA.sub("", column) for column in map(str, part.columns) if _METADATA.match(column) and column not in said}
        other = {column: name for column, name in other.items() if name.lower() not in _PLACE}
        if not other:
            return pd.DataFrame()
        about = _places(part, self._path, self._words, 0).drop(columns=schema.SITE, errors="ignore")
        about = about.join(part[list(other)].rename(columns=other).replace("", pd.NA))
        return about.loc[:, ~about.columns.duplicated()].drop_duplicates(ignore_index=True)

    def notes(self) -> list[str]:
        """Sentences to show, once all parts have come."""
        notes = []
        if any(count > 1 for count in self._sites.values()):
            notes.append(f"{self._path}: no column says the site; the rows of each well are numbered in their order")
        if self._lacking:
            notes.append(f"{self._path}: {self._lacking} images are not named; their sites lack a channel")
        if self._functions:
            stains = ", ".join(self._functions)
            notes.append(f"{self._path}: illumination functions of {stains} are applied by impasto profile --illumination files only")
        return notes


def channels_of(table: Iterable[str], /, *, illumination: bool = False) -> dict[str, Columns]:
    """The channels of a table and their columns.

    Parameters
    ----------
    table
        Names of its columns.
    illumination
        Whether the columns of illumination functions are asked for, and not those of images.

    Returns
    -------
    dict[str, Columns]
        Channel -> its columns, in order of appearance.

    """
    words = {"FileName": "file", "PathName": "folder", "URL": "url", "Frame": "page"}
    channels: dict[str, dict[str, str]] = {}
    for column in table:
        match = _COLUMN.match(column)
        if match and match["channel"].startswith("Illum") == illumination:
            channels.setdefault(match["channel"].removeprefix("Illum"), {}).setdefault(words[match["kind"]], column)
    return {name: Columns(**columns) for name, columns in channels.items() if {"file", "url"} & set(columns)}


def _paths(table: pd.DataFrame, columns: Columns, where: str, asked: Asked) -> pd.Series:
    """Where each row's image is, `""` where none is named. The file's name wins where its folder is here, or where there is no URL."""
    count = len(table)
    names, folders, urls = (
        [str(value).strip() for value in table[column]] if column else [""] * count
        for column in (columns.file, columns.folder, columns.url)
    )
    chosen = []
    for name, folder, url in zip(names, folders, urls, strict=True):
        path = files.written(name, folder=folder, beside=where, root=asked.root) if name else ""
        if url and not (path and _is_here(path.rpartition("/")[0])):
            path = files.written(url, beside=where, root=asked.root)
        chosen.append(path)
    return pd.Series(chosen, index=table.index, dtype=object)


@lru_cache(maxsize=4096)
def _is_here(folder: str) -> bool:
    return remote.url(folder) is not None or os.path.isdir(folder or ".")


def _pages(table: pd.DataFrame, columns: Columns, where: str, first: int) -> pd.Series:
    """The page of each row's image, from 0; 0 where none is named."""
    if not columns.page:
        return pd.Series(0, index=table.index)
    numbers = pd.to_numeric(table[columns.page].replace("", "0"), errors="coerce")
    bad = numbers.isna() | (numbers < 0) | (numbers % 1 != 0)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(f"{where}: row {row + first} has {columns.page} {table[columns.page].iloc[row]!r}; pages are numbers from 0")
    return numbers.astype(int)


def _places(table: pd.DataFrame, where: str, columns: Mapping[str, str], first: int) -> pd.DataFrame:
    """Source, batch, plate, well and, where a column says it, site of every row, as text; `first` is the number of the first row."""
    of_folder = gallery.of_load_data(where.rpartition("/")[0])
    places = pd.DataFrame(index=table.index)
    for word in _PLACE:
        if word in columns:
            places[word] = table[columns[word]].str.strip()
        elif word in of_folder:
            places[word] = of_folder[word]
    for word in (schema.PLATE, schema.WELL):
        if word not in places:
            raise InputError(f"{where}: no column says the {word}; add Metadata_{word.capitalize()}")
        blank = places[word] == ""
        if blank.any():
            raise InputError(
                f"{where}: row {int(blank.to_numpy().argmax()) + first} leaves its {word} blank ({columns[word]}); fill it or drop the row"
            )
    return places


def words_of(table: Iterable[str], /) -> dict[str, str]:
    """The columns that say where a site is.

    Parameters
    ----------
    table
        Names of the table's columns.

    Returns
    -------
    dict[str, str]
        Source, batch, plate, well or site -> its column, as `Image_Metadata_Plate` or `Image_Metadata_Plate_DAPI`.

    """
    columns = list(table)
    channels = "|".join(re.escape(name.lower()) for name in channels_of(columns)) or "$^"
    bare = {c: _METADATA.sub("", c).lower() for c in columns}
    plain = {column: re.sub(rf"_(?:orig)?({channels})$", "", word) for column, word in bare.items() if _METADATA.match(column)}
    column_of: dict[str, str] = {}
    for word in _PLACE:
        matches = [c for names in (bare, plain) for spelling in schema.ALIASES[word] for c, name in names.items() if name == spelling]
        # A column of the image's own metadata, before one of the same name that is not.
        matches.sort(key=lambda column: _METADATA.match(column) is None)
        if matches:
            column_of[word] = matches[0]
    return column_of


READER = Reader("LoadData", "load_data.csv", fits, planes)
