"""A screen small enough for plain loops: perturbations on every plate, controls, some of them spared, a direction for each active one."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd


def screen(
    *,
    seed: int = 0,
    plates: int = 3,
    perturbations: int = 24,
    active: int = 0,
    controls: int = 28,
    spared: int = 14,
    width: int = 8,
    effect: float = 2.0,
    wells: int = 1,
    position: float = 0.0,
    scrambled: bool = False,
    whole: bool = False,
) -> anndata.AnnData:
    """Perturbations `p00`... (the first `active` ones act) in `wells` wells a plate, `controls` DMSO wells, the first of them spared.

    `position` moves every place of the plate on all plates alike; `scrambled` deals places anew on each plate.
    """
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(perturbations, width)) * effect
    direction[active:] = 0
    names = [f"p{i:02d}" for i in range(perturbations) for _ in range(wells)] + ["DMSO"] * controls
    of_place, order = position * rng.normal(size=(len(names), width)), np.arange(len(names))
    rows, values = [], []
    for plate in range(plates):
        place = rng.permutation(order) if scrambled else order
        for number, name in enumerate(names):
            control = name == "DMSO"
            at = int(place[number])
            moved = 0.0 if control else direction[int(name[1:])]
            values.append(rng.normal(size=width) + moved + plate + of_place[at])
            kind = "negcon" if control else "trt"
            well = f"{'ABCDEFGHIJKLMNOP'[at // 24]}{at % 24 + 1:02d}"
            rows.append(("X", f"P{plate}", well, name, kind, control and number - perturbations * wells < spared))
    obs = pd.DataFrame(rows, columns=["batch", "plate", "well", "perturbation", "control_type", "spared"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs.drop(columns="spared") if whole else obs)
