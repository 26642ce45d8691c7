"""Painted sites: cells with a nucleus, ER, RNA with nucleoli, actin and Golgi, mitochondria, as five 16-bit planes.

Not a model of optics: enough of a cell that size, light, texture and crowding move as a perturbation says, with an uneven lamp,
shot noise and camera offset on top.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from impasto.simulate.optics import Optics

CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")
Pixels = npt.NDArray[np.float32]


def site(
    properties: npt.NDArray[np.float64],
    /,
    *,
    cells: int,
    pixels: int,
    lamp: Pixels,
    rng: np.random.Generator,
    magnification: float = 1.0,
    optics: Optics | None = None,
) -> npt.NDArray[np.uint16]:
    """Paint one site.

    Parameters
    ----------
    properties
        The ten of `plan.PROPERTIES`, in sd.
    cells
        How many.
    pixels
        Side of the site.
    lamp
        The light, (5, pixels, pixels).
    rng
        Where all numbers come from.
    magnification
        How large cells are painted.
    optics
        Of the well; None: as usual.

    Returns
    -------
    npt.NDArray[np.uint16]
        (5, pixels, pixels).

    """
    planes = np.zeros((len(CHANNELS), pixels, pixels), dtype=np.float32)
    scale = pixels / 256 * magnification
    for _ in range(cells):
        cell(planes, properties + 0.6 * rng.normal(size=len(properties)), rng, scale=scale)
    grain = 2.0
    if optics is not None:
        planes, grain = optics.seen(planes, scale=pixels / 256), grain * optics.grain
    light = planes * lamp * 9000 + 400
    photons = light + np.sqrt(np.maximum(light, 0)) * grain * rng.standard_normal(light.shape).astype(np.float32)
    return np.clip(photons, 0, 65535).astype(np.uint16)


def lamp(pixels: int, /, *, rng: np.random.Generator) -> Pixels:
    """An uneven lamp for each channel: brighter near a point off the centre.

    Parameters
    ----------
    pixels
        Side of a site.
    rng
        Where the points come from.

    Returns
    -------
    Pixels
        (5, pixels, pixels).

    """
    grid = np.linspace(-1, 1, pixels, dtype=np.float32)
    centres = rng.uniform(-0.4, 0.4, (len(CHANNELS), 2))
    return np.stack([1.0 - 0.25 * ((grid[:, None] - y) ** 2 + (grid[None, :] - x) ** 2) for y, x in centres]).astype(np.float32)


def cell(planes: Pixels, p: npt.NDArray[np.float64], rng: np.random.Generator, *, scale: float) -> None:
    """Paint one cell at a random place.

    Parameters
    ----------
    planes
        (5, pixels, pixels); the light of the cell is added.
    p
        Its ten properties, in sd.
    rng
        Where all numbers come from.
    scale
        How large cells are painted; a nucleus has a radius of 7 times this.

    """
    pixels = planes.shape[1]
    nucleus = 7.0 * scale * float(np.exp(0.10 * p[0]))
    body = max(17.0 * scale * float(np.exp(0.10 * p[2])), 1.6 * nucleus)
    stretch = float(np.exp(0.25 + 0.12 * p[3]))
    reach = int(np.ceil(body * stretch * 1.4))
    cy, cx = rng.uniform(0, pixels, 2)
    top, left = int(cy) - reach, int(cx) - reach
    rows, columns = slice(max(0, top), min(pixels, top + 2 * reach)), slice(max(0, left), min(pixels, left + 2 * reach))
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - cy
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - cx
    if y.size == 0 or x.size == 0:
        return
    angle = rng.uniform(0, np.pi)
    along, across = y * np.sin(angle) + x * np.cos(angle), y * np.cos(angle) - x * np.sin(angle)
    ripple = 1 + 0.10 * np.sin(3 * np.arctan2(across, along) + rng.uniform(0, 6.28))
    far = np.hypot(along / stretch, across * np.sqrt(stretch)) / (body * ripple)
    inner = np.hypot(along / np.sqrt(stretch), across) / nucleus
    cytoplasm, core = _edge(far, 0.12), _edge(inner, 0.12)
    speckle = rng.standard_normal((len(planes), y.shape[0], x.shape[1])).astype(np.float32)
    rough = np.stack([gaussian_filter(s, 1.2 * scale) for s in speckle])
    rough /= rough.std(axis=(1, 2), keepdims=True) + 1e-6
    view = planes[:, rows, columns]
    view[0] += core * (0.8 + 0.08 * rough[0]) * np.exp(0.15 * p[1])
    view[1] += cytoplasm * (1 - 0.7 * core) * (0.45 * np.exp(-1.2 * far)) * np.exp(0.18 * p[4]) * (1 + 0.25 * rough[1])
    nucleoli = _spots(y, x, count=max(1, round(3 + 0.8 * p[5])), within=0.5 * nucleus, size=1.6 * scale, rng=rng)
    view[2] += 0.25 * cytoplasm * (1 - 0.5 * core) + core * (0.15 + 0.9 * nucleoli)
    fibres = np.maximum(0, np.sin(across / (1.6 * scale) + 2 * rough[3]))
    golgi = np.exp(-((along - 1.1 * nucleus) ** 2 + across**2) / (2 * (3.5 * scale) ** 2))
    view[3] += cytoplasm * (0.15 + 0.2 * np.exp(0.25 * p[6]) * fibres * (far > 0.4)) + 0.5 * np.exp(0.18 * p[7]) * golgi
    spread = 0.45 * float(np.exp(0.15 * p[8]))
    network = np.maximum(0, rough[4]) * np.exp(-(((far - 0.45) / spread) ** 2))
    view[4] += cytoplasm * (1 - 0.9 * core) * network * 0.5 * np.exp(0.18 * p[9])


def _edge(distance: npt.NDArray[np.floating], soft: float) -> npt.NDArray[np.floating]:
    """1 inside a distance of 1, 0 outside, with a soft edge."""
    return np.asarray(1 / (1 + np.exp(np.clip((distance - 1) / (soft * 0.5), -30, 30))))


def _spots(
    y: npt.NDArray[np.floating], x: npt.NDArray[np.floating], *, count: int, within: float, size: float, rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    total = np.zeros((y.shape[0], x.shape[1]), dtype=np.float32)
    for dy, dx in rng.uniform(-within, within, (count, 2)):
        total += np.exp(-((y - dy) ** 2 + (x - dx) ** 2) / (2 * size**2))
    return np.minimum(total, 1.5)
