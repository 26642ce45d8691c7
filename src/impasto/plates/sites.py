"""Sites: what `impasto ingest` found, opened for reading. One row a site; pixels are read when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.plates import read
from impasto.plates.planes import KEYS
from impasto.schema import InputError


class Sites:
    """The sites of an ingested folder.

    `table` has one row a site, sorted by source, batch, plate, well and site, with the annotation of its well; `channels` lists
    the stains.
    """

    def __init__(self, planes: pd.DataFrame, annotation: pd.DataFrame, *, folder: Path) -> None:
        self.folder = folder
        self.channels: list[str] = sorted(planes[schema.CHANNEL].unique())
        keys = list(KEYS)
        self.table = planes[keys].drop_duplicates(ignore_index=True)
        if len(annotation):
            self.table = self.table.merge(annotation, on=[schema.PLATE, schema.WELL], how="left", validate="many_to_one")
        self.has_illumination = "illumination" in planes
        columns = ["path", "page", *(["illumination"] if self.has_illumination else [])]
        self._planes = {key: group.set_index(schema.CHANNEL)[columns] for key, group in planes.groupby(keys, sort=False)}

    @classmethod
    def read(cls, folder: Path | str) -> Sites:
        """Open what `impasto ingest` left at `folder`. Raises InputError where there are no images."""
        folder = Path(folder)
        if not (folder / "images.parquet").exists():
            raise InputError(
                f"{folder} holds no ingested images (no images.parquet); if it holds plates, run: impasto ingest {folder} --out INGESTED, "
                "and give INGESTED here"
            )
        written = folder / "wells.parquet"
        planes = pd.read_parquet(folder / "images.parquet")
        if planes.empty:
            raise InputError(f"{folder}/images.parquet lists no image; ingest the plates again: impasto ingest IMAGES --out INGESTED")
        return cls(planes, pd.read_parquet(written) if written.exists() else pd.DataFrame(), folder=folder)

    def __len__(self) -> int:
        return len(self.table)

    def plates(self) -> list[str]:
        """The plates, sorted, each by its source, batch and plate as far as they are known (`wells.plates`)."""
        return wells.plates(self.table)[1]

    def of_plate(self, plate: str, /) -> npt.NDArray[np.intp]:
        """The numbers of the sites of a plate, named as `plates` names it."""
        codes, names = wells.plates(self.table)
        return np.flatnonzero(codes == names.index(plate))

    def image(self, number: int, /, channels: Sequence[str] | None = None) -> npt.NDArray[np.generic]:
        """The pixels (C, H, W) of site `number`, channels in the order asked for (all of the folder's by default).

        Raises BadImage where a channel is missing, unreadable, or of another size.
        """
        key = tuple(self.table.loc[number, list(KEYS)])
        planes = self._planes[key]
        wanted = list(channels) if channels is not None else self.channels
        for channel in wanted:
            if channel not in planes.index:
                raise read.BadImage(self.name(number), f"channel {channel} is missing")
        pixels: dict[str, npt.NDArray[np.generic]] = {}
        # The channels of a stack lie in one file, which is opened once.
        for path, mine in planes.loc[wanted].groupby("path", sort=False):
            pixels |= zip(mine.index, read.planes(path, [int(page) for page in mine["page"]]), strict=True)
        found = [pixels[channel] for channel in wanted]
        shapes = {plane.shape for plane in found}
        if len(shapes) > 1:
            raise read.BadImage(self.name(number), f"its channels differ in size: {', '.join(map(str, sorted(shapes)))}")
        return np.stack(found)

    def illumination(self, number: int, channels: Sequence[str], /) -> list[str]:
        """The files of the functions that the light of site `number` is divided by. Raises BadImage where a channel has none."""
        functions = self._planes[tuple(self.table.loc[number, list(KEYS)])]["illumination"]
        for channel in channels:
            if not functions.get(channel):
                raise read.BadImage(self.name(number), f"channel {channel} has no illumination function")
        return [str(functions[channel]) for channel in channels]

    def name(self, number: int, /) -> str:
        """The site in words, for messages: `plate P1, well A01, site 2`."""
        row = self.table.loc[number]
        return f"plate {row[schema.PLATE]}, well {row[schema.WELL]}, site {row[schema.SITE]}"
