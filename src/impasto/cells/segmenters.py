"""What finds nuclei: the family of segmenters. Others are installed under the entry points `impasto.segmenters`.

A segmenter is a function `f(planes, *, diameter, pixel_um) -> labels`. One whose net needs weights is an object with
`open(weights, accepted=...)`, which gives such a function: weights are a file of the user's, and none is brought from the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from impasto import border
from impasto.cells import segment
from impasto.cells.segment import Labels, Plane
from impasto.families import Family
from impasto.schema import InputError

DNA = "DNA"
Segmenter = Callable[..., npt.NDArray[np.integer]]
"""`f(planes, *, diameter, pixel_um) -> labels` of nuclei: planes by channel, (H, W) each; None for the side of a pixel that nobody says."""


@runtime_checkable
class WithWeights(Protocol):
    """A segmenter whose net has weights."""

    def open(self, weights: Path | None, /, *, accepted: bool) -> Segmenter:
        """Load the net.

        Parameters
        ----------
        weights
            Where the user has them.
        accepted
            Whether the user has accepted the licence of the weights.

        Returns
        -------
        Segmenter
            What finds nuclei.

        Raises
        ------
        InputError
            Its package, its weights or a word of the user are missing.

        """
        ...


SEGMENTERS: Family[Segmenter | WithWeights] = Family(
    "segmenters",
    what="segmenter",
    parts={
        "watershed": "impasto.cells.segmenters:watershed",
        "cellpose": "impasto.cells.segment_cellpose:SEGMENTER",
        "stardist": "impasto.cells.segment_stardist:SEGMENTER",
    },
)
"""Name -> what finds nuclei."""


def watershed(
    planes: Mapping[str, Plane],
    /,
    *,
    diameter: float,
    pixel_um: float | None = None,  # noqa: ARG001 - it measures in pixels
) -> Labels:
    """Nuclei by threshold and watershed (`segment.nuclei`).

    Parameters
    ----------
    planes
        Channel -> (H, W), DNA among them.
    diameter
        Of a nucleus in pixels.
    pixel_um
        The side of a pixel in micrometres; None where nobody says it.

    Returns
    -------
    Labels
        (H, W).

    """
    return segment.nuclei(planes[DNA], diameter)


def opened(name: str, /, *, weights: Path | None = None, accepted: bool = False) -> Segmenter:
    """A segmenter, ready to find nuclei.

    Parameters
    ----------
    name
        Of `SEGMENTERS`.
    weights
        Of a net, where the user has them.
    accepted
        Whether the user has accepted the licence of the weights.

    Returns
    -------
    Segmenter
        The function.

    Raises
    ------
    InputError
        There is none of that name, or weights are given to one that has none.

    """
    part = SEGMENTERS[name]
    if isinstance(part, WithWeights):
        return part.open(weights, accepted=accepted)
    for option, said in (("--weights", weights is not None), ("--accept-licence", accepted)):
        if said:
            raise InputError(f"{option} is for segmenters with a net, and {name} has none; leave it out")
    return part


def require_weights(weights: Path | None, /, *, name: str, what: str) -> Path:
    """The weights that a net cannot do without.

    Parameters
    ----------
    weights
        As the user gave them.
    name
        Of the segmenter.
    what
        What the weights are and where they come from.

    Returns
    -------
    Path
        They are there.

    Raises
    ------
    InputError
        Nobody gave them, or they are not there.

    """
    if weights is None:
        raise InputError(f"--segmenter {name} needs its weights, which are not fetched for you: {what}; say where they are: --weights PATH")
    if not weights.exists():
        raise InputError(f"--weights {weights} does not exist; give {what}")
    return weights


def require_package(load: Callable[[], ModuleType], /, *, package: str, called: str) -> ModuleType:
    """The module of a net that the user has installed.

    Parameters
    ----------
    load
        Imports it.
    package
        Its name, which is that of the extra and of the segmenter.
    called
        Its name in sentences.

    Returns
    -------
    ModuleType
        The module.

    Raises
    ------
    InputError
        It is not installed, or cannot be imported.

    """
    try:
        return load()
    except Exception as error:
        if isinstance(error, ImportError) and (error.name or package).split(".")[0] == package:
            raise InputError(f"--segmenter {package} needs {called}; install it with: pip install 'impasto[{package}]'") from None
        raise InputError(
            f"--segmenter {package}: {called} is installed, and cannot be imported ({border.cause(error)}); give it an environment of its "
            f"own, with the versions of constraints-{package}.txt"
        ) from error
