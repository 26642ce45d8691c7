"""CellProfiler's SQLite: of cytominer-database (`Image`, `Cells`), and of ExportToDatabase (`Per_Image`, `MyExpt_Per_Cells`, `Per_Object`).

`TableNumber` (where there is one) and `ImageNumber` together name an image. Each table is read in its own order, once for the
numbers of objects and once for their values. Text such as `nan` in a column of numbers means not measured.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import cellprofiler_tables, sqlite_files, tables
from impasto.cellprofiler_tables import NUMBER, NUMBER_OF_OBJECT, OBJECT, TABLE
from impasto.delimited import MISSING
from impasto.object_tables.run import Measured, Part, Run, Values, in_our_words
from impasto.schema import InputError
from impasto.sqlite_files import quoted

_ROWS, _VALUES = 4096, 1 << 18
"""Rows that are fetched at once, and values: each is an object of Python's until it is in an array."""
_PER = re.compile(r"(?i)^(.*_)?Per_")
_NOT_OBJECTS = re.compile(r"(?i)(^|_)(image|experiment|object|relationship\w*)$")
_SAMPLE = 50
_MISSING = frozenset(word.lower() for word in MISSING)


@dataclass(frozen=True)
class _Table:
    """Where the objects of one kind lie: the table, and bare column -> column."""

    name: str
    columns: Mapping[str, str]


class SqliteRun:
    """The tables of one SQLite file.

    Parameters
    ----------
    path
        The file.

    """

    def __init__(self, path: Path, /) -> None:
        self.where = str(path)
        self._path = path
        self._not_numbers: dict[str, int] = {}
        self._left_out: list[str] = []
        with self._open() as base:
            found_in = sqlite_files.tables(base)
            self._image = cellprofiler_tables.image_table_of(list(found_in), where=self.where)
            self._keys = [key for key in (TABLE, NUMBER) if key in found_in[self._image]]
            if NUMBER not in self._keys:
                raise InputError(f"{path}: {self._image} has no column {NUMBER}; it has {', '.join(found_in[self._image][:8])}")
            self._tables = self._objects(found_in)
            self.objects: Mapping[str, Sequence[str]] = {
                kind: tuple(self._numeric(base, table, found_in[table.name])) for kind, table in self._tables.items()
            }
            self._image_rows = self._images_by_key(base)
        self.number: Mapping[str, str] = dict.fromkeys(self.objects, OBJECT)
        self.measured: Mapping[str, Sequence[str]] = {
            kind: [c for c in columns if cellprofiler_tables.is_measured(c)] for kind, columns in self.objects.items()
        }

    def whole_images(self) -> pd.DataFrame:
        return self._image_table().drop(columns=self._keys).rename(columns=lambda name: cellprofiler_tables.image_column(str(name)))

    def images(self, columns: Mapping[str, str], /) -> pd.DataFrame:
        return in_our_words(self._image_table(), columns, where=self.where, placed={})

    def _image_table(self) -> pd.DataFrame:
        with self._open() as base:
            table = pd.read_sql(f"select * from {quoted(self._image)}", base)
        for name in table:
            if table[name].dtype == object and tables.is_name(str(name)):
                table[name] = table[name].astype("string")
        return table

    def parts(self, kind: str, columns: Sequence[str], /) -> Iterator[Part]:
        table = self._tables[kind]
        chosen = ", ".join(quoted(name) for name in [*self._keys, *(table.columns[c] for c in columns)])
        keys = len(self._keys)
        with self._open() as base:
            cursor = base.execute(f"select {chosen} from {quoted(table.name)}")
            while rows := cursor.fetchmany(max(1, min(_ROWS, _VALUES // (keys + len(columns))))):
                image = np.array([self._row_of_image(row[:keys]) for row in rows], dtype=np.int64)
                yield image, self._as_numbers([row[keys:] for row in rows], kind, columns)

    def feature(self, kind: str, column: str, /) -> str:
        return f"{kind}_{column}"

    def notes(self) -> list[str]:
        texts = [
            f"{self.where}: {count} values of {name} are text and no number; not measured" for name, count in self._not_numbers.items()
        ]
        return [*self._left_out, *texts]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with sqlite_files.reading(self._path) as base:
                yield base
        except (sqlite3.Error, pd.errors.DatabaseError) as error:
            raise InputError(f"{self.where} cannot be read as SQLite ({error}); it may be truncated: copy it again") from error

    def _objects(self, columns_of: Mapping[str, Sequence[str]]) -> dict[str, _Table]:
        """Kind of object -> its table. A table or view of all kinds is read only where no table of one kind is there."""
        named: dict[str, _Table] = {}
        for name, columns in columns_of.items():
            kind = _PER.sub("", name)
            if _NOT_OBJECTS.search(kind) or not set(self._keys) <= set(columns):
                continue
            table = _Table(name, {c.removeprefix(f"{kind}_"): c for c in columns if c not in self._keys})
            if numbered := _with_number(table):
                named[kind] = numbered
        if named:
            return named
        for name, columns in columns_of.items():
            if name == self._image or not set(self._keys) <= set(columns):
                continue
            for column in columns:
                kind = column.removesuffix(f"_{NUMBER_OF_OBJECT}")
                if kind != column:
                    own = {c.removeprefix(f"{kind}_"): c for c in columns if c.startswith(f"{kind}_")}
                    named[kind] = _Table(name, {**own, OBJECT: column})
            if not named and OBJECT in columns:  # one number for an object and all of its parts
                for kind in sorted({c.partition("_")[0] for c in columns if "_" in c}):
                    own = {c.removeprefix(f"{kind}_"): c for c in columns if c.startswith(f"{kind}_")}
                    named[kind] = _Table(name, {**own, OBJECT: OBJECT})
        return named

    def _numeric(self, base: sqlite3.Connection, table: _Table, names: Sequence[str]) -> Iterator[str]:
        """The columns that hold numbers, or nothing, in the first rows; the others are named."""
        rows = base.execute(f"select * from {quoted(table.name)} limit {_SAMPLE}").fetchall()
        at = {name: number for number, name in enumerate(names)}
        texts = []
        for bare, column in table.columns.items():
            values = [row[at[column]] for row in rows]
            are_texts = [isinstance(v, str | bytes) and not _is_number(v) for v in values if v is not None]
            if are_texts and all(are_texts):
                texts.append(column)
            else:
                yield bare
        if texts:
            self._left_out.append(f"{self.where}: left out, columns of text: {', '.join(texts[:5])}{'...' if len(texts) > 5 else ''}")

    def _images_by_key(self, base: sqlite3.Connection) -> dict[tuple[object, ...], int]:
        chosen = ", ".join(map(quoted, self._keys))
        rows = base.execute(f"select {chosen} from {quoted(self._image)}").fetchall()
        by_key = {tuple(row): number for number, row in enumerate(rows)}
        if len(by_key) < len(rows):
            raise InputError(
                f"{self.where}: {self._image} holds {len(rows) - len(by_key)} images twice (by {' and '.join(self._keys)}); give each run "
                "of CellProfiler its own file"
            )
        plain = {tuple(map(_plain, row)): number for number, row in enumerate(rows)}
        return plain | by_key if len(plain) == len(rows) else by_key

    def _row_of_image(self, key: tuple[object, ...]) -> int:
        """The row of an image, below 0 for none; the number of one table may be the text of another."""
        row = self._image_rows.get(key)
        return row if row is not None else self._image_rows.get(tuple(map(_plain, key)), -1)

    def _as_numbers(self, rows: list[tuple[object, ...]], kind: str, columns: Sequence[str]) -> Values:
        try:
            return np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
        except (ValueError, TypeError):
            return self._word_by_word(rows, kind, columns)

    def _word_by_word(self, rows: list[tuple[object, ...]], kind: str, columns: Sequence[str]) -> Values:
        """The same where some text is no number: it is counted by its column."""
        values = np.full((len(rows), len(columns)), np.nan)
        for number, column in enumerate(columns):
            written = [row[number] for row in rows]
            values[:, number] = [float(v) if isinstance(v, int | float) else _number(v) for v in written]
            strange = sum(isinstance(v, str | bytes) and not _is_number(v) for v in written)
            if strange:
                name = self.feature(kind, column)
                self._not_numbers[name] = self._not_numbers.get(name, 0) + strange
        return values


def _with_number(table: _Table) -> _Table | None:
    """The table with the number of its objects under one name; None where it has none."""
    if OBJECT in table.columns:
        return table
    if NUMBER_OF_OBJECT in table.columns:
        return _Table(table.name, {**table.columns, OBJECT: table.columns[NUMBER_OF_OBJECT]})
    return None


def _plain(value: object) -> object:
    """A number that is written as text, as a number."""
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _is_number(value: str | bytes) -> bool:
    """Whether text holds a number, or a word for a missing one."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if text.strip().lower() in _MISSING:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


class SqliteReader:
    """Opens a file by its first bytes."""

    example: str = "an SQLite file of cytominer-database or ExportToDatabase"

    def fits(self, path: Path, /) -> bool:
        return path.is_file() and tables.kind(path) == tables.SQLITE

    def open(self, path: Path, /) -> list[Run]:
        return list[Run](self.measured(path))

    def measured(self, path: Path, /) -> list[Measured]:
        return [SqliteRun(path)]


READER = SqliteReader()
"""The reader of the family."""
