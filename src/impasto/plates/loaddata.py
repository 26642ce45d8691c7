"""CellProfiler's tables of images (LoadData, and the Image table it exports), as CSV or Parquet: one row a site, columns a channel.

`FileName_Orig<Channel>` with `PathName_Orig<Channel>`, or `URL_Orig<Channel>`, maybe after `Image_`; `Metadata_*` say where the site is.
Illumination functions (`FileName_Illum<Channel>`) are kept with their channel; `impasto profile --illumination files` divides by them.

The Cell Painting Gallery keeps one a plate, `<source>/workspace/load_data_csv/<batch>/<plate>/load_data*.csv`. A folder of them is read as
one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import pandas as pd

from impasto import gallery, remote, schema
from impasto.plates import files, tabular
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_COLUMN = re.compile(r"^(?:Image_)?(?P<kind>FileName|PathName|URL|Frame)_(?:Orig)?(?P<channel>.+)$")
_METADATA = re.compile(r"^(Image_)?Metadata_")
_FILE = re.compile(r"^load_data(?P<illumination>_with_illum)?[.](?P<kind>parquet|csv)([.]gz)?$", re.IGNORECASE)
_PLACE = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)


@dataclass(frozen=True)
class Columns:
    """The columns of one channel: its file's name with the folder, its URL, its page; `""` where there is none."""

    file: str = ""
    folder: str = ""
    url: str = ""
    page: str = ""


def fits(listing: Listing, /) -> int:
    """How many images the LoadData tables of a listing name."""
    return sum(
        len(table) * len(channels_of(table))
        for path in tables_of(listing)
        if (table := tabular.at(path)) is not None and is_loaddata(table)
    )


def is_loaddata(table: pd.DataFrame, /) -> bool:
    """Whether a table is a LoadData table."""
    return any((m := _COLUMN.match(str(c))) and m["kind"] in ("FileName", "URL") for c in table.columns)


def tables_of(listing: Listing, /) -> list[str]:
    """The paths of the tables: the source itself, or the best `load_data` table of every folder (with illumination, then Parquet)."""
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

    Raises
    ------
    InputError
        Where no column says the plate or the well, a row leaves one blank, or illumination functions belong to no channel.

    """
    frames, annotation, notes = [], [], []
    for path in tables_of(listing):
        table = tabular.at(path)
        if table is None or not is_loaddata(table):
            continue
        frame, about_wells, said = _of_table(table, path, asked)
        frames.append(frame)
        annotation.append(about_wells)
        notes += said
    whole = pd.concat(frames, ignore_index=True)
    taken = None
    if not listing.is_file:
        # The images that the tables name are not read a second time by their names.
        named = {path.rpartition("/")[0] for path in whole["path"]} | {path.rpartition("/")[0] for path in tables_of(listing)}
        taken = frozenset(folder.path for folder in listing.folders if folder.path in named)
    return Found(whole, tuple(notes), annotation=pd.concat(annotation, ignore_index=True), folders=taken)


def _of_table(table: pd.DataFrame, path: str, asked: Asked) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The planes of one table, what it says about wells, and sentences."""
    channels = channels_of(table)
    functions = {name: column for name, column in channels_of(table, illumination=True).items() if name in channels}
    strays = sorted(set(channels_of(table, illumination=True)) - set(channels))
    if strays:
        raise InputError(f"{path}: illumination functions of {', '.join(strays)} belong to no channel; it has {', '.join(channels)}")
    notes: list[str] = []
    places = _places(table, path, notes)
    parts, lacking = [], 0
    for name, columns in channels.items():
        paths = _paths(table, columns, path, asked)
        named = paths != ""
        lacking += int((~named).sum())
        part = places[named].assign(path=paths[named], channel=name, page=_pages(table, columns, path)[named])
        if name in functions:
            part["illumination"] = _paths(table, functions[name], path, asked)[named]
        parts.append(part)
    if lacking:
        notes.append(f"{path}: {lacking} images are not named; their sites lack a channel")
    if functions:
        notes.append(f"{path}: illumination functions of {', '.join(functions)} are applied by impasto profile --illumination files only")
    # Row by row, as the table has it.
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True), _annotation(table, places), notes


def channels_of(table: pd.DataFrame, /, *, illumination: bool = False) -> dict[str, Columns]:
    """The channels of a table (or those of its illumination functions) and their columns."""
    words = {"FileName": "file", "PathName": "folder", "URL": "url", "Frame": "page"}
    channels: dict[str, dict[str, str]] = {}
    for column in map(str, table.columns):
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


def _is_here(folder: str) -> bool:
    return remote.url(folder) is not None or os.path.isdir(folder or ".")


def _pages(table: pd.DataFrame, columns: Columns, where: str) -> pd.Series:
    """The page of each row's image, from 0; 0 where none is named."""
    if not columns.page:
        return pd.Series(0, index=table.index)
    numbers = pd.to_numeric(table[columns.page].replace("", "0"), errors="coerce")
    bad = numbers.isna() | (numbers < 0) | (numbers % 1 != 0)
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(f"{where}: row {row + 2} has {columns.page} {table[columns.page].iloc[row]!r}; pages are numbers from 0")
    return numbers.astype(int)


def _places(table: pd.DataFrame, where: str, notes: list[str]) -> pd.DataFrame:
    """Source, batch, plate, well and site of every row, as text."""
    of_folder = gallery.of_load_data(where.rpartition("/")[0])
    columns = words_of(table)
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
                f"{where}: row {int(blank.to_numpy().argmax()) + 2} leaves its {word} blank ({columns[word]}); fill it or drop the row"
            )
    if schema.SITE not in places:
        keys = [word for word in _PLACE if word in places]
        places[schema.SITE] = (places.groupby(keys, sort=False).cumcount() + 1).astype(str)
        if (places[schema.SITE] != "1").any():
            notes.append(f"{where}: no column says the site; the rows of each well are numbered in their order")
    return places


def words_of(table: pd.DataFrame, /) -> dict[str, str]:
    """Source, batch, plate, well, site -> the column that says it, as `Image_Metadata_Plate` or `Image_Metadata_Plate_DAPI`."""
    channels = "|".join(re.escape(name.lower()) for name in channels_of(table)) or "$^"
    bare = {str(c): _METADATA.sub("", str(c)).lower() for c in table.columns}
    plain = {column: re.sub(rf"_(?:orig)?({channels})$", "", word) for column, word in bare.items() if _METADATA.match(column)}
    found: dict[str, str] = {}
    for word in _PLACE:
        matches = [c for names in (bare, plain) for spelling in schema.ALIASES[word] for c, name in names.items() if name == spelling]
        # A column of the image's own metadata, before one of the same name that is not.
        matches.sort(key=lambda column: _METADATA.match(column) is None)
        if matches:
            found[word] = matches[0]
    return found


def _annotation(table: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """What the table says about wells beside where they are: its other `Metadata_` columns."""
    said = set(words_of(table).values())
    other = {column: _METADATA.sub("", column) for column in map(str, table.columns) if _METADATA.match(column) and column not in said}
    other = {column: name for column, name in other.items() if name.lower() not in _PLACE}
    about = places.drop(columns=schema.SITE).join(table[list(other)].rename(columns=other).replace("", pd.NA))
    return about.loc[:, ~about.columns.duplicated()].drop_duplicates(ignore_index=True) if other else pd.DataFrame()


READER = Reader("LoadData", "load_data.csv", fits, planes)
