"""Small colour composites of sites, as data URIs: up to three stains in red, green and blue."""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto.cells.crops import of_composite
from impasto.evaluation.crop_rows import jpeg
from impasto.plates.sites import Sites


def composite(sites: Sites, number: int, /, *, side: int = 220) -> str:
    """A colour composite of one site: Mito or actin in red, ER or AGP in green, DNA in blue. Each channel is stretched to its 99.7th
    percentile.

    Parameters
    ----------
    sites
        Ingested sites.
    number
        The row of the site.
    side
        The longer side, in pixels.

    Returns
    -------
    str
        A JPEG as a data URI.

    """
    chosen = of_composite(sites.channels)
    planes = [_stretch(sites.image(number, channels=[c])[0]) if c else None for c in chosen]
    shape = next(p.shape for p in planes if p is not None)
    rgb = np.stack([p if p is not None else np.zeros(shape, dtype=np.uint8) for p in planes], axis=2)
    image = Image.fromarray(rgb)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return as_uri(np.asarray(image))


def as_uri(picture: npt.NDArray[np.uint8], /) -> str:
    """A picture for the page.

    Parameters
    ----------
    picture
        (H, W, 3).

    Returns
    -------
    str
        A JPEG as a data URI.

    """
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(picture)).decode()


def _stretch(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    values = plane.astype(np.float32)
    low, high = np.percentile(values, [1, 99.7])
    return (255 * np.clip((values - low) / max(high - low, 1.0), 0, 1) ** 0.8).astype(np.uint8)
