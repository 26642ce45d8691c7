"""Plates with controls, and the index of them with its fitted correction."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from impasto import identity
from impasto.atlas import building
from impasto.correction import kept
from impasto.correction.steps import correct

COMPOUNDS, CONTROLS = 8, 16


def plates(count: int, *, seed: int, name: str = "P", moved: bool = False, far: bool = False) -> anndata.AnnData:
    """Eight compounds and sixteen controls a plate; `moved`: compounds stand in other wells, `far`: and look like nothing before."""
    effects = np.random.default_rng(7).normal(size=(COMPOUNDS, 6)) * 4
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for plate in range(count):
        order = np.roll(np.arange(COMPOUNDS), 3 if moved else 0)
        for place in range(COMPOUNDS + CONTROLS):
            compound = order[place] if place < COMPOUNDS else -1
            rows.append(
                {
                    "plate": f"{name}{plate}",
                    "well": f"A{place + 1:02d}",
                    "perturbation": "DMSO" if compound < 0 else f"c{compound}",
                    "control_type": "negcon" if compound < 0 else "trt",
                }
            )
            effect = np.zeros(6) if compound < 0 else effects[compound]
            values.append(5 + 10 * plate + (rng.normal(size=6) + (np.roll(effect, 2) * -3 if far and compound >= 0 else effect)))
    names = [f"Cells_Texture_Contrast_DNA_{i}" for i in range(6)]
    return anndata.AnnData(
        X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str), var=pd.DataFrame({"channel": "DNA"}, index=names)
    )


def corrected(profiles: anndata.AnnData, where: Path, *, steps: list[str] | None = None) -> None:
    """`run/index` and `run/c.fitted` of profiles."""
    chosen = [{"method": name} for name in steps or ["standardize", "clip"]]
    after, fitted, _ = correct(profiles, chosen, spare=0.5, seed=0)
    kept.save(where / "run" / "c.fitted", fitted)
    identity.write_to(where / "run" / "c.fitted", identity.of(profiles))
    building.build(after, where / "run" / "index", title="three plates")
