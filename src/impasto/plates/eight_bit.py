"""From a channel's pixels to 8 bit, by the light of its own brightest pixels.

Threshold = the smallest of the n brightest pixels, n = max(1, round(H W 0.000028)); scaled by 255 / threshold and clipped (Lu et al.,
CellCLIP, appendix B; the share is that of their preprocessing). This is a clip of intensity, not a correction of illumination.

Departures: the usual code scales by 256 (the brightest pixel wraps around) and, on images under 134 x 134, takes n = 0, which
turns the image white; here n is at least 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BRIGHTEST = 0.000028


def to_8_bit(plane: npt.NDArray[np.generic], /) -> npt.NDArray[np.uint8]:
    """A plane in 8 bit.

    Parameters
    ----------
    plane
        (H, W) of any unsigned type or float.

    Returns
    -------
    npt.NDArray[np.uint8]
        (H, W) from 0 to 255. A plane without any light stays black.

    """
    count = max(1, round(plane.size * BRIGHTEST))
    threshold = float(np.partition(plane, plane.size - count, axis=None)[plane.size - count])
    if threshold <= 0:
        return np.zeros(plane.shape, dtype=np.uint8)
    # In double precision and multiplied first: a pixel at the threshold gives 255 exactly, and every other its own whole number.
    return np.clip(plane.astype(np.float64) * 255 / threshold, 0, 255).astype(np.uint8)
