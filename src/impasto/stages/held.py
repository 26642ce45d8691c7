"""What the inputs of a stage hold, by their headers, or by what an earlier stage of a recipe will leave: for estimates before work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from impasto import border
from impasto.profiles.shape import Shape, shape
from impasto.schema import InputError

if TYPE_CHECKING:
    import pandas as pd

    from impasto.object_tables.run import Run
    from impasto.plates.ingest import Found
    from impasto.plates.sites import Sites


class Images(NamedTuple):
    """Ingested images: how many, and what a site holds.

    Attributes
    ----------
    sites, wells
        How many.
    channels, height, width
        Of a site, as its first one is.
    itemsize
        Bytes of a pixel.

    """

    sites: int
    wells: int
    channels: int
    height: int
    width: int
    itemsize: int

    @property
    def pixels(self) -> int:
        """Of all planes of all sites."""
        return self.sites * self.channels * self.height * self.width

    @property
    def bytes_of_site(self) -> int:
        """Of all its planes."""
        return self.channels * self.height * self.width * self.itemsize


class CellRows(NamedTuple):
    """A folder of cells.

    Attributes
    ----------
    rows, width
        Cells and features.
    wells
        How many.
    largest
        Bytes of the values of its largest plate.

    """

    rows: int
    width: int
    wells: int
    largest: int


Held = Shape | Images | CellRows
Known = TypeVar("Known", Shape, Images, CellRows)


class Sizes:
    """What lies at a path, or will. What a stage is expected to leave goes before what an older run has left there."""

    def __init__(self) -> None:
        self._to_come: dict[Path, Held] = {}

    def expect(self, held: Mapping[Path, Held], /) -> None:
        """Note what a stage will leave.

        Parameters
        ----------
        held
            Path -> what it will hold.

        """
        self._to_come |= {_whole(path): what for path, what in held.items()}

    def _seen(self, path: Path, kind: type[Known], at: Callable[[Path], Known | None]) -> Known | None:
        held = self._to_come.get(_whole(path))
        if held is None:
            return border.glance(lambda: at(path))
        return held if isinstance(held, kind) else None

    def table(self, path: Path, /) -> Shape | None:
        """Rows and features of a table of profiles.

        Parameters
        ----------
        path
            The table.

        Returns
        -------
        Shape or None
            None where nothing says it.

        """
        return self._seen(path, Shape, shape)

    def in_memory(self, path: Path, /) -> Shape | None:
        """The same of a table that is read whole.

        Parameters
        ----------
        path
            The table.

        Returns
        -------
        Shape or None
            None for a folder of plates.

        """
        seen = self.table(path)
        return None if seen is None or seen.largest is not None else seen

    def images(self, folder: Path, /) -> Images | None:
        """The images of an ingested folder.

        Parameters
        ----------
        folder
            What `impasto ingest` wrote, or will.

        Returns
        -------
        Images or None
            None where they lie elsewhere, or the first cannot be read.

        """
        return self._seen(folder, Images, _images_at)

    def cells(self, folder: Path, /) -> CellRows | None:
        """The cells of a folder.

        Parameters
        ----------
        folder
            What `impasto cells` wrote, or will.

        Returns
        -------
        CellRows or None
            None where it holds none, or nothing says how many.

        """
        return self._seen(folder, CellRows, _cells_at)


def of_found(contents: Found, out: Path, /) -> dict[Path, Held]:
    """What an ingest of these contents will leave.

    Parameters
    ----------
    contents
        What its sources hold.
    out
        The folder that it writes.

    Returns
    -------
    dict
        Path -> what it will hold; of images the folder, of tables the file in it.

    """
    from impasto.plates.sites import Sites

    if contents.profiles is not None:
        return {out / "profiles.parquet": Shape(*contents.profiles.shape)}
    sites = Sites(contents.planes, contents.wells, folder=out)
    held = _images_of(sites, sites=len(sites.table), wells=len(contents.wells))
    return {out: held} if held is not None else {}


def of_runs(opened: Sequence[Run], images: pd.DataFrame, /, *, values: float) -> CellRows:
    """What tables of cells will leave.

    Parameters
    ----------
    opened
        Their runs.
    images
        The images of these, each with its place.
    values
        How many numbers the tables hold; the images of each plate are taken to have equally many.

    Returns
    -------
    CellRows
        Of the features of all kinds of objects.

    """
    from impasto.cells.columns import WORDS, is_feature

    columns = sum(len(names) for names in opened[0].objects.values())
    width = sum(is_feature(opened[0].feature(kind, name)) for kind, names in opened[0].objects.items() for name in names)
    # With several kinds of objects, each cell has a row of each.
    rows = round(values / columns)
    place = [word for word in WORDS[:4] if word in images]
    largest = float(images.groupby(place[:-1], dropna=False).size().max()) / len(images)
    return CellRows(rows, width, len(images[place].drop_duplicates()), int(largest * rows * width * 4))


def _images_at(folder: Path) -> Images | None:
    import pyarrow.parquet as pq

    from impasto.plates.sites import Sites
    from impasto.profiling.extract import plates_of

    index = plates_of(folder)
    if index.is_remote or not len(index):
        return None
    wells = pq.read_metadata(folder / "wells.parquet").num_rows if (folder / "wells.parquet").exists() else 0
    return _images_of(Sites.read(folder, plate=index.names[0]), sites=len(index), wells=wells)


def _images_of(part: Sites, *, sites: int, wells: int) -> Images | None:
    """So many sites and wells, of which a part is at hand; all are taken to be as large as its first."""
    from impasto.plates.read import BadImage

    try:
        first = part.image(0)
    except (BadImage, InputError, OSError, IndexError):
        return None
    channels, height, width = first.shape
    return Images(sites, wells, channels, height, width, first.itemsize)


def _cells_at(folder: Path) -> CellRows | None:
    from impasto.cells.folder import Cells, is_folder_of_cells

    if not is_folder_of_cells(folder):
        return None
    cells = Cells.unchecked(folder)
    sizes = [seen for name in cells.plates if (seen := shape(folder / cells.plate(name).file)) is not None]
    largest = max((seen.bytes for seen in sizes), default=0)
    return CellRows(sum(seen.rows for seen in sizes), len(cells.features), len(cells.wells), largest)


def _whole(path: Path) -> Path:
    return Path(os.path.abspath(path))
