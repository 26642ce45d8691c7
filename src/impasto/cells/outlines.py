"""The outlines of cells of images: a label image a site in the folder of cells, where the number of a cell is its label.

They say which pixels of a crop belong to a neighbour. Cells of tables have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow.parquet as pq
import tifffile

from impasto import schema
from impasto.cells.columns import WORDS
from impasto.cells.folder import Cells
from impasto.cells.gather import file_of
from impasto.cells.segment import Labels
from impasto.cells.store import SITES
from impasto.plates import read
from impasto.plates.read import BadImage
from impasto.schema import InputError

FOLDER = "labels"
COLUMN = "outlines"
"""The column of `sites.parquet` that names the label image of a site, from the folder of cells. Images of CellProfiler have other names."""


def name_of(place: Mapping[str, object], /) -> str:
    """The label image of a site.

    Parameters
    ----------
    place
        Source, batch, plate, well and site.

    Returns
    -------
    str
        `labels/SOURCE/BATCH/PLATE/WELL_SITE.tif`, from the folder of cells.

    """
    source, batch, plate, well, site = (str(place[word]) for word in WORDS)
    return f"{FOLDER}/{Path(file_of((source, batch, plate))).with_suffix('')}/{quote(f'{well}_{site}', safe=' +=@,()')}.tif"


def write(path: Path, labels: Labels, /) -> None:
    """Write a label image.

    Parameters
    ----------
    path
        The file.
    labels
        (H, W) of cells, 0 for none.

    """
    small = labels.max(initial=0) <= np.iinfo(np.uint16).max
    tifffile.imwrite(path, labels.astype(np.uint16 if small else np.uint32), compression="zlib", software=False, metadata=None)


def remove(folder: Path, /, *, but: Sequence[str] = ()) -> None:
    """Remove the label images of an earlier run.

    Parameters
    ----------
    folder
        Of the cells; only files that its `sites.parquet` names are removed, and none outside of its label images.
    but
        Names that stay.

    """
    sites = folder / SITES
    if not sites.is_file() or COLUMN not in pq.read_schema(sites).names:
        return
    own = (folder / FOLDER).resolve()
    for name in set(pq.read_table(sites, columns=[COLUMN]).column(0).drop_null().to_pylist()) - set(but):
        if not (folder / name).resolve().is_relative_to(own):
            continue
        (folder / name).unlink(missing_ok=True)
        for above in (folder / name).parents:
            if above == folder or not above.is_dir() or any(above.iterdir()):
                break
            above.rmdir()


class Outlines:
    """The label images of a folder of cells.

    Parameters
    ----------
    cells
        The folder.

    Raises
    ------
    InputError
        It has none.

    """

    def __init__(self, cells: Cells, /) -> None:
        if COLUMN not in cells.sites:
            raise InputError(
                f"{cells.folder} keeps no outlines of its cells, so neighbours cannot be masked: cells of tables have none, and older "
                "folders of images are written again with impasto cells; or leave --masked out"
            )
        self._folder = cells.folder
        places = cells.sites[list(WORDS)].astype(str).itertuples(index=False, name=None)
        self._files = {place: file for place, file in zip(places, cells.sites[COLUMN], strict=True) if isinstance(file, str)}

    def of(self, place: tuple[str, ...], /) -> Labels:
        """The cells of a site.

        Parameters
        ----------
        place
            Source, batch, plate, well and site.

        Returns
        -------
        Labels
            (H, W), the number of a cell is its label.

        Raises
        ------
        InputError
            The site has no cells, or its label image cannot be read.

        """
        words = dict(zip(WORDS, place, strict=True))
        if place not in self._files:
            raise InputError(
                f"{self._folder}: plate {words[schema.PLATE]}, well {words[schema.WELL]}, site {words[schema.SITE]} has no cells"
            )
        try:
            return np.asarray(read.plane(self._folder / self._files[place]), dtype=np.int32)
        except BadImage as error:
            raise InputError(f"{self._folder / self._files[place]} cannot be read ({error.reason}); write the cells again") from error
