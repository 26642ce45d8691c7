"""Statistics of the raw pixels: what a trained encoder must be better than."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto.profiling.settings import EncoderSettings

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


def intensity(_: EncoderSettings, /) -> Intensity:
    """Statistics of the raw pixels; nothing to set.

    Returns
    -------
    Intensity
        The encoder.

    """
    return Intensity()


_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


class Intensity:
    """Fourteen statistics of each channel's raw pixels, and nothing learned: what a trained encoder must be better than.

    They are the mean, the sd, seven percentiles, the skewness, and the shares of light in the brightest 1, 5 and 25 % of pixels. The last
    is how coarse the light is: the sd of a 3 x 3 mean over the sd of all.
    """

    names = ("mean", "sd", *(f"p{q:02d}" for q in _PERCENTILES), "skewness", "top01", "top05", "top25", "coarseness")

    def channels(self, available: Sequence[str], /) -> list[str]:
        return list(available)

    def features(self, channels: Sequence[str], /) -> list[str]:
        return [f"Image_Intensity_{name}_{channel}" for channel in channels for name in self.names]

    def describe(self) -> dict[str, object]:
        return {"name": "intensity", "preprocessing": "raw pixels"}

    def prepare(self, site: Array, /) -> Array:
        return np.concatenate([_statistics(plane.astype(np.float64)) for plane in site]).astype(np.float32)

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        return np.stack(sites).astype(np.float32)


def _statistics(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.ndimage import uniform_filter

    ordered, spread = np.sort(plane, axis=None), plane.std()
    total = ordered.sum()
    tops = [ordered[-max(1, round(share * ordered.size)) :].sum() / total if total > 0 else 0.0 for share in (0.01, 0.05, 0.25)]
    skewness = ((plane - plane.mean()) ** 3).mean() / spread**3 if spread > 0 else 0.0
    coarseness = uniform_filter(plane, 3).std() / spread if spread > 0 else 0.0
    return np.array([plane.mean(), spread, *np.percentile(ordered, _PERCENTILES), skewness, *tops, coarseness])
