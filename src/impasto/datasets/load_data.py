"""A LoadData table of the Cell Painting Gallery, cut to the wells that are wanted, its images named where they will lie.

The published table names images by `URL_Orig<Channel>`, or by `PathName_` and `FileName_`, at s3://. The cut one names them by folders
relative to itself, so that the whole folder can be moved. Illumination functions are left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from impasto import remote, schema, tables
from impasto.plates import files, loaddata
from impasto.schema import InputError


def cut(
    path: Path, beside: PurePosixPath, /, *, wells: Sequence[str], place: Callable[[str], PurePosixPath]
) -> tuple[pd.DataFrame, list[str]]:
    """Cut a table to some wells.

    Parameters
    ----------
    path
        The published table.
    beside
        The folder of the cut table, in the folder of the data set.
    wells
        A01, B02...; all where there is none.
    place
        URL of an image -> where it will lie in the folder of the data set.

    Returns
    -------
    frame : pandas.DataFrame
        The cut table.
    urls : list[str]
        Of its images, each once.

    Raises
    ------
    InputError
        It is no LoadData table, names images that are at no address, or lacks a well.

    """
    frame = tables.read(path)[0].astype(str)
    if not loaddata.is_loaddata(frame.columns):
        raise InputError(f"{path} is no LoadData table (it has {schema.listed(frame.columns)}); this is another file")
    words = loaddata.words_of(frame.columns)
    if schema.WELL not in words:
        raise InputError(f"{path}: no column says the well, so this is no table of a plate")
    if wells:
        frame = _of_wells(frame, words[schema.WELL], wells, path)
    channels = loaddata.channels_of(frame.columns)
    urls: dict[str, None] = {}
    cut_frame = frame[[column for column in frame if str(column).startswith(("Metadata_", "Image_Metadata_"))]].copy()
    for channel, columns in channels.items():
        of_channel = [_url(row, columns, path) for row in frame.to_dict("records")]
        urls |= dict.fromkeys(of_channel)
        lie = [place(url) for url in of_channel]
        cut_frame[f"FileName_Orig{channel}"] = [where.name for where in lie]
        cut_frame[f"PathName_Orig{channel}"] = [_relative(where.parent, beside) for where in lie]
    return cut_frame, list(urls)


def _of_wells(frame: pd.DataFrame, column: str, wells: Sequence[str], path: Path) -> pd.DataFrame:
    written = frame[column].map(schema.normal_well)
    lacking = sorted(set(wells) - set(written))
    if lacking:
        raise InputError(f"{path} has no well {', '.join(lacking)}; it has {schema.listed(sorted(set(written)))}")
    return frame[written.isin(wells)]


def _url(row: dict[str, str], columns: loaddata.Columns, path: Path) -> str:
    """The URL of one image. Raises InputError where the table names a path of another machine."""
    url = row.get(columns.url, "")
    if not url:
        url = files.written(row[columns.file], folder=row.get(columns.folder, ""), beside=str(path))
    if remote.url(url) != url:
        raise InputError(f"{path} names the image {url}, which is at no address; the images of this plate cannot be fetched")
    return url


def _relative(folder: PurePosixPath, beside: PurePosixPath) -> str:
    return os.path.relpath(folder, beside).replace(os.sep, "/")
