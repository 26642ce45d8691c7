"""Which columns of a table are features, by where the table comes from; bookkeeping never becomes a feature in silence.

Features are CellProfiler's names of any object, embeddings, columns numbered in a row, and Harmony's names with ` - `. All columns
without a `Metadata_` prefix are features in a table that uses the prefix and few of CellProfiler's names. Other numeric columns are
refused until the user says what they are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from impasto import feature_names
from impasto.schema import InputError

REST = "rest"
"""`--features rest`: every other numeric column."""
BOOKKEEPING = re.compile(
    r"(?i)(^|_)(Location|Number|Parent|Children)_|(^|_)(ImageNumber|ObjectNumber|TableNumber)$"
    r"|^Image_(ExecutionTime|Group|Count|Channel|FileName|PathName|URL|Frame|Height|Width|Series|Scaling|Threshold|ModuleError"
    r"|ProcessingStatus|MD5Digest|Metadata)(_.*)?$"
    r"|AreaShape_(Center|BoundingBox(Minimum|Maximum)?)_|ClosestObjectNumber|(^|_)TrackObjects_|^Unnamed|^row_name$|^__index_level_\d+__$"
    r"|^(index|level_\d+|row|col|column|tile|site|field|frame|plane|timepoint|time|label|cell(_?id)?|object_?id|number of .*fields"
    r"|height|time \[s\]|position ?[xyz]?( \[.*\])?)$"
    r"|^(cell|label|mask|area_label|[ijxyz]|row|col)_\d+$|^(centroid|bbox|coords?)[-_]\d+$"
)
"""What programs write down beside what they measure: positions, numbers of objects and images, thresholds, times."""
_EMBEDDING = re.compile(r"(?i)^((.*[_.])?emb(edding)?s?_?(.+_)?|(efficientnet|resnet|dino(v2)?|feature|feat|f|dim|x|pc|z)_?)\d+$")
_NUMBERED = 4
"""So many columns numbered in a row are an embedding."""


@dataclass(frozen=True)
class Features:
    """The features of a table.

    Attributes
    ----------
    names
        Of the features.
    left_out
        Columns that the user leaves out, and bookkeeping.
    how
        By which form of names the features were recognised.

    """

    names: list[str]
    left_out: list[str]
    how: str


def tell(
    frame: pd.DataFrame,
    /,
    *,
    annotation: Collection[str],
    pattern: str | None,
    where: str,
    prefixed: int = 0,
    leave_out: Sequence[str] = (),
    known: Collection[str] = (),
    ours: bool = False,
) -> Features:
    """Tell the features of a table.

    Parameters
    ----------
    frame
        n rows; annotation, features and bookkeeping.
    annotation
        Columns that are annotation for certain.
    pattern
        A regular expression that names the features, or `rest` for every other numeric column.
    where
        The name of the table, for error sentences.
    prefixed
        How many columns carry a `Metadata_` prefix.
    leave_out
        Columns that the user leaves out.
    known
        Columns that are features for certain: the variables of an AnnData.
    ours
        Whether `known` are the features to the last, as in a file that we wrote.

    Returns
    -------
    Features
        The names of features, those left out, and by which form they were recognised.

    Raises
    ------
    InputError
        Where a feature holds text, numeric columns follow no known form, or there is no feature.

    """
    missing = [name for name in leave_out if name not in frame.columns]
    if missing:
        raise InputError(f"{where}: there is no column {missing[0]!r} to leave out")
    free = [c for c in map(str, frame.columns) if c not in annotation and c not in leave_out]
    if ours and pattern is None:
        known = set(known)
        own = [c for c in free if c in known]
        numbers = {str(name) for name, dtype in frame.dtypes.items() if _is_number(dtype)}
        _refuse_text(frame, [c for c in own if c not in numbers], where)
        return Features(_some(own, where), list(leave_out), "as impasto wrote it")
    if pattern not in (None, REST):
        chosen = [c for c in map(str, frame.columns) if re.search(pattern, c) and c not in leave_out]
        _refuse_text(frame, [c for c in chosen if not _numeric(frame[c])], where)
        rest = [c for c in free if c not in chosen and _numeric(frame[c])]
        return Features(_some(chosen, where), [*leave_out, *rest], f"--features {pattern}")
    runs = _runs(free)
    book = [c for c in free if BOOKKEEPING.search(c) and c not in runs]
    free = [c for c in free if c in runs or not BOOKKEEPING.search(c)]
    # Types of all columns at once: a table may have thousands.
    numbers = {str(name) for name, dtype in frame.dtypes.items() if _is_number(dtype)}
    numeric, known = [c for c in free if c in numbers], set(known)
    textual = [c for c in free if c not in numbers and (c in known or _has_form(c) or _mostly_numbers(frame[c]))]
    _refuse_text(frame, textual, where)
    if pattern == REST:
        return Features(_some(numeric, where), [*leave_out, *book], "every other numeric column (--features rest)")
    by_form = _by_form(frame, numeric, known)
    named = {c for columns in by_form.values() for c in columns}
    strange = [c for c in numeric if c not in named]
    if strange and is_harmony(frame):
        book, strange = [*book, *strange], []
    if strange and prefixed >= 2 and len(named) <= len(strange):
        named, strange, by_form = set(numeric), [], {"every numeric column without Metadata_": numeric}
    if strange:
        first = ", ".join(strange[:5]) + ("..." if len(strange) > 5 else "")
        raise InputError(
            f"{where}: {len(strange)} numeric columns follow no form that is known ({first}); features: --features rest (or a regular "
            f"expression); annotation: --annotation {','.join(map(shlex.quote, strange[:3]))}"
        )
    how = " and ".join(name for name, columns in by_form.items() if columns)
    return Features(_some([c for c in numeric if c in named], where), [*leave_out, *book], how)


def _by_form(frame: pd.DataFrame, numeric: Sequence[str], known: Collection[str]) -> dict[str, list[str]]:
    """Numeric columns by the form that their names follow; a column of no form is in none."""
    return {
        "the variables of the AnnData": [c for c in numeric if c in known],
        "CellProfiler's names": [c for c in numeric if feature_names.parse(c).known and not _EMBEDDING.match(c)],
        "embeddings": [c for c in numeric if _EMBEDDING.match(c)],
        "columns numbered in a row": _numbered(numeric),
        "Harmony's names": [c for c in numeric if " - " in c] if is_harmony(frame) else [],
    }


def _numeric(column: pd.Series) -> bool:
    return _is_number(column.dtype)


def _is_number(dtype: object) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _has_form(column: str) -> bool:
    return feature_names.parse(column).known or bool(_EMBEDDING.match(column))


def _mostly_numbers(column: pd.Series) -> bool:
    """Whether a column of text holds numbers but for a few cells: a measurement with a stray word."""
    if not (column.dtype == object or isinstance(column.dtype, pd.StringDtype)):
        return False
    numbers = pd.to_numeric(column, errors="coerce").notna().sum()
    return bool(0 < column.notna().sum() - numbers <= numbers)


def _refuse_text(frame: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """A measurement that came as text (one stray word in a CSV) must not become annotation unseen."""
    for name in columns:
        column = frame[name]
        text = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        if not text.any():
            if column.notna().any() and not pd.api.types.is_bool_dtype(column):
                continue
            raise InputError(f"{where}: feature {name!r} holds no number; leave it out: --leave-out {shlex.quote(name)}")
        row = int(text.to_numpy().argmax())
        raise InputError(
            f"{where}: feature {name!r} holds text (first: {str(column.iloc[row])!r}, row {row + 2}); mend it or "
            f"--leave-out {shlex.quote(name)}"
        )


def _numbered(columns: Sequence[str]) -> list[str]:
    digits = [c for c in columns if c.isdigit()]
    return digits if _in_a_row([int(c) for c in digits]) else []


def _runs(columns: Sequence[str]) -> set[str]:
    """Columns like `X_1` to `X_259`, an embedding (as JUMP publishes its profiles); `x_0` and `y_0` alone are positions."""
    stems: dict[str, list[str]] = {}
    for column in columns:
        if _EMBEDDING.match(column):
            stems.setdefault(column.rstrip("0123456789"), []).append(column)
    return {column for run in stems.values() if _in_a_row([int(c[len(c.rstrip("0123456789")) :]) for c in run]) for column in run}


def _in_a_row(numbers: Sequence[int]) -> bool:
    return len(numbers) >= _NUMBERED and sorted(numbers) == list(range(min(numbers), min(numbers) + len(numbers)))


def is_harmony(frame: pd.DataFrame, /) -> bool:
    """Whether a table is Harmony's or Columbus's: rows and columns as numbers, beside planes, times and fields.

    Parameters
    ----------
    frame
        The table; only the names of its columns are read.

    Returns
    -------
    bool
        True where the names are those that Harmony writes.

    """
    names = set(map(str, frame.columns))
    return {"Row", "Column"} <= names and any(
        n.startswith(("Plane", "Timepoint", "Height [", "Time [", "Number of Analyzed")) for n in names
    )


def _some(names: list[str], where: str) -> list[str]:
    if not names:
        raise InputError(f"{where}: no feature columns found; name them with --features and a regular expression, or --features rest")
    return names
