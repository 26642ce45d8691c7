"""Nuclei by Cellpose (Stringer et al. 2021; Cellpose-SAM, Pachitariu et al. 2025), version 4. An extra: `impasto[cellpose]`.

The package is under a BSD licence. Its authors say that all its models were trained on data under CC BY-NC, so its weights are read only
where the user accepts that. They are a file of some 1.2 GB that the user brings (`cpsam_v2`). The DNA plane is all that the net sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import border, devices
from impasto.cells.segment import Plane
from impasto.cells.segmenters import DNA, Segmenter, require_package, require_weights
from impasto.schema import InputError

_WHAT = "the file cpsam_v2 of Cellpose-SAM"
_NEWEST_OLD = 3


class Cellpose:
    """Opens a model of Cellpose 4."""

    def open(self, weights: Path | None, /, *, accepted: bool) -> Segmenter:
        models = _package()
        path = require_weights(weights, name="cellpose", what=_WHAT)
        if not accepted:
            raise InputError(
                "Cellpose's models were trained on data under CC BY-NC: not for commercial use; if yours is none, add --accept-licence"
            )
        place = devices.place()
        with border.reading(path, "model of Cellpose"):
            model = models.CellposeModel(gpu=place.device.type != "cpu", pretrained_model=str(path), device=place.device)

        def find(
            planes: Mapping[str, Plane],
            /,
            *,
            diameter: float,
            pixel_um: float | None = None,  # noqa: ARG001 - the diameter scales it
        ) -> npt.NDArray[np.integer]:
            masks = model.eval(planes[DNA].astype(np.float32), diameter=diameter)[0]
            return np.asarray(masks)

        return find


def _package() -> Any:
    """The module of its models, of a version that is known."""
    from importlib.metadata import version

    models = require_package(_models, package="cellpose", called="Cellpose")
    if int(version("cellpose").split(".")[0]) <= _NEWEST_OLD:
        raise InputError(f"--segmenter cellpose reads models of Cellpose 4, and {version('cellpose')} is installed; upgrade it")
    return models


def _models() -> ModuleType:
    from cellpose import models

    return models


SEGMENTER = Cellpose()
"""The segmenter of the family."""
