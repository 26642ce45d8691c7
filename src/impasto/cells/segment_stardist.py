"""Nuclei by StarDist (Schmidt et al. 2018): star-convex polygons. An extra: `impasto[stardist]`, which brings TensorFlow.

Package and models are under a BSD licence. The model is a folder that the user brings (`2D_versatile_fluo`: config.json, thresholds.json,
weights). Light is scaled from the 1st to the 99.8th percentile, as its authors do. The net was trained at the sizes of its own images, and
does not ask for the diameter of a nucleus.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import border
from impasto.cells.segment import Plane
from impasto.cells.segmenters import DNA, Segmenter, require_package, require_weights
from impasto.schema import InputError

_WHAT = "the folder of a model of StarDist, as 2D_versatile_fluo"
_DARK, _BRIGHT = 1.0, 99.8


class StarDist:
    """Opens a model of StarDist."""

    def open(self, weights: Path | None, /, *, accepted: bool) -> Segmenter:
        models: Any = require_package(_models, package="stardist", called="StarDist")
        if accepted:
            raise InputError(
                "--accept-licence: StarDist and its models are under a BSD licence, which asks for no word of yours; leave it out"
            )
        path = require_weights(weights, name="stardist", what=_WHAT)
        if not (path / "config.json").is_file():
            raise InputError(f"--weights {path} holds no config.json; give {_WHAT}")
        with border.reading(path, "model of StarDist"):
            model = models.StarDist2D(None, name=path.absolute().name, basedir=str(path.absolute().parent))

        def find(
            planes: Mapping[str, Plane],
            /,
            *,
            diameter: float,  # noqa: ARG001 - see above
            pixel_um: float | None = None,  # noqa: ARG001
        ) -> npt.NDArray[np.integer]:
            plane = planes[DNA].astype(np.float32)
            low, high = np.percentile(plane, [_DARK, _BRIGHT])
            return np.asarray(model.predict_instances((plane - low) / max(float(high - low), 1e-6), verbose=False)[0])

        return find


def _models() -> ModuleType:
    from stardist import models

    return models


SEGMENTER = StarDist()
"""The segmenter of the family."""
