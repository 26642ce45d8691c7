"""The side of a pixel of images of cells, where the images themselves say it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd

from impasto.plates import pixel_size

PIXEL_UM = "pixel_um"
"""The column of `sites.parquet`: micrometres."""
_FILE, _FOLDER, _URL = "FileName_", "PathName_", "URL_"


def with_sizes(images: pd.DataFrame, /) -> pd.DataFrame:
    """Images with the side of their pixels.

    Parameters
    ----------
    images
        One row an image, with CellProfiler's columns of files (`FileName_DNA` and `PathName_DNA`, or `URL_DNA`) where there are any.

    Returns
    -------
    pandas.DataFrame
        With the column `pixel_um`: NaN where there is no such file, or it does not say. One that is there already stays.

    """
    if PIXEL_UM in images:
        return images
    sizes = [np.nan] * len(images)
    stain = next(
        (str(c).removeprefix(_FILE) for c in images if str(c).startswith(_FILE) and _FOLDER + str(c).removeprefix(_FILE) in images), None
    )
    url = next((str(c) for c in images if str(c).startswith(_URL)), None)
    if stain is not None:
        sizes = [_size(_joined(folder, name)) for folder, name in zip(images[_FOLDER + stain], images[_FILE + stain], strict=True)]
    elif url is not None:
        sizes = [_size(_local(address)) for address in images[url]]
    return images.assign(**{PIXEL_UM: np.array(sizes, dtype=np.float64)})


def said(images: pd.DataFrame, /) -> list[str]:
    """What is known of the side of a pixel, in words.

    Parameters
    ----------
    images
        As `with_sizes` gives them.

    Returns
    -------
    list[str]
        One sentence, or none where no image says it.

    """
    known = images[PIXEL_UM].dropna()
    if known.empty:
        return []
    sides = f"{known.min():.4g}" if known.min() == known.max() else f"{known.min():.4g} to {known.max():.4g}"
    return [f"a pixel is {sides} µm wide, as {len(known)} of {len(images)} images say"]


def _size(path: Path | None) -> float:
    size = pixel_size.of_image(path) if path is not None and path.is_file() else None
    return np.nan if size is None else size


def _joined(folder: object, name: object) -> Path | None:
    return Path(folder) / name if isinstance(folder, str) and isinstance(name, str) else None


def _local(address: object) -> Path | None:
    if not isinstance(address, str):
        return None
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
