"""Text with separators (CSV, TSV, and what Excel and instruments call so): encoding, separator, preamble, decimal commas.

All is inferred from the first 64 kB, or the first 12 lines where those are longer; the file itself goes to pandas once. What was inferred
is said. Nothing is guessed from statistics of letters: text is UTF-8 or UTF-16, or else cp1252.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from impasto import border
from impasto.schema import InputError

SAMPLE = 65_536
MISSING = (
    *("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "#NV", "#VALUE!", "#DIV/0!", "-nan"),
    *("1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND", "nan(ind)", "-nan(ind)"),  # as Windows writes them
    *("Undefined", "undefined"),
)
"""What stands for a missing value."""
SEPARATORS = "\t;,|"
_FIRST, _LONGEST = 12, 16 << 20
"""Lines that are looked at however long they are, and the bytes after which they are given up."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_COMMA_NUMBER = r"\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*"
_PLATE_LINE = re.compile(
    r"^\W*(?:plate|plate[ _]?name|plate[ _]?id|plate[ _]?barcode|barcode)\W*[:=,;\t]\W*(?P<plate>[^,;\t]+?)[\s,;\"]*$", re.I
)

IsName = Callable[[str], bool]


@dataclass(frozen=True)
class Layout:
    """How a text is laid out.

    Attributes
    ----------
    encoding
        A name that Python knows.
    separator
        One letter.
    preamble
        The records above the header.
    records
        The first records, from the header on.

    """

    encoding: str
    separator: str
    preamble: tuple[tuple[str, ...], ...]
    records: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, as they are written."""
        return self.records[0] if self.records else ()


def layout(path: Path, *, encoding: str | None = None) -> Layout:
    """Look at the beginning of a text: 64 kB, or its first lines where they are longer.

    Parameters
    ----------
    path
        Of the text, plain or gzipped.
    encoding
        Its encoding; inferred from the bytes where it is None.

    Returns
    -------
    Layout
        Encoding, separator, preamble and the first records.

    Raises
    ------
    InputError
        The text holds no table, or is not written in its encoding.

    """
    raw, is_whole = _head(path)
    used = encoding or _encoding(raw)
    try:
        text = _decoded(raw, used, is_whole=is_whole)
    except UnicodeDecodeError:
        if encoding:
            raise InputError(f"{path} is not written in {encoding}; leave out --encoding, or say another one") from None
        used = "cp1252"
        text = _whole_lines(_cp1252(raw, path), is_whole=is_whole)
    except LookupError:
        raise InputError(f"{encoding!r} is no encoding that Python knows; try --encoding cp1252, utf-8, utf-16 or shift_jis") from None
    text = text.lstrip("\ufeff")
    separator, records = _records(text)
    filled = [sum(bool(cell.strip()) for cell in record) for record in records[:60]]
    if not filled or not max(filled):
        raise InputError(f"{path} holds no table: it is empty")
    first = header_row(records)
    return Layout(used, separator, tuple(map(tuple, records[:first])), tuple(map(tuple, records[first:])))


def cells(path: Path, seen: Layout, /) -> list[list[str]]:
    """All cells of a text.

    Parameters
    ----------
    path
        Of the text, plain or gzipped.
    seen
        Its layout.

    Returns
    -------
    list[list[str]]
        One list a record, those above the header too.

    """
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    try:
        text = raw.decode(seen.encoding)
    except UnicodeDecodeError:
        text = _cp1252(raw, path)
    return list(csv.reader(io.StringIO(text), delimiter=seen.separator))


def header_row(records: Sequence[Sequence[str]]) -> int:
    """The number of the header among records. A column that numbers the rows may have no heading.

    Parameters
    ----------
    records
        Of a text or a sheet, one of them not empty.

    Returns
    -------
    int
        The first record that has at least three quarters of the cells of the fullest.

    """
    filled = [sum(bool(str(cell).strip()) for cell in record) for record in records[:60]]
    filled = [n + 1 if n > 1 and not str(record[0]).strip() else n for n, record in zip(filled, records[:60], strict=True)]
    return next(number for number, count in enumerate(filled) if count >= 0.75 * max(filled))


def read(path: Path, *, is_name: IsName, encoding: str | None = None, header_rows: int = 1) -> tuple[pd.DataFrame, list[str]]:
    """A text as a table.

    Parameters
    ----------
    path
        CSV, TSV or the like, plain or gzipped.
    is_name
        Whether a column of this name holds names (plates, wells, compounds): text, even where all are digits.
    encoding
        Its encoding. UTF-8, UTF-16 or cp1252, inferred from the bytes, where it is None.
    header_rows
        2 for CellProfiler's tables of several objects; their columns are then named `(object, measurement)`.

    Returns
    -------
    table : pandas.DataFrame
        One row a record below the header.
    how : list[str]
        What was inferred, in sentences.

    """
    seen = layout(path, encoding=encoding)
    options, how = _options(seen, path, is_name=is_name, header_rows=header_rows)
    try:
        table = _to_pandas(path, seen.encoding, options)
    except UnicodeDecodeError:
        _cp1252(path.read_bytes(), path)
        table = _to_pandas(path, "cp1252", options)
        how.insert(0, "encoding cp1252, as it is not UTF-8")
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index(names="row_name")
    if header_rows == 1:
        table = _tidy(table)
    plate = _plate_of(seen)
    if plate and header_rows == 1:
        table["Metadata_Plate"] = plate
        how.append(f"plate {plate}, from a line above the header")
    return table, how


def parts(path: Path, *, is_name: IsName, rows: int) -> Iterator[pd.DataFrame]:
    """The table that `read` gives, in parts, for a text that as a whole would take too much memory.

    Parameters
    ----------
    path
        CSV, TSV or the like, plain or gzipped.
    is_name
        As `read` takes it.
    rows
        How many rows a part has.

    Returns
    -------
    Iterator[pandas.DataFrame]
        The parts in order; none where the text has no row.

    """
    seen = layout(path)
    options, _ = _options(seen, path, is_name=is_name, header_rows=1)
    encoding = seen.encoding if seen.encoding != "utf-8" or _is_utf8(path) else "cp1252"
    plate = _plate_of(seen)
    with pd.read_csv(path, encoding=encoding, low_memory=False, chunksize=rows, **options) as reader:
        for part in reader:
            part = _tidy(part.reset_index(drop=isinstance(part.index, pd.RangeIndex)))
            yield part.assign(Metadata_Plate=plate) if plate else part


def lines(path: Path) -> int:
    """How many lines a text has.

    Parameters
    ----------
    path
        Of the text, plain or gzipped.

    Returns
    -------
    int
        How often a line ends in it.

    """
    with _opened(path) as handle:
        return sum(piece.count(b"\n") for piece in iter(lambda: handle.read(1 << 20), b""))


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as handle:
        try:
            while piece := handle.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _options(seen: Layout, path: Path, *, is_name: IsName, header_rows: int) -> tuple[dict[str, Any], list[str]]:
    """The options for pandas, and what was inferred, in sentences. Raises InputError where a header or decimals stand twice."""
    _refuse_doubled(seen.header, path, allowed=header_rows > 1)
    wider = [number for number, record in enumerate(seen.records[1:50], start=2) if len(record) > len(seen.header) + 1]
    if wider and not _trailing_separator(seen):
        raise InputError(
            f"{path}: row {wider[0]} has {len(seen.records[wider[0] - 1])} cells, the header {len(seen.header)}; give every column a name"
        )
    decimal, how = decimal_mark(seen, path, header_rows=header_rows)
    names = list(seen.header)
    texts = {c for c in names if is_name(c)} | {c for i, c in enumerate(names) if _has_leading_zeros(seen.records[1:21], i)}
    options: dict[str, Any] = {
        "sep": seen.separator,
        "skiprows": len(seen.preamble),
        "decimal": decimal,
        "dtype": dict.fromkeys(texts, "string") if header_rows == 1 else None,
        "header": 0 if header_rows == 1 else [0, 1],
        "keep_default_na": False,
        "na_values": list(MISSING),
        "index_col": False if _trailing_separator(seen) else None,
        "usecols": list(range(len(seen.header))) if _trailing_separator(seen) else None,
    }
    return options, [*_said(seen), *how]


def _to_pandas(path: Path, encoding: str, options: dict[str, Any]) -> pd.DataFrame:
    """Read in parts, which is faster; as a whole where a column is of two kinds, so that its texts stay as they are written."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.DtypeWarning)
        try:
            return pd.read_csv(path, encoding=encoding, **options)
        except pd.errors.DtypeWarning:
            return pd.read_csv(path, encoding=encoding, low_memory=False, **options)


def _said(seen: Layout) -> list[str]:
    how = []
    if seen.encoding not in ("utf-8", "utf-8-sig"):
        how.append(f"encoding {seen.encoding}" + (", as it is not UTF-8" if seen.encoding == "cp1252" else ""))
    if seen.separator not in ",\t":
        how.append(f"separator {seen.separator!r}")
    if seen.preamble:
        how.append(f"{len(seen.preamble)} lines above the header left out")
    return how


def _head(path: Path) -> tuple[bytes, bool]:
    """The beginning of a text, and whether that is all of it."""
    with _opened(path) as handle:
        raw = handle.read(SAMPLE)
        while max(raw.count(b"\n"), raw.count(b"\r")) < _FIRST and len(raw) < _LONGEST and (more := handle.read(SAMPLE)):
            raw += more
        return raw, not handle.read(1)


def _decoded(raw: bytes, encoding: str, *, is_whole: bool) -> str:
    """Whole lines of the beginning of a text; a letter that is cut at its end is left out."""
    return _whole_lines(codecs.getincrementaldecoder(encoding)().decode(raw, final=is_whole), is_whole=is_whole)


def _whole_lines(text: str, *, is_whole: bool) -> str:
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text if is_whole or not end else text[:end]


def _opened(path: Path) -> IO[bytes]:
    """A text, plain or gzipped, open for its bytes."""
    border.refuse_odd(path)
    with path.open("rb") as handle:
        zipped = handle.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def _encoding(raw: bytes) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if raw[:4000].count(0) > len(raw[:4000]) / 8:
        return "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    return "utf-8"


def _cp1252(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise InputError(f"{path} is neither UTF-8 nor cp1252; say how it is written, for example --encoding shift_jis") from None


def _records(text: str) -> tuple[str, list[list[str]]]:
    """The separator that gives most records of one width, and the records it gives."""
    best: tuple[tuple[int, int], str, list[list[str]]] = ((0, 0), ",", [[line] for line in text.splitlines()])
    for separator in SEPARATORS:
        try:
            records = list(csv.reader(io.StringIO(text, newline=None), delimiter=separator))
        except csv.Error:
            continue
        widths = Counter(len(record) for record in records[:200] if len(record) > 1)
        if widths:
            width, count = max(widths.items(), key=lambda item: (item[1] * min(item[0], 4), item[0]))
            if (count * min(width, 4), width) > best[0]:
                best = ((count * min(width, 4), width), separator, records)
    return best[1], best[2]


def _trailing_separator(seen: Layout) -> bool:
    """Whether the rows end in separators that the header lacks."""
    width, body = len(seen.header), [record for record in seen.records[1:50] if record]
    return any(len(record) > width for record in body) and not any("".join(record[width:]).strip() for record in body)


def _has_leading_zeros(records: Sequence[Sequence[str]], column: int) -> bool:
    return any(re.fullmatch(r"0\d+", record[column].strip()) for record in records if column < len(record))


def decimal_mark(seen: Layout, path: Path, /, *, header_rows: int = 1) -> tuple[str, list[str]]:
    """Decimal comma or point, where columns of the sample show it.

    Parameters
    ----------
    seen
        The layout of a text.
    path
        Its name, for the error sentence.
    header_rows
        How many of its records are no values.

    Returns
    -------
    mark : str
        `.` or `,`.
    how : list[str]
        What was inferred, in sentences.

    Raises
    ------
    InputError
        One column has commas and another points.

    """
    if seen.separator == ",":
        return ".", []
    commas, points = [], []
    for number, name in enumerate(seen.header):
        cells = [r[number].strip() for r in seen.records[header_rows:] if number < len(r) and r[number].strip() not in MISSING]
        if any("," in cell for cell in cells) and all(re.fullmatch(_COMMA_NUMBER, cell) for cell in cells):
            commas.append(name)
        elif any("." in cell for cell in cells) and all(re.fullmatch(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?", cell) for cell in cells):
            points.append(name)
    if commas and points:
        raise InputError(f"{path}: column {commas[0]!r} has decimal commas and {points[0]!r} decimal points; write all with one of them")
    return (",", [f"decimal commas in {len(commas)} columns"]) if commas else (".", [])


def _refuse_doubled(header: Sequence[str], path: Path, *, allowed: bool) -> None:
    doubled = [name for name, count in Counter(name.strip() for name in header if name.strip()).items() if count > 1]
    if doubled and not allowed:
        raise InputError(
            f"{path}: {len(doubled)} names stand above more than one column (first: {doubled[0]!r}); rename or drop one of them"
        )


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Names without blanks at their ends; no columns without name and values, no rows without values."""
    table.columns = pd.Index([str(name).strip().lstrip("\ufeff") for name in table.columns])
    blank = [c for c in table.columns if c.startswith("Unnamed:") and table[c].isna().all()]
    table = table.drop(columns=blank)
    suspects = table.iloc[:, 0].isna().to_numpy() if len(table.columns) else None
    if suspects is not None and suspects.any():
        empty = table[suspects].isna().all(axis=1)
        table = table.drop(index=empty.index[empty]).reset_index(drop=True)
    return table


def _plate_of(seen: Layout) -> str:
    """The plate that a line above the header names (Harmony's `Plate Name: BR00117010`), unless a column says it."""
    if any("plate" in name.lower() or "barcode" in name.lower() for name in seen.header):
        return ""
    plates = [m["plate"].strip() for record in seen.preamble if (m := _PLATE_LINE.match("\t".join(record).rstrip()))]
    return plates[0] if len(plates) == 1 else ""
