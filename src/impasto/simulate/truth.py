"""Painted sites with the labels of what was painted: to measure how well nuclei are found.

Some nuclei are dim, some in mitosis (bright and small), many touch, and debris lies between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.simulate import paint
from impasto.simulate.plan import PROPERTIES

Labels = npt.NDArray[np.int32]
_SMALLEST = 20
"""Pixels of a nucleus that counts; less of it lies in the field."""


@dataclass(frozen=True)
class Painted:
    """A site whose objects are known.

    Attributes
    ----------
    planes
        (5, pixels, pixels), in the order of `paint.CHANNELS`.
    nuclei, bodies
        (pixels, pixels) labels; where nuclei overlap, the later one lies above.
    diameter
        Of a nucleus in pixels, as painted.

    """

    planes: npt.NDArray[np.uint16]
    nuclei: Labels
    bodies: Labels
    diameter: float


def site(
    seed: int,
    /,
    *,
    cells: int = 60,
    pixels: int = 768,
    dim: float = 0.0,
    mitotic: float = 0.0,
    debris: int = 0,
    magnification: float = 0.75,
) -> Painted:
    """Paint a site and its labels.

    Parameters
    ----------
    seed
        Of all numbers.
    cells
        How many.
    pixels
        Side of the site.
    dim, mitotic
        Shares of nuclei at .4 of the light, and of bright, small ones.
    debris
        How many specks.
    magnification
        How large cells are painted.

    Returns
    -------
    Painted
        Pixels and labels.

    """
    rng = np.random.default_rng(seed)
    scale = pixels / 256 * magnification
    planes = np.zeros((len(paint.CHANNELS), pixels, pixels), dtype=np.float32)
    nuclei, bodies = np.zeros((pixels, pixels), dtype=np.int32), np.zeros((pixels, pixels), dtype=np.int32)
    count = 0
    for _ in range(cells):
        properties = 0.6 * rng.normal(size=len(PROPERTIES))
        kind = rng.random()
        if kind < dim:
            properties[1] -= 6
        elif kind < dim + mitotic:
            properties[:2] += -3, 8
        alone = np.zeros_like(planes)
        paint.cell(alone, properties, rng, scale=scale)
        core = alone[0] > max(0.5 * alone[0].max(), 1e-6)
        if core.sum() > _SMALLEST:
            count += 1
            bodies[(alone[1] > max(0.1 * alone[1].max(), 1e-6)) & (bodies == 0)] = count
            nuclei[core] = count
        planes += alone
    y, x = np.mgrid[:pixels, :pixels]
    for _ in range(debris):
        row, column = rng.uniform(0, pixels, 2)
        radius = rng.uniform(1.5, 3) * scale
        planes[0] += 2.5 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * radius**2)).astype(np.float32)
    light = planes * paint.lamp(pixels, rng=rng) * 9000 + 400
    photons = light + 2 * np.sqrt(np.maximum(light, 0)) * rng.standard_normal(light.shape)
    return Painted(np.clip(photons, 0, 65535).astype(np.uint16), nuclei, bodies, 14.0 * scale)


def f1(truth: Labels, labels: Labels, /, *, overlap: float = 0.5) -> float:
    """How well objects were found.

    Parameters
    ----------
    truth, labels
        (H, W), 0 for none. Objects of the truth at the border are left out, with what lies on them.
    overlap
        Intersection over union from which an object counts as found.

    Returns
    -------
    float
        F1, from 0 to 1.

    """
    there = np.unique(labels)
    own = np.searchsorted(there, labels) + int(there[0] != 0)
    size = int(own.max()) + 1
    shared = np.bincount(truth.ravel().astype(np.int64) * size + own.ravel(), minlength=(int(truth.max()) + 1) * size).reshape(-1, size)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    both = (shared / np.maximum(union, 1))[:, 1:]
    at_border = np.unique(np.concatenate([truth[0], truth[-1], truth[:, 0], truth[:, -1]]))
    judged = [number for number in range(1, len(both)) if number not in at_border and shared[number].sum()]
    on_border = np.isin(both.argmax(axis=0), at_border[at_border > 0]) & (both.max(axis=0, initial=0) > 0.1)
    right = both[judged] >= overlap
    hits, missed = int(right.any(axis=1).sum()), int((~right.any(axis=1)).sum())
    wrong = int((~on_border & ~right.any(axis=0)).sum())
    return 2 * hits / max(1, 2 * hits + missed + wrong)
