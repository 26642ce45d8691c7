"""Brightness grid: the mean of the raw pixels in each field of a 4 x 4 grid, for each channel.

It says where in a site the light lies, and nothing else. A trained encoder must be better than this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto.profiling.settings import EncoderSettings

_SIDE = 4


class BrightnessGrid:
    """Sixteen means a channel, named by row and column from the upper left."""

    def channels(self, available: Sequence[str], /) -> list[str]:
        """All channels, in the order of the images."""
        return list(available)

    def features(self, channels: Sequence[str], /) -> list[str]:
        """The names of the features: channel after channel, row after row."""
        return [f"Image_Brightness_row{r + 1}col{c + 1}_{channel}" for channel in channels for r in range(_SIDE) for c in range(_SIDE)]

    def describe(self) -> dict[str, object]:
        """What the profiles say of their encoder."""
        return {"name": "brightness_grid", "preprocessing": "raw pixels"}

    def prepare(self, site: npt.NDArray[np.generic], /) -> npt.NDArray[np.float32]:
        """The features (channels * 16,) of the pixels (channels, height, width) of one site."""
        bands = [band for rows in np.array_split(site, _SIDE, axis=1) for band in np.array_split(rows, _SIDE, axis=2)]
        return np.stack([band.mean(axis=(1, 2), dtype=np.float64) for band in bands], axis=1).ravel().astype(np.float32)

    def __call__(self, sites: Sequence[npt.NDArray[np.generic]], /) -> npt.NDArray[np.float32]:
        """The features (sites, channels * 16) of prepared sites."""
        return np.stack(sites).astype(np.float32)


def brightness_grid(_: EncoderSettings, /) -> BrightnessGrid:
    """Make the encoder; it has nothing to set."""
    return BrightnessGrid()
