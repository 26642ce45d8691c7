"""Small profiles with an identity."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto import identity, profiles

DINO = {
    "name": "dinov2_s14",
    "sha256": "19" * 32,
    "layer": 6,
    "readout": "mean",
    "size": 224,
    "preprocessing": "8 bit",
    "illumination": "none",
}
LITE = {"name": "efficientnet_lite0", "sha256": "57" * 32, "size": 224, "preprocessing": "8 bit", "illumination": "none"}
SPHERED = {"method": "sphering", "by": "plate", "regulariser": 1.0}


def table() -> anndata.AnnData:
    obs = pd.DataFrame({"plate": ["p", "p", "q"], "well": ["A01", "A01", "A02"], "perturbation": ["a", "a", "b"]}, index=list("012"))
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    return anndata.AnnData(values, obs=obs, var=profiles.describe_features(["Cells_AreaShape_Area", "Cells_AreaShape_Extent"]))


def made(encoder: dict[str, object] = DINO, *steps: dict[str, object]) -> anndata.AnnData:
    found = table()
    identity.record_encoder(found, encoder)
    for step in steps:
        identity.record_step(found, step)
    return found


def compared(first: anndata.AnnData, second: anndata.AnnData) -> str:
    return identity.compare(identity.of(first), identity.of(second), of_expected="the run r", of_given="the profiles p")
