"""Plates with an effect of their own, and their controls."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

EXTRAS = ("scanorama", "scvi")
"""Methods that need a package of their own; both learn from all wells alike."""


def plates(*, plates: int = 3, wells: int = 40, controls: int = 20, width: int = 6, shift: float = 3.0, seed: int = 0) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(width, width))
    rows, values = [], []
    for plate in range(plates):
        offset, scale = shift * rng.normal(size=width), rng.uniform(0.5, 2, width)
        for well in range(wells):
            control = well < controls
            rows.append(
                {
                    "plate": f"P{plate}",
                    "batch": f"B{plate}",
                    "well": f"{chr(65 + well // 12)}{well % 12 + 1:02d}",
                    "control_type": "negcon" if control else "trt",
                    "perturbation": "DMSO" if control else f"c{well}",
                    "gene": None if control else f"c{well}",
                }
            )
            values.append(offset + scale * (rng.normal(size=width) @ mixing))
    names = [f"Cells_Texture_Contrast{i}_DNA" for i in range(width)]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str), var=pd.DataFrame(index=names))


def control_rows(data: anndata.AnnData, plate: str | None = None) -> np.ndarray:
    chosen = (data.obs["control_type"] == "negcon").to_numpy()
    return chosen if plate is None else chosen & (data.obs["plate"] == plate).to_numpy()
