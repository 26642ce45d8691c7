"""Sites: what `impasto ingest` found, opened for reading. One row a site; pixels are read when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from impasto import border, remote, schema
from impasto.plates import pixel_size, plate_index, read, zarr_stores
from impasto.plates.planes import AT, FOLDER, ILLUMINATION, KEYS, NAME, OFFSET, PAGE, PATH, compact, places, sorted_by_place
from impasto.plates.planes import read as read_planes
from impasto.plates.plate_index import PlateIndex
from impasto.schema import InputError


class Sites:
    """The sites of an ingested folder.

    Parameters
    ----------
    planes
        The planes of all sites, in the form of `planes.read` or `planes.on_disk`.
    annotation
        Of their wells; may be empty.
    folder
        The ingested folder.
    among
        The plates of the folder, where these are the sites of one of them.

    Attributes
    ----------
    table
        One row a site, sorted by source, batch, plate, well and site, with the annotation of its well.
    channels
        The stains that every plate of the folder has, sorted: what sites are read in where nobody says otherwise.
    not_everywhere
        The stains that some plates lack, each with how many plates have it.
    has_illumination
        Whether a table has named functions of illumination.

    """

    def __init__(
        self, planes: pd.DataFrame, annotation: pd.DataFrame, *, folder: Path, among: tuple[PlateIndex, str] | None = None
    ) -> None:
        self.folder = folder
        keys = list(KEYS)
        # Of the caller's table nothing is taken.
        planes = sorted_by_place(compact(planes) if PATH in planes else planes.copy(deep=False))
        place = places(planes, KEYS)
        first = np.diff(place, prepend=-1) != 0
        self.table = planes.loc[first, keys].astype(str).reset_index(drop=True)
        self._ends = np.append(np.flatnonzero(first), len(planes))
        self._planes = planes.drop(columns=keys)
        if len(annotation):
            shared = [key for key in (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL) if key in annotation]
            self.table = self.table.merge(annotation, on=shared, how="left", validate="many_to_one")
        plates = plate_index.of_planes(planes) if among is None else None
        self._index, name = (plate_index.from_table(plates), "") if plates is not None else among  # type: ignore[misc]
        self._codes = np.repeat(np.arange(len(self._index.names)), self._index.sites) if among is None else np.zeros(len(self.table), int)
        self._names = list(self._index.names) if among is None else [name]
        self.channels: list[str] = list(self._index.channels)
        self.not_everywhere: dict[str, int] = self._index.not_everywhere
        self.has_illumination = self._index.has_illumination

    @property
    def index(self) -> PlateIndex:
        """The plates of the folder."""
        return self._index

    @classmethod
    def read(cls, folder: Path | str, *, plate: str | None = None) -> Sites:
        """Open what `impasto ingest` left.

        Parameters
        ----------
        folder
            The ingested folder.
        plate
            The only plate whose sites are wanted; nothing else is read.

        Returns
        -------
        Sites
            All of its sites, or those of the plate.

        Raises
        ------
        InputError
            The folder holds no ingested images.

        """
        folder = Path(folder)
        plate_index.require(folder)
        index = plate_index.read(folder) if plate is not None else None
        if plate is not None and index is not None and (row_group := plate_index.rows_of(folder, index, plate)) is not None:
            planes = read_planes(folder / plate_index.PLANES, row_group=row_group)
            return cls(planes, _annotation(folder, planes), folder=folder, among=(index, plate))
        planes = read_planes(folder / plate_index.PLANES)
        if planes.empty:
            raise InputError(f"{folder}/images.parquet lists no image; ingest the plates again: impasto ingest IMAGES --out INGESTED")
        return cls(planes, _annotation(folder, None), folder=folder)

    def __len__(self) -> int:
        return len(self.table)

    def plates(self) -> list[str]:
        """The plates of the folder.

        Returns
        -------
        list[str]
            Each once: `source/batch/plate`, as far as those are known.

        """
        return list(self._names)

    def number(self, plate: str, /) -> int:
        """The number of a plate among all of the folder.

        Parameters
        ----------
        plate
            One of `plates()`.

        Returns
        -------
        int
            From 0.

        """
        return self._index.number(plate)

    def of_plate(self, plate: str, /) -> npt.NDArray[np.intp]:
        """The sites of a plate.

        Parameters
        ----------
        plate
            One of `plates()`.

        Returns
        -------
        npt.NDArray[np.intp]
            Their rows in `table`, in order.

        """
        return np.flatnonzero(self._codes == self._names.index(plate))

    def channels_of(self, numbers: npt.NDArray[np.intp], /) -> list[str]:
        """All stains that some sites have.

        Parameters
        ----------
        numbers
            Rows of the sites in `table`.

        Returns
        -------
        list[str]
            Sorted; for the sites of one plate, its own set.

        """
        rows = np.concatenate([np.arange(self._ends[n], self._ends[n + 1]) for n in numbers]) if len(numbers) else np.zeros(0, dtype=int)
        return sorted(map(str, self._planes[schema.CHANNEL].iloc[rows].unique()))

    def image(self, number: int, /, channels: Sequence[str] | None = None) -> npt.NDArray[np.generic]:
        """The pixels of a site.

        Parameters
        ----------
        number
            The site's row in `table`.
        channels
            C stains, in the order wanted; those that every plate has by default.

        Returns
        -------
        npt.NDArray[np.generic]
            (C, H, W) in the files' own type, the plate's offset taken off.

        Raises
        ------
        BadImage
            A channel is missing, unreadable, or of another size than the others.
        InputError
            No stain is on all plates, and none was asked for.

        """
        planes = self._of_site(number)
        wanted = list(channels) if channels is not None else self.channels
        if not wanted:
            raise InputError(f"{self.folder}: no stain is on all plates ({self.told_not_everywhere()}); ingest plates of one panel alone")
        for channel in wanted:
            if channel not in planes.index:
                raise read.BadImage(self.name(number), f"channel {channel} is missing")
        pixels: dict[str, npt.NDArray[np.generic]] = {}
        # The channels of a stack lie in one file, which is opened once.
        for path, rows in planes.loc[wanted].groupby(PATH, sort=False):
            pixels |= zip(rows.index, read.planes(path, _where(rows)), strict=True)
        stacked = [_without_offset(pixels[channel], planes, channel) for channel in wanted]
        shapes = {plane.shape for plane in stacked}
        if len(shapes) > 1:
            raise read.BadImage(self.name(number), f"its channels differ in size: {', '.join(map(str, sorted(shapes)))}")
        return np.stack(stacked)

    def files(self, number: int, /) -> dict[str, str]:
        """The files of a site.

        Parameters
        ----------
        number
            The site's row in `table`.

        Returns
        -------
        dict[str, str]
            Stain -> path or URL, sorted by stain.

        """
        rows = self._planes.iloc[self._ends[number] : self._ends[number + 1]]
        return dict(sorted(zip(map(str, rows[schema.CHANNEL]), _paths(rows), strict=True)))

    def pixel_um(self, number: int, channel: str, /) -> float | None:
        """The side of a pixel of a site.

        Parameters
        ----------
        number
            The site's row in `table`.
        channel
            The stain whose image is asked.

        Returns
        -------
        float | None
            Micrometres; None where neither the image nor the microscope's index says it.

        """
        path = self.files(number).get(channel)
        return None if path is None else pixel_size.of_image(path)

    def fetch(self, numbers: npt.NDArray[np.intp], /) -> None:
        """Bring the remote files of some sites into the cache, several at once.

        A file that is not there is left to `image`, which says so.

        Parameters
        ----------
        numbers
            Rows of the sites in `table`.

        Raises
        ------
        InputError
            There is no connection.

        """
        rows = [row for n in numbers for row in range(self._ends[n], self._ends[n + 1])] if self._index.is_remote else []
        named = dict.fromkeys(_paths(self._planes.iloc[rows]))
        urls = [url for path in named if (url := remote.url(path)) and not zarr_stores.is_inside(url)]
        if urls:
            remote.cache().fetch(urls)

    def illumination(self, number: int, channels: Sequence[str], /) -> list[str]:
        """The files of the functions that the light of a site is divided by.

        Parameters
        ----------
        number
            The site's row in `table`.
        channels
            C stains.

        Returns
        -------
        list[str]
            Paths or URLs, one a stain.

        Raises
        ------
        BadImage
            A channel has no such function.

        """
        functions = self._of_site(number)[ILLUMINATION]
        for channel in channels:
            if not functions.get(channel):
                raise read.BadImage(self.name(number), f"channel {channel} has no illumination function")
        return [str(functions[channel]) for channel in channels]

    def name(self, number: int, /) -> str:
        """A site in words, for messages.

        Parameters
        ----------
        number
            The site's row in `table`.

        Returns
        -------
        str
            `plate P1, well A01, site 2`, with source and batch where they are known.

        """
        row = self.table.loc[number]
        return ", ".join(f"{word} {row[word]}" for word in KEYS if row[word])

    def told_not_everywhere(self) -> str:
        """The stains that some plates lack, in words.

        Returns
        -------
        str
            `AGP on 1 of 2 plates`; `""` where there are none.

        """
        return self._index.told_not_everywhere()

    def _of_site(self, number: int) -> pd.DataFrame:
        """The planes of a site by their channel, with whole paths."""
        rows = self._planes.iloc[self._ends[number] : self._ends[number + 1]]
        words = {word: rows[word].to_numpy() for word in rows if word not in (FOLDER, NAME)}
        return pd.DataFrame({**words, PATH: _paths(rows)}).set_index(schema.CHANNEL)


def _annotation(folder: Path, planes: pd.DataFrame | None) -> pd.DataFrame:
    """The annotation of all wells, or of those on one plate."""
    path = folder / "wells.parquet"
    if not path.exists():
        return pd.DataFrame()
    if planes is None:
        return border.parquet(path)
    name = str(planes[schema.PLATE].iloc[0])
    return border.parquet(path, filters=[(schema.PLATE, "==", name)] if schema.PLATE in pq.read_schema(path).names else None)


def _paths(rows: pd.DataFrame) -> list[str]:
    return [f"{head}{'' if head in ('', '/') else '/'}{name}" for head, name in zip(rows[FOLDER], rows[NAME], strict=True)]


def _where(rows: pd.DataFrame) -> list[int | str]:
    """The pages of a file by number, or by place in a Zarr array."""
    at = rows[AT] if AT in rows else [""] * len(rows)
    return [place or int(page) for place, page in zip(at, rows[PAGE], strict=True)]


def _without_offset(plane: npt.NDArray[np.generic], planes: pd.DataFrame, channel: str) -> npt.NDArray[np.generic]:
    return _less(plane, int(planes.loc[channel, OFFSET]) if OFFSET in planes else 0)


def _less(plane: npt.NDArray[np.generic], offset: int) -> npt.NDArray[np.generic]:
    if not offset:
        return plane
    # A pixel below the offset is dark noise; it must not wrap around.
    return np.asarray(np.maximum(plane, np.array(offset, dtype=plane.dtype)) - np.array(offset, dtype=plane.dtype))


def plane_of(row: Mapping[str, Any], /, *, root: str = "") -> npt.NDArray[np.generic]:
    """The pixels of one row of a table of planes.

    Parameters
    ----------
    row
        `path` and `page`, or `at` for a place in a stack, and `offset` where there is one.
    root
        The folder that a relative path starts at.

    Returns
    -------
    npt.NDArray[np.generic]
        (H, W) in the file's own type, the plate's offset taken off.

    Raises
    ------
    BadImage
        The plane cannot be read, or has no height and width.

    """
    path = str(row[PATH])
    whole = path if not root or remote.url(path) else str(Path(root) / path)
    plane = read.plane(whole, row.get(AT) or int(row[PAGE]))
    if plane.ndim != 2:
        raise read.BadImage(whole, f"a plane has height and width, and this has the shape {plane.shape}")
    return _less(plane, int(row.get(OFFSET) or 0))
