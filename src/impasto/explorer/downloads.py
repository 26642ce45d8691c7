"""The files of hits that a reader takes away: those beside the index, or beside the assay that it belongs to."""

from __future__ import annotations

from pathlib import Path

from impasto.explorer.contents import Contents

NAMES = {
    "hits.csv": "text/csv; charset=utf-8",
    "hits.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""A file that can be taken away -> its media type."""
_OF_AN_ASSAY = "recipe.toml"


def downloads(contents: Contents, /) -> dict[str, Path]:
    """The files that there are.

    Parameters
    ----------
    contents
        Of the index.

    Returns
    -------
    dict[str, Path]
        Name -> file: in the folder of the index, else in the folder of the assay that holds it, which its recipe shows.

    """
    above = contents.folder.resolve().parent
    places = [contents.folder, *([above] if (above / _OF_AN_ASSAY).is_file() else [])]
    return {name: place / name for place in reversed(places) for name in NAMES if (place / name).is_file()}
