"""CellProfiler LoadData tables: `FileName_Orig<Channel>`, `PathName_Orig<Channel>` or `URL_Orig<Channel>`, and `Metadata_*`.

Illumination functions (`FileName_Illum<Channel>`) are kept with their channel; `impasto profile --illumination files` divides by them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import pandas as pd

from impasto import schema
from impasto.plates import tabular
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_COLUMN = re.compile(r"^(?P<kind>FileName|URL)_(?:Orig)?(?P<channel>.+)$")


def fits(files: Listing, /) -> int:
    """How many images a listing names, where it is a LoadData table."""
    table = tabular.read(files)
    return len(table) if table is not None and is_loaddata(table) else 0


def is_loaddata(table: pd.DataFrame, /) -> bool:
    """Whether a table is a LoadData table."""
    return any(_COLUMN.match(str(c)) for c in table.columns)


def planes(files: Listing, asked: Asked, /) -> Found:  # noqa: ARG001 - the form of all readers
    """The planes of a LoadData table. Paths that are not absolute start at the table's folder."""
    return Found(pd.DataFrame(_planes(tabular.require(files), Path(files.root))))


def _planes(table: pd.DataFrame, where: Path) -> Iterator[dict[str, object]]:
    columns = {c: m for c in map(str, table.columns) if (m := _COLUMN.match(c))}
    words = _words(table, where)
    functions = {m["channel"].removeprefix("Illum"): c for c, m in columns.items() if m["channel"].startswith("Illum")}
    chosen = {c: m for c, m in columns.items() if c not in functions.values()}
    # A channel may be given both as file name and as URL: the file name wins.
    files = {m["channel"]: c for c, m in sorted(chosen.items(), key=lambda item: item[1]["kind"], reverse=True)}
    without = [c for channel, c in functions.items() if channel not in files]
    if without:
        raise InputError(f"{where}: {', '.join(without)} belong to no channel; its images are in {', '.join(files.values())}")
    if functions:
        told = f"{where}: illumination functions ({', '.join(functions.values())}) are applied by impasto profile --illumination files only"
        warnings.warn(told, stacklevel=2)
    for row in table.to_dict(orient="records"):
        place = {word: str(row[column]) for word, column in words.items()}
        for channel, column in files.items():
            yield {
                **place,
                "path": str(_path(row, column, where)),
                "channel": channel,
                "page": int(float(row.get(f"Frame_Orig{channel}", row.get(f"Frame_{channel}", 0)) or 0)),
                "illumination": str(_path(row, functions[channel], where)) if channel in functions else "",
            }


def _words(table: pd.DataFrame, where: Path) -> dict[str, str]:
    words: dict[str, str] = {}
    bare = {str(c): str(c).removeprefix("Metadata_").lower() for c in table.columns}
    for word in (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE):
        found = [c for spelling in schema.ALIASES[word] for c in bare if bare[c] == spelling]
        if found:
            words[word] = found[0]
    for word in (schema.PLATE, schema.WELL):
        if word not in words:
            raise InputError(f"{where}: no column says the {word}; add Metadata_{word.capitalize()}")
    return words


def _path(row: dict[str, object], column: str, where: Path) -> Path:
    value = str(row[column])
    if column.startswith("URL_"):
        parsed = urlparse(value)
        if parsed.scheme not in ("", "file"):
            raise InputError(f"{where}: {value} is not a local file; fetch the images first")
        return where.parent / unquote(parsed.path)
    folder = row.get(column.replace("FileName_", "PathName_"))
    return where.parent / (str(folder) if isinstance(folder, str) else "") / value


READER = Reader("LoadData table", "", fits, planes)
