"""Folders of multi-channel stacks (one TIFF a site, one page a channel) with a sidecar table that says what each file is.

The sidecar is a CSV in the folder with a column `file`, or `row` for one TIFF that holds many sites page after page. Its other
columns are words of the schema (plate, well, site or field) and annotation. Channel names come from the file itself, from the
sidecar's `channels` column (`Mito|AGP|RNA|ER|DNA`), or from `--channels` in order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import pandas as pd

from impasto import border, schema
from impasto.plates import archives, files, ome_tiff, read
from impasto.plates.listing import Folder, Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_TABLE = re.compile(r"[.]csv(?:[.]gz)?$", re.IGNORECASE)


def fits(listing: Listing, /) -> int:
    """How many stacks the sidecars of a listing name.

    Parameters
    ----------
    listing
        What lies at a source.

    Returns
    -------
    int
        Stacks that are there; 0 where there is no sidecar.

    """
    return sum(_named(folder) for folder in listing.folders) if not listing.is_file else 0


def planes(listing: Listing, asked: Asked, /) -> Found:
    """The planes of all stacks of a listing.

    Parameters
    ----------
    listing
        What lies at a source.
    asked
        What the user said; `order` is used here.

    Returns
    -------
    Found
        The planes, with what their sidecars say of wells.

    """
    rows: list[dict[str, object]] = []
    tables, folders, notes = [], [], []
    for folder in listing.folders:
        path = sidecar(folder)
        if path is None or not _named(folder):
            continue
        table = _read(path)
        rows += _planes(folder, table, order=asked.order)
        placeless = [n for n, row in enumerate(table.to_dict(orient="records")) if not _own_well(row, str(row.get("file", "")))]
        if placeless:
            notes.append(
                f"{path}: {len(placeless)} of {len(table)} rows say no well: they stand in wells in their order (add a column 'well')"
            )
        tables.append(table)
        folders.append(folder.path)
    return Found(pd.DataFrame(rows), tuple(notes), annotation=pd.concat(tables, ignore_index=True), folders=frozenset(folders))


def in_order(frame: pd.DataFrame, order: Sequence[str], /) -> pd.DataFrame:
    """The pages of files whose names say no channel, as the channels that the user names.

    Parameters
    ----------
    frame
        n rows, one a file, with `folder` and `name`.
    order
        C stains, in the order of the pages.

    Returns
    -------
    pandas.DataFrame
        (n C) rows, one a page, with `channel`, `number` and `page`.

    Raises
    ------
    InputError
        A file has another number of pages.

    """
    for folder, name in zip(frame["folder"], frame["name"], strict=True):
        pages = read.pages(f"{folder}/{name}")
        if pages not in (0, len(order)):  # of 0 pages: damaged, and quarantined with the reason
            raise InputError(
                f"{folder}/{name} has {pages} pages, but {len(order)} channels are named ({', '.join(order)}); name one channel a page"
            )
    rows = frame.loc[frame.index.repeat(len(order))].reset_index(drop=True)
    channels = pd.Categorical.from_codes(list(range(len(order))) * len(frame), categories=list(order))
    numbers = channels.rename_categories([str(number) for number in range(1, len(order) + 1)])
    return rows.assign(channel=channels, number=numbers, page=list(range(len(order))) * len(frame))


def _named(folder: Folder) -> int:
    path = sidecar(folder)
    if path is None:
        return 0
    table = _read(path)
    if "file" not in table:
        return int(sum(name.lower().endswith(read.TIFF) for name in folder.names.to_pylist()) == 1)
    return int(table["file"].astype(str).isin(set(folder.names.to_pylist())).sum())


def sidecar(folder: Folder, /) -> str | None:
    """The sidecar table of a folder: the first CSV (or CSV.gz) with a column `file` or `row`.

    Parameters
    ----------
    folder
        A folder of a listing.

    Returns
    -------
    str | None
        Its path or URL; None where there is none.

    """
    for name in folder.names.to_pylist():
        path = f"{folder.path}/{name}"
        if _TABLE.search(name) and {"file", "row"} & _columns(path):
            return path
    return None


def _read(path: str) -> pd.DataFrame:
    with border.reading(path, "table of stacks", remedy="write it again, or take it away"):
        return pd.read_csv(files.local(path))


def _columns(path: str) -> set[str]:
    try:
        return set(pd.read_csv(files.local(path), nrows=0).columns)
    except (ValueError, OSError):
        return set()  # not a table of ours


def _planes(folder: Folder, table: pd.DataFrame, *, order: Sequence[str]) -> Iterator[dict[str, object]]:
    """The planes of the stacks that a sidecar lists. Raises InputError where nothing names the channels."""
    one = None if "file" in table else _only_stack(folder)
    sizes: dict[str, tuple[int, list[str] | None]] = {}
    files.fetch([one] if one else [f"{folder.path}/{name}" for name in table["file"]])
    for number, row in enumerate(table.to_dict(orient="records")):
        path = f"{folder.path}/{row['file']}" if one is None else one
        if path not in sizes:
            try:
                sizes[path] = read.stack_shape(path)
            except read.BadImage:
                sizes[path] = (0, None)  # quarantined when its pixels are asked for, with its reason
        pages, named = sizes[path]
        names = list(order) or _from_sidecar(row) or named
        if not names:
            shown = f"{pages} pages" if pages else "unreadable"
            raise InputError(f"{path} ({shown}) does not name its channels; say them in the order of its pages with --channels DNA,ER,...")
        series = 1 if names is not named else max(1, len({page.series for page in ome_tiff.pages(path) or ()}))
        if one is None and pages and pages != len(names) and series == 1:
            raise InputError(f"{path} has {pages} pages, but {len(names)} channels are named ({', '.join(names)}); name one channel a page")
        place = {**_place(row, path, number, folder.path), "path": path, "base": folder.path}
        pages_inside = (ome_tiff.pages(path) if one is None and names is named else ()) or ()
        if len({page.series for page in pages_inside}) > 1:
            for page in pages_inside:
                yield {**place, **page.words(), schema.SITE: page.site(str(place[schema.SITE]) if _says_site(row) else "")}
            continue
        first = int(row["row"]) * len(names) if one is not None else 0
        for offset, name in enumerate(names):
            yield {**place, schema.CHANNEL: name, "page": first + offset}


def _only_stack(folder: Folder) -> str:
    stacks = [name for name in folder.names.to_pylist() if name.lower().endswith(read.TIFF)]
    if len(stacks) != 1:
        raise InputError(f"{folder.path}: the sidecar has a column 'row', so the folder must hold one TIFF; it holds {len(stacks)}")
    return f"{folder.path}/{stacks[0]}"


def _from_sidecar(row: dict[str, object]) -> list[str] | None:
    """`DNA(DAPI)|ER(GFP)` -> DNA, ER: the stain stands before the bracket."""
    value = row.get("channels")
    return [re.sub(r"\(.*\)$", "", part).strip() for part in value.split("|")] if isinstance(value, str) else None


def _place(row: dict[str, object], path: str, number: int, folder: str) -> dict[str, str]:
    """Plate, well, site of a row. A stack without a well gets one of its own, in order, on a plate named after the folder."""
    well = _own_well(row, Path(path).stem) or schema.format_well(number // 24, number % 24)
    return {
        schema.PLATE: _value(row, schema.PLATE, archives.stem(PurePath(os.path.abspath(folder)).name)),
        schema.WELL: well,
        schema.SITE: _value(row, schema.SITE, str(number) if "row" in row else "1"),
        schema.BATCH: _value(row, schema.BATCH, ""),
        schema.SOURCE: _value(row, schema.SOURCE, ""),
    }


def _says_site(row: dict[str, object]) -> bool:
    return bool(_value(row, schema.SITE, ""))


def _own_well(row: dict[str, object], stem: str) -> str:
    """The well that a row or the name of its file says, or nothing."""
    inline = re.search(rf"(?<![A-Za-z0-9])({schema.WELL_PATTERN})(?![A-Za-z0-9])", stem)
    return _value(row, schema.WELL, inline[1] if inline else "")


def _value(row: dict[str, object], word: str, default: str) -> str:
    lower = {str(k).removeprefix("Metadata_").lower(): v for k, v in row.items()}
    value = next((lower[s] for s in schema.ALIASES[word] if s in lower and pd.notna(lower[s])), None)
    return default if value is None else str(value)


READER = Reader("stacks with a CSV", "a CSV with a column 'file' beside stacks", fits, planes)
