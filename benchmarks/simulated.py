"""Plates of noise: how long a score takes does not depend on what it is."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd


def plates(*, wells: int, width: int, controls: int = 64, copies: int = 10**6) -> anndata.AnnData:
    """Plates of 384 wells, the compounds of a plate on `copies` plates (all, by default), then others."""
    rng = np.random.default_rng(0)
    per = pd.DataFrame({"perturbation": ["DMSO"] * controls + [f"c{i}" for i in range(384 - controls)]})
    per["control_type"] = np.where(per["perturbation"] == "DMSO", "negcon", "trt")
    per["well"] = [f"{chr(65 + i // 24)}{i % 24 + 1:02d}" for i in range(384)]
    obs = pd.concat([per.assign(plate=f"P{p}", library=p // copies) for p in range(wells // 384)], ignore_index=True)
    obs["perturbation"] = obs["perturbation"].where(
        obs["control_type"] == "negcon", obs["perturbation"] + "_" + obs.pop("library").astype(str)
    )
    values = rng.normal(size=(len(obs), width)).astype(np.float32)
    return anndata.AnnData(X=values, obs=obs.rename(index=str), var=pd.DataFrame(index=[f"Cells_f{i}" for i in range(width)]))
