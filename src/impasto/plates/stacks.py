"""Folders of multi-channel stacks (one TIFF a site, one page a channel) with a sidecar table that says what each file is.

The sidecar is a CSV in the folder with a column `file`, or `row` for one TIFF that holds many sites page after page. Its other
columns are words of the schema (plate, well, site or field) and annotation. Channel names come from the file itself, from the
sidecar's `channels` column (`Mito|AGP|RNA|ER|DNA`), or from `--channels` in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from impasto import schema
from impasto.plates import read
from impasto.plates.planes import Plane
from impasto.schema import InputError


def sidecar(folder: Path) -> Path | None:
    """The sidecar table of a folder: the one CSV (or CSV.gz) with a column `file` or `row`."""
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")]):
        if {"file", "row"} & set(pd.read_csv(path, nrows=0).columns):
            return path
    return None


def planes(folder: Path, table: pd.DataFrame, /, *, order: Sequence[str] = ()) -> Iterator[Plane]:
    """The planes of the stacks that the sidecar table lists. Raises InputError where the channels cannot be told."""
    one = None if "file" in table else _only_stack(folder)
    sizes: dict[Path, tuple[int, list[str] | None]] = {}
    for number, row in enumerate(table.to_dict(orient="records")):
        path = folder / str(row["file"]) if one is None else one
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
        if one is None and pages and pages != len(names):
            raise InputError(f"{path} has {pages} pages, but {len(names)} channels are named ({', '.join(names)}); name one channel a page")
        first = int(row["row"]) * len(names) if one is not None else 0
        place = _place(row, path, number, folder)
        for offset, name in enumerate(names):
            yield Plane(
                str(path),
                name,
                place[schema.PLATE],
                place[schema.WELL],
                place[schema.SITE],
                first + offset,
                place[schema.BATCH],
                place[schema.SOURCE],
            )


def _only_stack(folder: Path) -> Path:
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in read.TIFF)
    if len(found) != 1:
        raise InputError(f"{folder}: the sidecar has a column 'row', so the folder must hold one TIFF; it holds {len(found)}")
    return found[0]


def _from_sidecar(row: dict[str, object]) -> list[str] | None:
    """`DNA(DAPI)|ER(GFP)` -> DNA, ER: the stain stands before the bracket."""
    value = row.get("channels")
    return [re.sub(r"\(.*\)$", "", part).strip() for part in value.split("|")] if isinstance(value, str) else None


def _place(row: dict[str, object], path: Path, number: int, folder: Path) -> dict[str, str]:
    """Plate, well, site of a row. A stack without a well gets one of its own, in order, on a plate named after the folder."""
    lower = {str(k).removeprefix("Metadata_").lower(): v for k, v in row.items()}

    def value(word: str, default: str) -> str:
        found = next((lower[s] for s in schema.ALIASES[word] if s in lower and pd.notna(lower[s])), None)
        return default if found is None else str(found)

    inline = re.search(r"(?<![A-Za-z0-9])([A-P]\d{1,2})(?![A-Za-z0-9])", path.stem)
    well = value(schema.WELL, inline[1] if inline else schema.format_well(number // 24, number % 24))
    default_site = str(number) if "row" in row else "1"
    return {
        schema.PLATE: value(schema.PLATE, folder.name),
        schema.WELL: well,
        schema.SITE: value(schema.SITE, default_site),
        schema.BATCH: value(schema.BATCH, ""),
        schema.SOURCE: value(schema.SOURCE, ""),
    }
