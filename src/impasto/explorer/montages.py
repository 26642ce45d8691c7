"""Cells of a perturbation beside control cells of the same plates, chosen by their features, cut out of the images: one picture a row.

The folder of cells is named when the index is built; no request names it. Cells are compared once, when the first picture is asked for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path

from impasto import schema
from impasto.atlas import folder
from impasto.atlas.consensus import TREATED_AS
from impasto.cells import crops, pixels
from impasto.cells.folder import Cells
from impasto.cells.pixels import Pixels
from impasto.cells.whiten import Whitened, whiten
from impasto.evaluation import crop_rows, exemplars
from impasto.explorer.contents import Contents

COUNT = 6
_MOST = 64


class Montages:
    """The pictures of one index.

    Parameters
    ----------
    contents
        Of the index, whose cells are known.

    """

    def __init__(self, contents: Contents, /) -> None:
        self._contents = contents
        self._lock = threading.Lock()
        self._made: OrderedDict[int, tuple[bytes, list[str]]] = OrderedDict()

    def picture(self, row: int, /) -> tuple[bytes, list[str]]:
        """The picture of a perturbation.

        Parameters
        ----------
        row
            Of the table of perturbations.

        Returns
        -------
        content : bytes
            A JPEG.
        kinds : list[str]
            What its rows show, from the top, as `exemplars` names it.

        Raises
        ------
        InputError
            Its plates have no control cells, it has no cells, or the images cannot be read.

        """
        with self._lock:
            if row not in self._made:
                name = self._name(row)
                chosen = exemplars.choose(self._cells, name, count=COUNT, whitened=self._whitened)
                picture, kinds = crop_rows.grid(chosen, crop_rows.pictures(self._pixels, chosen, side=crops.side_of(self._cells)))
                self._made[row] = crop_rows.jpeg(picture), kinds
            self._made.move_to_end(row)
            while len(self._made) > _MOST:
                self._made.popitem(last=False)
            return self._made[row]

    def _name(self, row: int) -> str:
        rows = self._contents.rows
        return str(rows[TREATED_AS if self._contents.is_dose[row] else schema.PERTURBATION].iloc[row])

    @cached_property
    def _cells(self) -> Cells:
        return Cells(Path(str(self._contents.facts[folder.CELLS])))

    @cached_property
    def _pixels(self) -> Pixels:
        images = str(self._contents.facts.get(folder.CELLS_IMAGES) or "")
        return pixels.of(self._cells, Path(images) if images else None)

    @cached_property
    def _whitened(self) -> Whitened:
        return whiten(self._cells)
