"""CellProfiler's CSV: a folder of files of one prefix (`Image.csv`, `Cells.csv`, ...), with objects of any name, at any depth.

One file may hold several kinds of objects under two header rows, the kind over the name. Each run has its own image table: `ImageNumber`
begins again in each. Files are read in blocks by pyarrow, one thread, so memory holds a block. What an image table says of the whole image
is there for profiles of sites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc

from impasto import cellprofiler_tables, delimited, gallery, schema
from impasto.cellprofiler_tables import IMAGE, NUMBER, NUMBER_OF_OBJECT, OBJECT
from impasto.delimited import MISSING, Layout
from impasto.object_tables.run import Measured, Part, Run, in_our_words
from impasto.schema import InputError
from impasto.spelling import PREFIX

_BLOCK = 8 << 20
_OF_PANDAS = re.compile(r"\.\d+$")
_SAMPLE = 200


@dataclass(frozen=True)
class _Table:
    """Where the objects of one kind lie: the file, how it is written, its header rows, and bare column -> its place among the columns."""

    path: Path
    written: Layout
    header_rows: int
    columns: Mapping[str, int]
    decimal: str


class CsvRun:
    """The tables of one run.

    Parameters
    ----------
    image
        Its image table.
    beside
        Name -> file, of the other tables of the run.

    """

    def __init__(self, image: Path, beside: Mapping[str, Path], /) -> None:
        self.where, self._image = str(image.parent), image
        self._notes: list[str] = []
        unread = list[str]()
        for path in (image, *beside.values()):
            if path.stat().st_size == 0:
                raise InputError(f"{path} is empty (0 bytes); export it again, or take it away with the other tables of its run")
        self._tables: dict[str, _Table] = {}
        for name, path in beside.items():
            own = _tables_of(name, path)
            unread += [] if own else [path.name]
            self._tables |= {kind: table for kind, table in own.items() if kind not in self._tables}
        if unread:
            self._notes.append(f"left out: {', '.join(unread)} (no column {NUMBER})")
        self._images = cellprofiler_tables.image_table(image)
        if NUMBER not in self._images:
            raise InputError(f"{image} has no column {NUMBER}; write it with ExportToSpreadsheet, one file for each object")
        image_numbers = pd.to_numeric(self._images[NUMBER], errors="coerce")
        if image_numbers.isna().any():
            odd = self._images.loc[image_numbers.isna(), NUMBER].iloc[0]
            raise InputError(f"{image}: {NUMBER} {odd!r} is no number; mend that row, or export the table again")
        if self._images[NUMBER].duplicated().any():
            twice = self._images.loc[self._images[NUMBER].duplicated(), NUMBER].iloc[0]
            raise InputError(f"{image} holds {NUMBER} {twice} twice; give each run of CellProfiler its own folder")
        numbers = {kind: tuple(self._numeric(kind, table)) for kind, table in self._tables.items()}
        self.objects: Mapping[str, Sequence[str]] = {kind: columns for kind, columns in numbers.items() if OBJECT in columns}
        self.number: Mapping[str, str] = dict.fromkeys(self.objects, OBJECT)
        self.measured: Mapping[str, Sequence[str]] = {
            kind: [c for c in columns if c != NUMBER and cellprofiler_tables.is_measured(c)] for kind, columns in numbers.items()
        }
        bare = {re.sub(r"^(Image_)?Metadata_", "", str(column)).lower() for column in self._images}
        self._said_by_folder = {w: value for w, value in gallery.of_analysis(self.where).items() if bare.isdisjoint(schema.ALIASES[w])}
        if self._said_by_folder:
            self._notes.append(f"{', '.join(sorted(self._said_by_folder))}: from the folders of the Cell Painting Gallery")
        self._image_rows = pd.Index(image_numbers.astype(np.int64))

    def whole_images(self) -> pd.DataFrame:
        table = self._images.drop(columns=NUMBER).rename(columns=lambda name: cellprofiler_tables.image_column(str(name)))
        return table.assign(**{f"{PREFIX}{word.capitalize()}": value for word, value in self._said_by_folder.items()})

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        return in_our_words(self._images, columns, where=str(self._image), placed=gallery.of_analysis(self.where))

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:
        table = self._tables[kind]
        chosen = [table.columns[NUMBER], *(table.columns[c] for c in columns)]
        names = [str(place) for place in chosen]
        for block in _blocks(table, chosen, types=pa.float64()):
            numbers = np.stack([np.asarray(block.column(name), dtype=np.float64) for name in names], axis=1)
            numbers = numbers[~np.isnan(numbers[:, 0])]
            yield np.asarray(self._image_rows.get_indexer(numbers[:, 0].astype(np.int64)), dtype=np.int64), numbers[:, 1:]

    def feature(self, kind: str, column: str, /) -> str:
        return f"{kind}_{column}"

    def notes(self) -> list[str]:
        return self._notes

    def _numeric(self, kind: str, table: _Table) -> Iterator[str]:
        """The columns that hold numbers, or nothing, in the first rows; the others are named."""
        places = list(table.columns.values())
        first = next(iter(_blocks(table, places, types=pa.binary(), block=1 << 20)), None)
        texts = []
        for bare, place in table.columns.items():
            written = _sampled(first, str(place), table.decimal)
            if pd.to_numeric(written, errors="coerce").notna().any() or written.isna().all():
                yield bare
            else:
                texts.append(f"{kind}_{bare}")
        if texts:
            self._notes.append(f"left out, columns of text: {', '.join(texts[:5])}{'...' if len(texts) > 5 else ''}")


def _sampled(block: pa.RecordBatch | None, name: str, decimal: str) -> pd.Series:
    """The first texts of a column, numbers with a point; whatever a text is, it is no number."""
    raw = block.column(name)[:_SAMPLE].to_pylist() if block is not None else []
    return pd.Series([None if cell is None else cell.decode("utf-8", "replace").replace(decimal, ".") for cell in raw], dtype=object)


def _tables_of(name: str, path: Path) -> dict[str, _Table]:
    """Kind of object -> its table in one file; none where the file is no table of objects."""
    written = _layout(path)
    first, second = (*(tuple(cell.strip() for cell in record) for record in written.records[:2]), (), ())[:2]
    if NUMBER in first:
        columns: dict[str, int] = {}
        for place, column in enumerate(first):  # pandas writes a double as Name.1
            if column and column not in columns and _OF_PANDAS.sub("", column) not in columns:
                columns[column] = place
        return {name: _Table(path, written, 1, _with_number(columns), delimited.decimal_mark(written, path)[0])}
    if not any(pair == (IMAGE, NUMBER) for pair in zip(first, second, strict=False)):
        return {}
    if len(first) != len(second):
        raise InputError(f"{path}: its two header rows have {len(first)} and {len(second)} columns; export it again")
    pairs = list(enumerate(zip(first, second, strict=True)))
    images = {column: place for place, (kind, column) in pairs if kind == IMAGE}
    named: dict[str, _Table] = {}
    for kind in dict.fromkeys(kind for kind in first if kind not in (IMAGE, "")):
        own = {column: place for place, (k, column) in reversed(pairs) if k == kind and column}
        table = _with_number({NUMBER: images[NUMBER], **own})
        named[kind] = _Table(path, written, 2, table, delimited.decimal_mark(written, path, header_rows=2)[0])
    return named


def _with_number(columns: Mapping[str, int]) -> dict[str, int]:
    """The columns with the number of an object, where there is one, under one name."""
    if OBJECT in columns or NUMBER_OF_OBJECT not in columns:
        return dict(columns)
    return {**columns, OBJECT: columns[NUMBER_OF_OBJECT]}


def _truncated(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read ({error}); it may be truncated: copy it again")


def _layout(path: Path) -> Layout:
    try:
        return delimited.layout(path)
    except (OSError, EOFError) as error:
        raise _truncated(path, error) from error


def _blocks(table: _Table, places: Sequence[int], *, types: pa.DataType, block: int = _BLOCK) -> Iterator[pa.RecordBatch]:
    """The columns at some places, block by block; the name of a column is its place."""
    wanted = list(dict.fromkeys(places))
    width = len(table.written.header)
    read = pc.ReadOptions(
        use_threads=False,
        block_size=block,
        skip_rows=len(table.written.preamble) + table.header_rows,
        column_names=[str(place) for place in range(width)],
        encoding=table.written.encoding,
    )
    convert = pc.ConvertOptions(
        column_types={str(place): types for place in wanted},
        include_columns=[str(place) for place in wanted],
        null_values=list(MISSING),
        strings_can_be_null=True,
        decimal_point=table.decimal,
    )
    parse = pc.ParseOptions(delimiter=table.written.separator)
    try:
        with pa.input_stream(str(table.path), compression="detect") as stream:
            yield from pc.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
    except OSError as error:
        raise _truncated(table.path, error) from error
    except pa.ArrowInvalid as error:
        if "mpty CSV" in str(error):
            return
        sentence = re.sub(r"column #(\d+)", lambda match: f"column {_name_of(table, int(match[1]))}", str(error).splitlines()[0])
        raise InputError(f"{table.path} cannot be read ({sentence}); mend that value, or export the table again") from error


def _name_of(table: _Table, place: int) -> str:
    return next((name for name, own in table.columns.items() if own == place), str(place))


class CsvReader:
    """Opens a folder that holds image tables at any depth."""

    example: str = "a folder of CellProfiler's CSV (Image.csv with Cells.csv, Nuclei.csv, ...)"

    def fits(self, path: Path, /) -> bool:
        return path.is_dir() and bool(cellprofiler_tables.image_tables(path))

    def open(self, path: Path, /) -> list[Run]:
        return list[Run](self.measured(path))

    def measured(self, path: Path, /) -> list[Measured]:
        images = cellprofiler_tables.image_tables(path)
        return [CsvRun(image, cellprofiler_tables.files_beside(image, images)) for image in images]


READER = CsvReader()
"""The reader of the family."""
