"""The folders of the Cell Painting Gallery: which source, batch, plate, well and site a path of its tree speaks of.

    <source>/images/<batch>/images/<plate>__<date>-Measurement1/Images
    <source>/workspace/load_data_csv/<batch>/<plate>/load_data.csv
    <source>/workspace/analysis/<batch>/<plate>/analysis/<plate>-<well>-<site>/Image.csv

The last folder says plate, well and site by itself, wherever it was copied to.
"""

from __future__ import annotations

import os
import re

from impasto import remote, schema

_IMAGES = re.compile(r"(?:^|/)(?P<source>[^/]+)/images/(?P<batch>[^/]+)/images/[^/]+(?:/|$)")
_LOADDATA = re.compile(r"(?:^|/)(?:(?P<source>[^/]+)/)?workspace/load_data_csv/(?P<batch>[^/]+)/(?P<plate>[^/]+)$")
_ANALYSIS = re.compile(r"(?:^|/)(?P<source>[^/]+)/workspace/analysis/(?P<batch>[^/]+)/(?P<plate>[^/]+)/analysis/[^/]+$")
_SITE = re.compile(rf"(?:^|/)(?P<plate>[^/]+)-(?P<well>{schema.WELL_PATTERN})-(?P<site>\d+)$")


def of_images(folder: str, /) -> dict[str, str]:
    """Source and batch of a folder of images.

    Parameters
    ----------
    folder
        Its path or URL.

    Returns
    -------
    dict[str, str]
        Word of `schema` -> value; empty where the path is not of the gallery's form.

    """
    return _said(_IMAGES.search(_whole(folder)))


def of_load_data(folder: str, /) -> dict[str, str]:
    """Source, batch and plate of a folder of LoadData tables.

    Parameters
    ----------
    folder
        Its path or URL.

    Returns
    -------
    dict[str, str]
        Word of `schema` -> value, without a source where the path begins at `workspace`; empty where the path is of another form.

    """
    return _said(_LOADDATA.search(_whole(folder)))


def of_analysis(folder: str, /) -> dict[str, str]:
    """Source, batch, plate, well and site of a folder of CellProfiler's tables.

    Parameters
    ----------
    folder
        Its path or URL.

    Returns
    -------
    dict[str, str]
        Word of `schema` -> value, for what the path says.

    """
    whole = _whole(folder)
    return _said(_ANALYSIS.search(whole)) | _said(_SITE.search(whole))


def _whole(folder: str) -> str:
    return (folder if remote.url(folder) else os.path.abspath(folder).replace(os.sep, "/")).rstrip("/")


def _said(match: re.Match[str] | None) -> dict[str, str]:
    return {word: value for word, value in match.groupdict().items() if value} if match else {}
