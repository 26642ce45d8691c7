"""scPortrait's .h5sc: an AnnData whose `obsm/single_cell_images` (cells, channels, H, W) holds a crop of each cell, its masks first.

The crops are scaled to 0 and 1, each file its own way, so brightness is no feature here: crops serve encoders and pictures, masks shapes.
`var` names the channels and says which are masks; `obs` holds the number of each cell and whatever else is known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, schema
from impasto.schema import InputError

SUFFIX = ".h5sc"
CROPS = "PathName_Crops"
"""The column of `sites.parquet` that names the file of a place's crops."""
WHAT = "file of single cells of scPortrait"
IMAGES = "obsm/single_cell_images"
IDS = ("scportrait_cell_id", "cell_id")
"""The column of `obs` that numbers cells, newest first."""
_MASK, _CHANNEL = "mask", "image_channel"
_NUMBERS = 2**31


class CropFile:
    """One file of crops, opened when it is read.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    obs
        One row a cell, without its number.
    numbers
        (cells,) the number of each.
    channels
        The stains of the crops, in our words where they have one.
    masks
        The names of the masks.

    """

    def __init__(self, path: Path, /) -> None:
        self.path = path
        with border.reading(path, WHAT), h5py.File(path) as file:
            if IMAGES not in file:
                raise InputError(f"{path} holds no {IMAGES}, so no crop of a cell; give what scPortrait's extraction wrote")
            self.shape: tuple[int, ...] = tuple(file[IMAGES].shape)
            obs, kinds, names = _tables(file)
        if len(self.shape) != 4 or self.shape[:2] != (len(obs), len(names)):
            raise InputError(
                f"{path}: {IMAGES} is {self.shape}, and obs and var tell of {len(obs)} cells and {len(names)} channels; the file is damaged"
            )
        number = next((name for name in IDS if name in obs), None)
        if number is None:
            raise InputError(
                f"{path}: no column of obs numbers the cells; allowed: {', '.join(IDS)}; it has {schema.listed(list(obs)[:8])}"
            )
        self.numbers = _whole(obs.pop(number), path)
        self.obs = obs.reset_index(drop=True)
        self._at = {_named(name, kind): place for place, (name, kind) in enumerate(zip(names, kinds, strict=True))}
        if len(self._at) < len(names):
            raise InputError(f"{path}: two of its channels have one name ({', '.join(names)}); name each stain once")
        self.masks = [name for name, kind in zip(names, kinds, strict=True) if kind == _MASK]
        self.channels = [name for name in self._at if name not in self.masks]

    def crops(self, rows: npt.NDArray[np.integer], names: Sequence[str], /) -> npt.NDArray[np.float32]:
        """The crops of some cells.

        Parameters
        ----------
        rows
            Their rows.
        names
            Of `channels` or `masks`.

        Returns
        -------
        npt.NDArray[np.float32]
            (rows, names, H, W) in 0 to 1.

        """
        crops = np.empty((len(rows), len(names), *self.shape[2:]), dtype=np.float32)
        with border.reading(self.path, WHAT), h5py.File(self.path) as file:
            images = file[IMAGES]
            for place, row in enumerate(rows):
                for channel, name in enumerate(names):
                    crops[place, channel] = images[int(row), self._at[name]]
        return crops

    @cached_property
    def compartments(self) -> dict[str, str]:
        """Compartment -> its mask: the nucleus by its name, and the cell, which is another mask or the only one."""
        nucleus = next((name for name in self.masks if "nuc" in name.lower()), None)
        body = next((name for name in self.masks if name != nucleus), nucleus)
        return {**({"Cells": body} if body else {}), **({"Nuclei": nucleus} if nucleus else {})}


def _tables(file: h5py.File) -> tuple[pd.DataFrame, list[str], list[str]]:
    """What is known of each cell; which channels are masks; and the names of channels."""
    from anndata.io import read_elem

    var = read_elem(file["var"])
    columns = {"channels", "channel_mapping"}
    said = {name: var[name].tolist() for name in columns} if columns <= set(var) else _attributes(file)
    return read_elem(file["obs"]), [str(kind) for kind in said["channel_mapping"]], [str(name) for name in said["channels"]]


def _attributes(file: h5py.File) -> dict[str, list[str]]:
    """The same, as the array itself tells it."""
    written = file[IMAGES].attrs
    words = {"channels": "channel_names", "channel_mapping": "channel_mapping"}
    return {column: [v.decode() if isinstance(v, bytes) else str(v) for v in written[name]] for column, name in words.items()}


def _named(name: str, kind: str) -> str:
    return name if kind != _CHANNEL else schema.channel_name(name) or name


def _whole(numbers: pd.Series, path: Path) -> npt.NDArray[np.int64]:
    """Numbers of cells, each once."""
    whole = pd.to_numeric(numbers, errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(whole).all() or (whole != np.floor(whole)).any() or (whole < 0).any() or (whole >= _NUMBERS).any():
        raise InputError(f"{path}: the numbers of its cells are not whole numbers below {_NUMBERS}")
    return whole.astype(np.int64)
