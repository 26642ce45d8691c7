"""The files of hits that a reader takes away: those that lie in the folder of the index."""

from __future__ import annotations

from pathlib import Path

from impasto.explorer.contents import Contents

NAMES = {
    "hits.csv": "text/csv; charset=utf-8",
    "hits.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""A file that can be taken away -> its media type."""


def downloads(contents: Contents, /) -> dict[str, Path]:
    """The files that there are.

    Parameters
    ----------
    contents
        Of the index.

    Returns
    -------
    dict[str, Path]
        Name -> file.

    """
    return {name: contents.folder / name for name in NAMES if (contents.folder / name).is_file()}
