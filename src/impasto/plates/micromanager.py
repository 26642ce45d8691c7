"""Micro-Manager's `metadata.txt`, beside the images of a position: what the channels are called that names of files only number."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from impasto.plates import files
from impasto.plates.columns import coded_rows, recoded

_NAME, _CHANNELS = "metadata.txt", '"ChNames"'
_READ = 1 << 22
"""So many characters of a list are looked at: the names stand in its summary, which comes first."""


def apply(frame: pd.DataFrame, /) -> pd.DataFrame:
    """Name the channels of planes by the lists that lie beside them.

    Parameters
    ----------
    frame
        Planes with `folder`, `number` (from 0, as Micro-Manager counts) and `channel`.

    Returns
    -------
    pandas.DataFrame
        The planes, with `channel` replaced where a list names it, and `number` from 1.

    """
    names = {folder: channel_names(files.folder(folder) / _NAME) for folder in frame["folder"].array.categories}
    code, several = coded_rows(frame, ["folder", "number", "channel"])
    shown, numbers = {}, {}
    for row, (folder, number, channel) in enumerate(several):
        at = int(number) if number.isdecimal() else -1
        shown[row] = names[folder][at] if 0 <= at < len(names[folder]) else channel
        numbers[row] = str(at + 1) if at >= 0 else number
    return frame.assign(channel=recoded(code, shown), number=recoded(code, numbers))


def channel_names(path: Path, /) -> tuple[str, ...]:
    """The names of the channels that a list names.

    Parameters
    ----------
    path
        Of the list. One that was cut off at its end still names them.

    Returns
    -------
    tuple[str, ...]
        In their order; none where there is no such list or it names none.

    """
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", errors="replace") as handle:
        _, heading, rest = handle.read(_READ).partition(_CHANNELS)
    try:
        names, _ = json.JSONDecoder().raw_decode(rest.lstrip(" \t\r\n:")) if heading else ([], 0)
    except ValueError:
        return ()
    return tuple(str(name).strip() for name in names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else ()
