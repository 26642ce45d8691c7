"""Where the pixels of cells are: in ingested fields that are cut on demand, or in the crops of a .h5sc."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.cells import crops
from impasto.cells.columns import WORDS
from impasto.cells.crops import Crops
from impasto.cells.folder import Cells
from impasto.cells.h5sc import CROPS, CropFile
from impasto.cells.outlines import Outlines
from impasto.plates.sites import Sites
from impasto.schema import InputError

Windows = dict[str, npt.NDArray[np.float64]]


class Pixels(Protocol):
    """What cuts crops of cells."""

    @property
    def channels(self) -> Sequence[str]:
        """The stains that there are."""
        ...

    def cut(self, table: pd.DataFrame, /, *, side: int, channels: Sequence[str], masked: bool = ...) -> Crops:
        """Crops of some cells.

        Parameters
        ----------
        table
            One row a cell: its place, its number, and the centre of its nucleus.
        side
            Of a crop, in pixels.
        channels
            Which.
        masked
            Whether the neighbours of each cell are zeroed.

        Returns
        -------
        Crops
            In the order of the table.

        Raises
        ------
        InputError
            Neighbours are to be zeroed, and nobody says which pixels are theirs.

        """
        ...

    def windows(self, plates: Sequence[str], channels: Sequence[str], /) -> Windows:
        """What is black and what is full on each plate.

        Parameters
        ----------
        plates
            Their names.
        channels
            Which.

        Returns
        -------
        Windows
            Plate -> (channels, 2).

        """
        ...


class Fields(Pixels):
    """Crops of ingested fields.

    Parameters
    ----------
    sites
        The fields.
    cells
        The folder of cells that lie in them.

    """

    def __init__(self, sites: Sites, cells: Cells, /) -> None:
        self._sites, self._cells = sites, cells
        self._windows: dict[tuple[str, ...], npt.NDArray[np.float64]] = {}

    @property
    def channels(self) -> Sequence[str]:
        return self._sites.channels

    def cut(self, table: pd.DataFrame, /, *, side: int, channels: Sequence[str], masked: bool = False) -> Crops:
        return crops.cut(self._sites, table, side=side, channels=channels, outlines=self._outlines if masked else None)

    @cached_property
    def _outlines(self) -> Outlines:
        return Outlines(self._cells)

    def windows(self, plates: Sequence[str], channels: Sequence[str], /) -> Windows:
        for plate in plates:
            if (plate, *channels) not in self._windows:
                self._windows[plate, *channels] = crops.windows(self._sites, [plate], channels)[plate]
        return {plate: self._windows[plate, *channels] for plate in plates}


class Extracted(Pixels):
    """Crops that scPortrait has extracted. They keep their size and their scale: black is 0 and full is 1.

    Parameters
    ----------
    sites
        One row an image: its place, and the file of its crops.

    """

    def __init__(self, sites: pd.DataFrame, /) -> None:
        self._files = {path: CropFile(Path(path)) for path in sites[CROPS].unique()}
        self._file_of = dict(zip(sites[list(WORDS)].astype(str).itertuples(index=False, name=None), sites[CROPS], strict=True))
        self._rows = {path: {int(n): row for row, n in enumerate(file.numbers)} for path, file in self._files.items()}
        first = next(iter(self._files.values()))
        self._channels = [c for c in first.channels if all(c in f.channels for f in self._files.values())]

    @property
    def channels(self) -> Sequence[str]:
        return self._channels

    def cut(
        self,
        table: pd.DataFrame,
        /,
        *,
        side: int,  # noqa: ARG002 - they are cut already
        channels: Sequence[str],
        masked: bool = False,
    ) -> Crops:
        paths = [self._file_of[place] for place in table[list(WORDS)].astype(str).itertuples(index=False, name=None)]
        for path in set(paths):
            if len(self._rows[path]) < len(self._files[path].numbers):
                raise InputError(f"{path}: cells share their numbers, so it cannot be known which crop is whose; number them file by file")
        numbers = table[schema.OBJECT].astype(int).tolist()
        cut = [
            self._crop(self._files[path], self._rows[path][number], channels, masked) for path, number in zip(paths, numbers, strict=True)
        ]
        pixels = np.stack(cut)
        return Crops(pixels, np.ones((len(pixels), *pixels.shape[2:]), dtype=bool), tuple(channels))

    def _crop(self, file: CropFile, row: int, channels: Sequence[str], masked: bool) -> npt.NDArray[np.float32]:
        """One crop. Masked, all that lies outside the cell's own mask is 0: no other mask is in the file."""
        body = file.compartments["Cells"]
        whole = file.crops(np.array([row]), [*channels, *([body] if masked else [])])[0]
        return np.where(whole[-1] > 0, whole[:-1], np.float32(0)) if masked else whole

    def windows(self, plates: Sequence[str], channels: Sequence[str], /) -> Windows:
        return {plate: np.tile([0.0, 1.0], (len(channels), 1)) for plate in plates}


def of(cells: Cells, images: Path | None = None, /) -> Pixels:
    """The pixels that cells were measured in.

    Parameters
    ----------
    cells
        A folder of cells.
    images
        Ingested images; None where the cells tell which they are.

    Returns
    -------
    Pixels
        What cuts them.

    Raises
    ------
    InputError
        Nobody says where they are.

    """
    where = images if images is not None else cells.images
    if where is not None:
        return Fields(Sites.read(where), cells)
    if CROPS in cells.sites:
        return Extracted(cells.sites)
    raise InputError(
        f"{cells.folder} comes from tables, so it does not say which images these are; ingest them and give that folder: --images DIR"
    )
