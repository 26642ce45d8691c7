"""Nuclei and cells of a site. Needs the extra `impasto[classical]` (scikit-image).

D is the diameter of a nucleus in pixels. Nuclei, on the DNA plane:

1. Gaussian of D/24; log(max(plane - p5, 0) + 5 s), s = 1.4826 MAD of the lower half: dim nuclei stand beside bright ones.
2. Otsu's threshold (Otsu 1979); nothing where foreground does not stand out of the background; and above the mean of a window of 2 D.
3. Holes filled, opened by a disc of D/40, objects under .15 of the disc of D dropped.
4. Distance to the edge, Gaussian of D/24, peaks .3 D apart, watershed.
5. Dropped: what lies less than 8 sd of the noise above its ring, or whose rim is too flat for its brightness: a lamp, not a nucleus.

Cells: a watershed from the nuclei through the summed log stains of the body (RNA, AGP, ER, actin), inside Otsu's threshold and no farther
than 4 D. Without such a stain a cell is the pixels nearest to its nucleus, within D of it. Cytoplasm: a cell without its nucleus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.schema import InputError

Labels = npt.NDArray[np.int32]
Plane = npt.NDArray[Any]
Smooth = npt.NDArray[np.float64]
STAINS_OF_BODIES = ("RNA", "AGP", "ER", "Actin")
SMALLEST, REACH, REACH_OF_BODY, CONTRAST = 0.15, 1.0, 4.0, 4.0
"""A nucleus's least area, as a share of the disc of its diameter; a cell's reach, in diameters; least contrast, in sd of background."""
ABOVE_RING, STEEPEST_LAMP = 8.0, 1.5
_NORMAL = 1.4826
_DISC = 4.32
"""Diameter of a nucleus over the radius of the largest disc in it, at half size; and what the estimate takes of it."""
_SHRINK = 0.75


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


def require() -> None:
    """See that scikit-image is there.

    Raises
    ------
    InputError
        It is not installed.

    """
    try:
        import skimage  # noqa: F401
    except ImportError:
        raise InputError("cells of images need scikit-image; install it with: pip install 'impasto[classical]'") from None


def objects(dna: Plane, /, *, nucleus: float, stains: Mapping[str, Plane] | None = None, border: bool = False) -> Objects:
    """The objects of a site.

    Parameters
    ----------
    dna
        (H, W).
    nucleus
        The diameter of a nucleus in pixels.
    stains
        Channel -> (H, W); those of bodies say where cells end.
    border
        Whether nuclei at the border stay. Without it they go, after they have taken their share of the plane.

    Returns
    -------
    Objects
        Labels of nuclei, cells and cytoplasm.

    """
    from skimage import segmentation

    whole = nuclei(dna, nucleus)
    cells = bodies(whole, stains or {}, nucleus)
    if not border:
        inside = segmentation.clear_border(whole)
        left = np.unique(inside[inside > 0])
        number = np.zeros(int(whole.max(initial=0)) + 1, dtype=np.int32)
        number[left] = np.arange(1, len(left) + 1)
        whole, cells = number[whole], number[cells]
    return Objects(whole, cells, np.where(whole > 0, 0, cells))


def nuclei(dna: Plane, diameter: float, /) -> Labels:
    """Nuclei of a DNA plane.

    Parameters
    ----------
    dna
        (H, W).
    diameter
        Of a nucleus in pixels.

    Returns
    -------
    Labels
        (H, W), 1 to their number.

    """
    from scipy import ndimage
    from skimage import feature, filters, morphology, segmentation

    if np.ptp(dna) == 0:
        return np.zeros(dna.shape, dtype=np.int32)
    plane = ndimage.gaussian_filter(dna.astype(np.float64), diameter / 24)
    lit = _log(plane)
    if np.ptp(lit) == 0:
        return np.zeros(dna.shape, dtype=np.int32)
    bright = _foreground(plane, lit > filters.threshold_otsu(lit))
    bright &= plane > ndimage.uniform_filter(plane, int(2 * diameter) | 1)
    bright = ndimage.binary_opening(ndimage.binary_fill_holes(bright), morphology.disk(max(1, round(diameter / 40))))
    bright = morphology.remove_small_objects(bright, max_size=round(SMALLEST * np.pi / 4 * diameter**2))
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(bright), diameter / 24)
    peaks = feature.peak_local_max(depth, min_distance=max(1, round(0.3 * diameter)), labels=ndimage.label(bright)[0], exclude_border=False)
    seeds = np.zeros(plane.shape, dtype=np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = segmentation.watershed(-depth, seeds, mask=bright)
    return _numbered(labels, _stand_out(plane, labels, diameter))


def _log(plane: Smooth) -> Smooth:
    """The plane on a scale on which dim and bright nuclei are alike."""
    low = plane[plane < np.median(plane)]
    spread = _NORMAL * np.median(np.abs(low - np.median(low))) if low.size else 0.0
    return np.asarray(np.log(np.maximum(plane - np.percentile(plane, 5), 0) + 5 * spread + 1e-9 * np.ptp(plane)))


def _foreground(plane: Smooth, bright: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """What is bright; nothing where its mean is too near to that of the background."""
    if bright.all() or not bright.any():
        return np.zeros(plane.shape, dtype=bool)
    apart = plane[bright].mean() - plane[~bright].mean()
    return bright if apart > CONTRAST * plane[~bright].std() else np.zeros(plane.shape, dtype=bool)


def _stand_out(plane: Smooth, labels: Labels, diameter: float) -> npt.NDArray[np.bool_]:
    """(objects,) which stand out of their ring, with a rim as steep as a nucleus has."""
    from scipy import ndimage

    count = int(labels.max(initial=0))
    if not count:
        return np.zeros(0, dtype=bool)
    index = np.arange(1, count + 1)
    around = _around(labels)
    near, wide = around.within(max(2, diameter / 12)), around.within(diameter / 4)
    ring = np.where(near > 0, 0, wide)
    has_ring = np.bincount(ring.ravel(), minlength=count + 1)[1:] > 5
    of_ring = np.where(has_ring, _means(plane, ring, count), np.percentile(plane, 5))
    fine = (plane - ndimage.gaussian_filter(plane, diameter / 6))[wide == 0]
    noise = _NORMAL * float(np.median(np.abs(fine))) if fine.size else 0.0
    above = ndimage.mean(plane, labels, index) - of_ring > ABOVE_RING * max(noise, 1e-12)
    return np.asarray(above & (_steepness(plane, labels, around, diameter) >= STEEPEST_LAMP))


@dataclass(frozen=True)
class _Around:
    """Each pixel's nearest object (H, W), and how far away it is."""

    nearest: Labels
    distance: Smooth

    def within(self, distance: float) -> Labels:
        """The objects with all that is no farther from them."""
        return np.where(self.distance <= distance, self.nearest, 0)


def _around(labels: Labels) -> _Around:
    from scipy import ndimage

    distance, at = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    return _Around(labels[tuple(at)], distance)


def _means(values: Smooth, labels: Labels, count: int) -> npt.NDArray[np.float64]:
    """(objects,) the mean of the values under each label; 0 where it has none."""
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return np.bincount(labels.ravel(), values.ravel(), minlength=count + 1)[1:] / np.maximum(sizes, 1)


def steepness(dna: Plane, labels: Labels, diameter: float, /) -> npt.NDArray[np.float64]:
    """How steep the rim of each nucleus is for its brightness and size: low where it is out of focus.

    Parameters
    ----------
    dna
        (H, W).
    labels
        (H, W) of nuclei.
    diameter
        Of a nucleus in pixels.

    Returns
    -------
    npt.NDArray[np.float64]
        (objects,) the 75th percentile of the gradient within 2 pixels of the rim x D / (median inside - 5th percentile of the field).

    """
    from scipy import ndimage

    return _steepness(ndimage.gaussian_filter(dna.astype(np.float64), diameter / 24), labels, _around(labels), diameter)


def _steepness(plane: Smooth, labels: Labels, around: _Around, diameter: float) -> npt.NDArray[np.float64]:
    from scipy import ndimage

    count = int(labels.max(initial=0))
    gradient = np.hypot(ndimage.sobel(plane, 0), ndimage.sobel(plane, 1)) / 8
    rim = around.within(2)
    rim[_inner(labels, 2)] = 0
    light = _medians(plane, labels, count) - np.percentile(plane, 5)
    return _percentile(gradient, rim, count, 75) * diameter / np.maximum(light, 1e-12)


def _inner(labels: Labels, depth: int) -> npt.NDArray[np.bool_]:
    """Pixels farther than some pixels from the edge of their own object."""
    from scipy import ndimage

    size = 2 * depth + 1
    same = ndimage.minimum_filter(labels, size) == ndimage.maximum_filter(labels, size)
    return np.asarray(same & (labels > 0))


def _percentile(values: Smooth, labels: Labels, count: int, percent: float) -> npt.NDArray[np.float64]:
    """(objects,) a percentile of the values under each label; 0 where it has none."""
    ordered, starts, sizes = _in_order(values, labels, count)
    place = starts + np.minimum((percent / 100 * np.maximum(sizes - 1, 0)).astype(np.intp), np.maximum(sizes - 1, 0))
    return np.where(sizes > 0, ordered[np.minimum(place, max(len(ordered) - 1, 0))], 0.0) if len(ordered) else np.zeros(count)


def _medians(values: Smooth, labels: Labels, count: int) -> npt.NDArray[np.float64]:
    """(objects,) the median of the values under each label, which all have some."""
    ordered, starts, sizes = _in_order(values, labels, count)
    low, high = starts + np.maximum(sizes - 1, 0) // 2, starts + sizes // 2
    last = max(len(ordered) - 1, 0)
    return (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2 if len(ordered) else np.zeros(count)


def _in_order(values: Smooth, labels: Labels, count: int) -> tuple[Smooth, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The values under labels, label by label and ascending; where those of each begin, and how many they are."""
    at = np.flatnonzero(labels)
    own = labels.ravel()[at]
    sizes = np.bincount(own, minlength=count + 1)[1:]
    return values.ravel()[at][np.lexsort((values.ravel()[at], own))], np.cumsum(sizes) - sizes, sizes


def _numbered(labels: Labels, stay: npt.NDArray[np.bool_]) -> Labels:
    numbers = np.zeros(len(stay) + 1, dtype=np.int32)
    numbers[1:][stay] = np.arange(1, int(stay.sum()) + 1)
    return np.asarray(numbers[labels], dtype=np.int32)


def bodies(of_nuclei: Labels, stains: Mapping[str, Plane], diameter: float, /) -> Labels:
    """Cells around nuclei.

    Parameters
    ----------
    of_nuclei
        (H, W) labels.
    stains
        Channel -> (H, W); only `STAINS_OF_BODIES` are read.
    diameter
        Of a nucleus in pixels.

    Returns
    -------
    Labels
        (H, W), with the labels of the nuclei.

    """
    from scipy import ndimage
    from skimage import filters, segmentation

    chosen = [stains[name] for name in STAINS_OF_BODIES if name in stains and stains[name].min() < stains[name].max()]
    if not chosen or not of_nuclei.any():
        return np.asarray(segmentation.expand_labels(of_nuclei, distance=REACH * diameter), dtype=np.int32)
    body = np.zeros(of_nuclei.shape)
    for stain in chosen:
        plane = stain.astype(np.float64)
        low, high = np.percentile(plane, [1, 99])
        body += ndimage.gaussian_filter(np.log(np.maximum(plane - low, 0) + 0.02 * max(high - low, 1e-12)), diameter / 24)
    inside = (body > filters.threshold_otsu(body)) | (of_nuclei > 0)
    inside &= ndimage.distance_transform_edt(of_nuclei == 0) < REACH_OF_BODY * diameter
    return np.asarray(segmentation.watershed(-body, of_nuclei, mask=inside), dtype=np.int32)


def diameter_of(dna: Plane, /) -> float:
    """The diameter of nuclei by the discs that fit into what is bright, on a plane at half size.

    Parameters
    ----------
    dna
        (H, W).

    Returns
    -------
    float
        In pixels; NaN where nothing is bright. One field may stray: take the median of several.

    """
    from scipy import ndimage
    from skimage import filters

    small = ndimage.zoom(dna.astype(np.float32), 0.5, order=1, prefilter=False)
    lit = ndimage.gaussian_filter(np.log(np.maximum(small - np.percentile(small, 1), 1e-3 * max(float(np.ptp(small)), 1e-12))), 1.0)
    if np.ptp(small) == 0:
        return float("nan")
    bright = ndimage.binary_fill_holes(ndimage.binary_opening(lit > filters.threshold_otsu(lit), iterations=2))
    labels, count = ndimage.label(bright)
    if not count:
        return float("nan")
    depth = ndimage.maximum(ndimage.distance_transform_edt(bright), labels, np.arange(1, count + 1))
    area = np.bincount(labels.ravel())[1:]
    order = np.argsort(depth)
    total = np.cumsum(area[order])
    return float(_SHRINK * _DISC * depth[order][np.searchsorted(total, total[-1] / 2)])
