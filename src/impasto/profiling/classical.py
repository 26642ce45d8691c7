"""Classical features: CellProfiler's measurements of nuclei, cells and cytoplasm, by cp_measure. An extra: `impasto[classical]`.

Munoz et al. 2025 (arXiv 2507.01163) rewrote CellProfiler's measurements as functions; here they measure the objects of `segment.py`, and a
site is the median over its objects. Names are CellProfiler's (`Nuclei_Texture_Contrast_DNA_3_00_256`). Positions are left out, and so are
moments in pixels to the power of up to six. `cp_measure_fast` leaves out what takes about three quarters of the time: granularity and
radial distribution. Costes' thresholds are in neither.

Pixels are divided by the largest value of their type, as CellProfiler does; real numbers above 1 (an evened 16-bit image) by 65535.
A site without a nucleus is no row of nothing: it is left out with that reason, and counted.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.cells import segment
from impasto.cells.measure import scaled
from impasto.plates.read import BadImage
from impasto.profiling.encoders import Array, Floats
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError

COUNT = "Image_Count_Cells"
"""The feature that becomes the annotation `cell_count` (deep.py)."""
_SHAPES = ("sizeshape", "zernike", "feret")
_CHANNEL = ("intensity", "texture")
_SLOW = ("radial_distribution", "granularity")
_PAIRS = ("pearson", "manders_fold", "rwc")
_POSITIONS = ("Center_", "BoundingBoxMinimum_", "BoundingBoxMaximum_", "Location_")
Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CpMeasure:
    """A site -> the medians of CellProfiler's features over its cells.

    Attributes
    ----------
    nucleus
        The diameter of a nucleus in pixels.

    """

    nucleus: float = 30.0
    slow: bool = True
    """With granularity and radial distribution."""

    def channels(self, available: Sequence[str], /) -> list[str]:
        """DNA first, by which nuclei are found.

        Parameters
        ----------
        available
            Those of the images.

        Returns
        -------
        list[str]
            All of them, in order.

        Raises
        ------
        InputError
            Where DNA is missing, or cp_measure is not installed.

        """
        _ = self._functions
        if "DNA" not in available:
            raise InputError(f"cp_measure finds cells by their nuclei, and there is no channel DNA; there are {', '.join(available)}")
        return ["DNA", *(c for c in available if c != "DNA")]

    def features(self, channels: Sequence[str], /) -> list[str]:
        return [COUNT, *_names(self, tuple(channels))]

    def painted(self, channels: Sequence[str], /) -> list[str]:
        """The names of the measurements, as a painted site of two cells gives them.

        Parameters
        ----------
        channels
            In order, DNA first.

        Returns
        -------
        list[str]
            CellProfiler's names.

        """
        y, x = np.mgrid[0:96, 0:96]
        blobs = sum(np.exp(-((y - row) ** 2 + (x - column) ** 2) / 60) for row, column in ((32, 32), (64, 60)))
        rough = [1 + 0.1 * np.cos(number + y / 3 + x / 5) for number in range(len(channels))]
        painted = np.stack([0.05 + 0.4 * blobs * r for r in rough]).astype(np.float32)
        objects = segment.objects(painted[0], nucleus=20)
        return [name for name, _ in self._measured(painted, objects, channels)]

    def describe(self) -> dict[str, object]:
        from importlib.metadata import version

        return {
            "name": "cp_measure" if self.slow else "cp_measure_fast",
            "settings": {"version": version("cp_measure"), "nucleus": self.nucleus},
            "licence": "MIT",
            "preprocessing": f"pixels over the largest of their type; nuclei of {self.nucleus:g} pixels by Otsu and watershed; medians",
        }

    def prepare(self, site: Array, /) -> Array:
        """The features of one site.

        Parameters
        ----------
        site
            Pixels (C, H, W), as the microscope wrote them.

        Returns
        -------
        Array
            (F,) float32.

        Raises
        ------
        BadImage
            Where no nucleus is found, or a measurement fails.

        """
        pixels = np.stack([scaled(plane) for plane in site])
        objects = segment.objects(pixels[0], nucleus=self.nucleus)
        if not objects.count:
            raise BadImage("segmentation", "no nucleus was found inside the field")
        channels = tuple(map(str, range(len(pixels))))  # what they are called changes no value
        measured = dict(self._measured(pixels, objects, channels))
        return np.array([objects.count, *(measured.get(name, np.nan) for name in _names(self, channels))], dtype=np.float32)

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        return np.stack(sites).astype(np.float32)

    @cached_property
    def _functions(self) -> dict[str, Callable[..., dict[str, Any]]]:
        try:
            from cp_measure import bulk
        except ImportError:
            raise InputError("--encoder cp_measure needs cp_measure; install it with: pip install 'impasto[classical]'") from None
        return {**bulk.get_core_measurements(), **bulk.get_correlation_measurements()}

    def _measured(self, pixels: Pixels, objects: segment.Objects, channels: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Name and median of every feature; nothing of a compartment that no cell has (cells without any cytoplasm)."""
        for compartment, labels in (("Cells", objects.cells), ("Cytoplasm", objects.cytoplasm), ("Nuclei", objects.nuclei)):
            if not labels.any():
                continue
            for name, values in self.of_objects(pixels, labels, channels):
                yield f"{compartment}_{name}", _median(values)

    def of_objects(
        self, pixels: Pixels, labels: segment.Labels, channels: Sequence[str], /
    ) -> Iterator[tuple[str, npt.NDArray[np.floating]]]:
        """Measure the objects of one compartment.

        Parameters
        ----------
        pixels
            (C, H, W) from 0 to 1, DNA first.
        labels
            (H, W), 1 to their number.
        channels
            Their names.

        Yields
        ------
        tuple[str, npt.NDArray[np.floating]]
            A name without its compartment, and a value an object.

        """
        for function in _SHAPES:
            more = {"calculate_advanced": False} if function == "sizeshape" else {}
            for key, values in self._call(function, labels, pixels[0], **more):
                yield f"AreaShape_{key}", values
        for channel, plane in zip(channels, pixels, strict=True):
            for function in (*_CHANNEL, *(_SLOW if self.slow else ())):
                for key, values in self._call(function, labels, plane):
                    group, measure, *rest = key.split("_") if function != "texture" else ["Texture", *key.split("_")]
                    yield "_".join([group, measure, channel, *rest]), values
        for (one, first), (other, second) in itertools.combinations(zip(channels, pixels, strict=True), 2):
            for function in _PAIRS:
                for key, values in self._call(function, first, second, labels):
                    _, measure, *order = key.split("_")
                    pair = (other, one) if order == ["2"] else (one, other)
                    yield "_".join(["Correlation", "Correlation" if measure == "Pearson" else measure, *pair]), values

    def _call(self, function: str, *inputs: Any, **options: Any) -> list[tuple[str, npt.NDArray[np.floating]]]:
        """What a measurement gives, positions left out; what it warns of (a cell of one gray) becomes a missing value."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                measured = self._functions[function](*inputs, **options)
            except (ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
                # One odd site does not stop the night's run: it is left out, with this reason.
                raise BadImage("cp_measure", f"{function} failed ({error})") from error
        return [(key, np.asarray(values)) for key, values in measured.items() if not key.startswith(_POSITIONS)]


@lru_cache(maxsize=4)
def _names(encoder: CpMeasure, channels: tuple[str, ...]) -> list[str]:
    return encoder.painted(channels)


def _median(values: npt.NDArray[np.floating]) -> float:
    """The median over the objects that have a value; missing where none has."""
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else float("nan")


def cp_measure(settings: EncoderSettings, /) -> CpMeasure:
    """CellProfiler's features of cells, cytoplasm and nuclei; `cp_measure_fast` without granularity and radial distribution.

    Parameters
    ----------
    settings
        The name of the encoder, and the diameter of a nucleus.

    Returns
    -------
    CpMeasure
        The encoder.

    """
    return CpMeasure(nucleus=settings.nucleus, slow=settings.encoder != "cp_measure_fast")
