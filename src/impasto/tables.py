"""Every table a laboratory has: text with separators, Excel and ods, grids, Parquet (a file or a folder), read by its first bytes.

Columns that hold names are text, so that `000412` stays `000412`. What was inferred (encoding, separator, sheet...) is said.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import shlex
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from impasto import border, commit_point, delimited, grids, texts
from impasto.schema import ALIASES, CELL_COUNT, CONCENTRATION, TIME_H, InputError, letters

PARQUET, FOLDER_OF_PARQUET, PLATES, EXCEL, SQLITE, HDF5, TEXT, ZARR, FOLDER = (
    *("Parquet", "folder of Parquet files", "folder of plates", "Excel", "SQLite", "HDF5", "text", "Zarr", "folder"),
)
_MARKS = (
    *((b"PAR1", PARQUET), (b"SQLite format 3\0", SQLITE), (b"\x89HDF\r\n\x1a\n", HDF5), (b"\xd0\xcf\x11\xe0", EXCEL)),
    *((b"II*\0", "TIFF image"), (b"MM\0*", "TIFF image"), (b"II+\0", "TIFF image"), (b"MM\0+", "TIFF image")),
    *((b"\x89PNG", "PNG image"), (b"\xff\xd8\xff", "JPEG image"), (b"%PDF", "PDF document")),
)
"""How files begin."""
GRIDS_UP_TO = 1_000_000
"""Bytes: in larger texts no grid is looked for."""
_NAMES = re.compile(
    r"^(image[ _])?(metadata[ _])?(image[ _])?(metadata[ _])?(source|laborator|lab$|batch|experiment|week"
    r"|(\w+[ _])?(plate|barcode|well)([ _]?(id|name|barcode|no|number|position|type|role|map|map[ _]?name|dapi))?$|address$|position$"
    r"|site([ _]?id)?$|field([ _]?(id|of[ _]view))?$|fov$|perturbation|jcp2022|(\w+_)?broad_sample|pert_|treatment|compound|drug|substance"
    r"|gene|symbol|target|smiles|inchi|moa|control|(\w+[ _])?type$|cell_?line|sirna|file|path|url|channel)",
    re.I,
)
_PREFIX = re.compile(r"^(?:image_)?(?:metadata[_.])?(?:image_metadata_)?", re.I)
_SPELLINGS = {
    letters(spelling) for word, spellings in ALIASES.items() if word not in (CONCENTRATION, TIME_H, CELL_COUNT) for spelling in spellings
}
_MEASURED = re.compile(
    r"_(AreaShape|Intensity|Texture|Granularity|Correlation|RadialDistribution|Neighbors|Location)_|^emb_|count| - ", re.I
)


def is_name(column: str) -> bool:
    """Whether a column holds names of places or perturbations, which are text even where all are digits.

    Parameters
    ----------
    column
        Its name.

    Returns
    -------
    bool
        True where its name is one of a plate, a well, a compound or the like, and none of a measurement.

    """
    return (bool(_NAMES.match(column)) or letters(_PREFIX.sub("", column)) in _SPELLINGS) and not _MEASURED.search(column)


def kind(path: Path) -> str:
    """The kind of a file or folder.

    Parameters
    ----------
    path
        Of the file or folder.

    Returns
    -------
    str
        `PARQUET`, `EXCEL` or another kind, by the first bytes of a file, and by what a folder holds. `TEXT` where no other kind fits.

    Raises
    ------
    InputError
        It is not there, is neither a file nor a folder, or begins as a zip archive and cannot be opened.

    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    if path.is_dir():
        if commit_point.is_there(path):
            return PLATES
        if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zattrs")):
            return ZARR
        return FOLDER_OF_PARQUET if next(path.rglob("*.parquet"), None) else FOLDER
    border.refuse_odd(path)
    with path.open("rb") as handle:
        head = handle.read(16)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head.startswith(b"PK\3\4"):
        with border.reading(path, "zip"), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.startswith("xl/") or name == "content.xml" for name in names):
            return EXCEL
        return ZARR if any(name.endswith(("zarr.json", ".zgroup")) for name in names) else "zip"
    return TEXT


def read(path: Path | str, *, sheet: str | None = None, encoding: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a table.

    Parameters
    ----------
    path
        Text with separators (plain or gzipped), Excel, ods, a Parquet file or a folder of them.
    sheet
        The sheet of a workbook; by default all that have the same header, one below the other.
    encoding
        The encoding of a text; by default UTF-8 or UTF-16, else cp1252.

    Returns
    -------
    frame : pandas.DataFrame
        A row a line; columns of names are text.
    how : list[str]
        What was inferred, in sentences.

    Raises
    ------
    InputError
        Where it cannot be read, with what was found and what to do.

    """
    path = Path(path)
    sort = kind(path)
    with border.reading(path, "table"):
        if sort in (PARQUET, FOLDER_OF_PARQUET):
            return parquet(path), []
        if sort == EXCEL:
            return _excel(path, sheet)
        if sort == TEXT:
            return _text(path, encoding)
    raise InputError(f"{path} is no table ({sort}); allowed: CSV, TSV, Excel, ods, Parquet")


def parts(path: Path, *, rows: int) -> Iterator[pd.DataFrame]:
    """A table of any kind in parts. A workbook, a short text and a folder of Parquet files come whole.

    Parameters
    ----------
    path
        Of the table.
    rows
        How many rows a part has.

    Returns
    -------
    Iterator[pandas.DataFrame]
        The parts, in order.

    Raises
    ------
    InputError
        It cannot be read.

    """
    sort = kind(path)
    if sort == TEXT and path.stat().st_size >= GRIDS_UP_TO:
        with border.reading(path, "table"):
            yield from delimited.parts(path, is_name=is_name, rows=rows)
    elif sort == PARQUET:
        with border.reading(path, "table"):
            for batch in pq.ParquetFile(path).iter_batches(batch_size=rows):
                yield _as_frame(pa.Table.from_batches([batch]), path)
    else:
        yield read(path)[0]


def count(path: Path) -> int:
    """How many rows a table has.

    Parameters
    ----------
    path
        Of the table.

    Returns
    -------
    int
        Its rows; of a long text, its lines but the first.

    Raises
    ------
    InputError
        It cannot be read.

    """
    sort = kind(path)
    if sort == TEXT and path.stat().st_size >= GRIDS_UP_TO:
        return delimited.lines(path) - 1
    if sort == PARQUET:
        with border.reading(path, "table"):
            return int(pq.read_metadata(path).num_rows)
    return len(read(path)[0])


def columns(path: Path) -> list[str]:
    """The names of a table's columns, without reading its rows where its kind allows that.

    Parameters
    ----------
    path
        Of any file or folder; a path that is not there does as well.

    Returns
    -------
    list[str]
        The names in order; none where the path is no table of one file, or cannot be read.

    """
    try:
        sort = kind(path)
        with border.reading(path, "table"):
            if sort == PARQUET:
                return [str(name) for name in pq.read_schema(path).names]
            if sort == TEXT:
                return [name.strip() for name in delimited.layout(path).header]
            if sort == EXCEL:
                return [str(name) for name in _excel(path, None)[0].columns]
    except (InputError, OSError, pa.ArrowException):
        return []
    return []


def _text(path: Path, encoding: str | None) -> tuple[pd.DataFrame, list[str]]:
    if path.stat().st_size < GRIDS_UP_TO:
        seen = delimited.layout(path, encoding=encoding)
        # The sample shows whether there is a grid; a grid may be longer than the sample.
        grid = grids.read({path.stem: [*seen.preamble, *seen.records]}, where=str(path))
        if grid is not None and path.stat().st_size >= delimited.SAMPLE:
            grid = grids.read({path.stem: delimited.cells(path, seen)}, where=str(path))
        if grid is not None:
            return grid[0], [grid[1]]
    return delimited.read(path, is_name=is_name, encoding=encoding)


# ---------------------------------------------------------------- Parquet
def parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file or a folder of them.

    Parameters
    ----------
    path
        Of the file or folder.

    Returns
    -------
    pandas.DataFrame
        Named levels of an index are columns. Structs, and lists of one length, have a column for each part.

    """
    return _as_frame(_folder_of_parquet(path) if path.is_dir() else pq.read_table(path), path)


def _as_frame(table: pa.Table, path: Path) -> pd.DataFrame:
    while any(pa.types.is_struct(column.type) for column in table.schema):
        table = table.flatten()
    frame = table.to_pandas()
    if not isinstance(frame.index, pd.RangeIndex):
        unnamed = [name for name in frame.index.names if name is None]
        frame = frame.reset_index(drop=len(unnamed) == 1 and frame.index.nlevels == 1 and pd.api.types.is_integer_dtype(frame.index))
    frame.columns = pd.Index([str(name) for name in frame.columns])
    for name, column in list(frame.items()):
        if len(column) and isinstance(column.iloc[0], np.ndarray | list):
            frame = _taken_apart(frame, str(name), path)
    for name in frame.columns:
        if is_name(name) and not pd.api.types.is_float_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name]):
            frame[name] = frame[name].astype("string")
    return frame


def _folder_of_parquet(path: Path) -> pa.Table:
    """All files under a folder; `Plate=000412` folders are columns of text; a column that one file lacks is missing there."""
    keys = sorted({part.split("=", 1)[0] for p in path.rglob("*.parquet") for part in p.relative_to(path).parts[:-1] if "=" in part})
    partitions = pa.dataset.partitioning(pa.schema([(key, pa.string()) for key in keys]), flavor="hive") if keys else None
    files = [str(p) for p in sorted(path.rglob("*.parquet")) if not any(part.startswith((".", "_")) for part in p.relative_to(path).parts)]
    whole = pa.dataset.dataset(files, format="parquet", partitioning=partitions)
    schemas = [pq.read_schema(name).remove_metadata() for name in files]
    unified = pa.unify_schemas([*schemas, pa.schema([(key, pa.string()) for key in keys])], promote_options="permissive")
    return whole.replace_schema(unified).to_table()


def _taken_apart(frame: pd.DataFrame, name: str, path: Path) -> pd.DataFrame:
    """A column of lists (an embedding a row) as one column a number."""
    lengths = {len(value) for value in frame[name]}
    if len(lengths) > 1:
        raise InputError(
            f"{path}: the lists of column {name!r} differ in length ({min(lengths)} to {max(lengths)}); write one number a column"
        )
    values = np.stack([np.asarray(value) for value in frame[name]])
    parts = pd.DataFrame(values, index=frame.index, columns=[f"{name}_{i:04d}" for i in range(values.shape[1])])
    return pd.concat([frame.drop(columns=name), parts], axis=1)


# ---------------------------------------------------------------- workbooks
def _excel(path: Path, sheet: str | None) -> tuple[pd.DataFrame, list[str]]:
    from python_calamine import CalamineWorkbook

    with border.reading(path, "workbook", remedy="it may be cut short, damaged or locked by a password"):
        book = CalamineWorkbook.from_path(str(path))
    if sheet is not None and sheet not in book.sheet_names:
        raise InputError(f"{path} has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
    names = [sheet] if sheet is not None else book.sheet_names
    with border.reading(path, "workbook"):
        sheets = {name: _cells(book.get_sheet_by_name(name)) for name in names}
    sheets = {name: rows for name, rows in sheets.items() if any(any(row) for row in rows)}
    if not sheets:
        raise InputError(f"{path} holds no table: its sheets ({', '.join(book.sheet_names)}) are empty")
    grid = grids.read(sheets, where=str(path))
    if grid is not None:
        return grid[0], [grid[1]]
    bodies = {name: rows[delimited.header_row(rows) :] for name, rows in sheets.items()}
    headers = {tuple(cell.strip() for cell in rows[0]) for rows in bodies.values()}
    if len(headers) > 1:
        # A sheet of notes has few cells in its first row; the table is likely the widest.
        widest = max(bodies, key=lambda name: sum(bool(cell.strip()) for cell in bodies[name][0]))
        raise InputError(
            f"{path} has {len(bodies)} sheets of different columns ({', '.join(bodies)}); say which: --sheet {shlex.quote(widest)}"
        )
    above = sum(len(sheets[name]) - len(rows) for name, rows in bodies.items())
    how = [f"sheet {', '.join(bodies)}", *([f"{above} lines above the header left out"] if above else [])]
    frame, more = _from_rows(bodies, path)
    return frame, [*how, *(line for line in more if "separator" not in line and "above" not in line)]


def _from_rows(bodies: dict[str, list[list[str]]], path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Rows of sheets of one header as a table; where there are several sheets, the column `sheet` tells them apart."""
    several = len(bodies) > 1
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        text = Path(folder) / f"{path.stem}.tsv"
        out = io.StringIO()
        writer = csv.writer(out, delimiter="\t")
        for number, (name, rows) in enumerate(bodies.items()):
            if number == 0:
                writer.writerow([*rows[0], *(["sheet"] if several else [])])
            writer.writerows([*row, *([name] if several else [])] for row in rows[1:] if any(row))
        texts.write(text, out.getvalue())
        try:
            return delimited.read(text, is_name=is_name)
        except InputError as error:
            raise InputError(str(error).replace(str(text), str(path))) from None


def _cells(sheet: Any) -> list[list[str]]:
    """The cells of a sheet as text; a merged one speaks for all that it covers below and beside it."""
    rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        # A title over a whole table is no heading of its columns.
        if right - left + 1 >= max(map(len, rows), default=0):
            continue
        for row, column in itertools.product(range(top, min(bottom + 1, len(rows))), range(left, right + 1)):
            if column < len(rows[row]):
                rows[row][column] = rows[top][left]
    return rows


def _cell(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return "" if value is None else str(value).strip()


def stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other.

    Parameters
    ----------
    parts
        One table or more.

    Returns
    -------
    pandas.DataFrame
        The rows of all. A column that a table lacks is missing in its rows.

    """
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
