"""Nuclei, cells and cytoplasm of a site, by its DNA channel alone. Needs the extra `impasto[classical]` (scikit-image).

Nuclei: the smoothed DNA plane above Otsu's threshold (Otsu 1979), holes filled, touching nuclei parted by a watershed of the distance to
their edge. Cells: the pixels nearer to this nucleus than to any other, and no farther than `REACH` diameters from it. Cytoplasm: a cell
without its nucleus. Nuclei at the border go, after they have taken their share of the plane.

One number sets the scale: the diameter of a nucleus in pixels. Where foreground does not stand out of the background there is no nucleus:
Otsu parts noise in two as well, with means 2.7 sd of its lower half apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int32]
SMALLEST, REACH, CONTRAST = 0.15, 1.0, 4.0
"""A nucleus's least area, as a share of the disc of its diameter; a cell's reach, in diameters; least contrast, in sd of background."""


@dataclass(frozen=True)
class Objects:
    """Labels (H, W) of each compartment; 0 is none of it. A cell and its nucleus share a label. A crowded cell may have no cytoplasm.

    Attributes
    ----------
    nuclei, cells, cytoplasm
        Labels (H, W), 1 to the number of cells.

    """

    nuclei: Labels
    cells: Labels
    cytoplasm: Labels

    @property
    def count(self) -> int:
        """How many nuclei, which is how many cells."""
        return int(self.nuclei.max(initial=0))


def objects(dna: npt.NDArray[np.floating], /, *, nucleus: float) -> Objects:
    """The objects of a DNA plane.

    Parameters
    ----------
    dna
        (H, W).
    nucleus
        The diameter of a nucleus in pixels.

    Returns
    -------
    Objects
        Labels of nuclei, cells and cytoplasm.

    """
    from scipy import ndimage
    from skimage import feature, filters, morphology, segmentation

    plane = ndimage.gaussian_filter(dna.astype(np.float64), nucleus / 12)
    bright = _foreground(plane, filters.threshold_otsu(plane)) if np.ptp(plane) > 0 else np.zeros(plane.shape, dtype=bool)
    least = round(SMALLEST * np.pi / 4 * nucleus**2)
    bright = morphology.remove_small_objects(ndimage.binary_fill_holes(bright), max_size=least)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(bright), nucleus / 12)
    apart = max(1, round(0.4 * nucleus))
    peaks = feature.peak_local_max(depth, min_distance=apart, labels=ndimage.label(bright)[0], exclude_border=False)
    seeds = np.zeros(plane.shape, dtype=np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    nuclei = segmentation.watershed(-depth, seeds, mask=bright)
    cells = segmentation.expand_labels(nuclei, distance=REACH * nucleus)
    inside = segmentation.clear_border(nuclei)
    inside_labels = np.unique(inside[inside > 0])
    number = np.zeros(len(peaks) + 1, dtype=np.int32)
    number[inside_labels] = np.arange(1, len(inside_labels) + 1)
    nuclei, cells = number[nuclei], number[cells]
    return Objects(nuclei, cells, np.where(nuclei > 0, 0, cells))


def _foreground(plane: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.bool_]:
    """What is above the threshold; nothing where its mean is too near to that of the background."""
    bright = plane > threshold
    if bright.all() or not bright.any():
        return np.zeros(plane.shape, dtype=bool)
    apart = plane[bright].mean() - plane[~bright].mean()
    return bright if apart > CONTRAST * plane[~bright].std() else np.zeros(plane.shape, dtype=bool)
