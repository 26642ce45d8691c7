"""A .h5sc as scPortrait's extraction writes it: AnnData without X, crops in obsm, masks first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd

MASKS, CHANNELS = ("seg_all_nucleus", "seg_all_cytosol"), ("Hoechst", "ConA", "Phalloidin")


def write(
    path: Path,
    obs: pd.DataFrame,
    crops: np.ndarray,
    *,
    masks: Sequence[str] = MASKS,
    channels: Sequence[str] = CHANNELS,
    number: str = "scportrait_cell_id",
    numbers: Sequence[int] | None = None,
) -> None:
    """`obs` has what is known of each cell; `crops` is (cells, masks and channels, H, W)."""
    numbers = range(1, len(obs) + 1) if numbers is None else numbers
    names = [*masks, *channels]
    var = pd.DataFrame({"channels": names, "channel_mapping": ["mask"] * len(masks) + ["image_channel"] * len(channels)})
    var.index = var.index.astype(str)
    table = obs.assign(**{number: np.array(list(numbers), dtype=np.uint64)}).set_axis(np.arange(len(obs)).astype(str), axis=0)
    anndata.AnnData(obs=table, var=var).write_h5ad(path)
    with h5py.File(path, "a") as file:
        stored = {"chunks": (1, 1, *crops.shape[2:]), "compression": "gzip"} if len(crops) else {}
        images = file.create_dataset("obsm/single_cell_images", data=crops.astype(np.float16), **stored)
        images.attrs["encoding-type"], images.attrs["encoding-version"] = "array", "0.2.0"
        images.attrs["channel_names"] = np.array([name.encode() for name in names])
        images.attrs["channel_mapping"] = np.array([kind.encode() for kind in var["channel_mapping"]])


def discs(radii: Sequence[tuple[float, float]], *, side: int = 32, seed: int = 0) -> np.ndarray:
    """Crops of cells: discs of a nucleus and of a cell, in pixels, and noise in three stains."""
    y, x = np.mgrid[:side, :side] - side // 2
    distance = np.hypot(y, x)
    rng = np.random.default_rng(seed)
    masks = (
        np.stack([np.stack([distance < nucleus, distance < cell]) for nucleus, cell in radii]) if radii else np.zeros((0, 2, side, side))
    )
    return np.concatenate([masks, rng.uniform(size=(len(radii), 3, side, side))], axis=1)
