"""Distance and distance by chance: by hand, and by exchanging labels many times."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from tests.assay.layouts import assay

from impasto.correction.spared import spare_controls
from impasto.evaluation.design import design
from impasto.evaluation.shift import shifts


def made(values: np.ndarray, obs: pd.DataFrame) -> anndata.AnnData:
    obs = obs.copy()
    obs.index = obs.index.astype(str)
    return spare_controls(anndata.AnnData(X=values.astype(np.float32), obs=obs), share=0.5, seed=0)


def test_by_hand() -> None:
    obs = assay(plates=2, compounds=2, controls=8)
    values = np.random.default_rng(0).normal(size=(len(obs), 3))
    profiles = made(values, obs)
    where = design(profiles, pool_doses=False, by_batch=False, seed=0)
    distances, by_chance = shifts(profiles.X, where)
    x = profiles.X.astype(np.float64)
    for number, name in enumerate(["C00", "C01"]):
        total, spread = np.zeros(3), 0.0
        for plate in ("P1", "P2"):
            here = (profiles.obs["plate"] == plate).to_numpy()
            own = x[here & (profiles.obs["perturbation"] == name).to_numpy()]
            judges = x[here & profiles.obs["spared"].to_numpy()]
            assert len(judges) == 4
            total += own.mean(0) - judges.mean(0)
            spread += sum(((judges[:, f] - judges[:, f].mean()) ** 2).sum() / 3 for f in range(3)) * (1 / len(own) + 1 / 4)
        assert np.isclose(distances[number], np.sqrt((total / 2) @ (total / 2)) / np.sqrt(3), rtol=1e-6)
        assert np.isclose(by_chance[number], np.sqrt(spread / 3) / 2, rtol=1e-6)


def test_chance_is_what_inert_wells_show() -> None:
    obs = assay(plates=2, compounds=60, controls=32)
    square, expected = [], []
    for seed in range(20):
        values = np.random.default_rng(seed).normal(size=(len(obs), 30)) * np.linspace(0.5, 2, 30)
        profiles = made(values, obs)
        distances, by_chance = shifts(profiles.X, design(profiles, pool_doses=False, by_batch=False, seed=0))
        square += (distances**2).tolist()
        expected += (by_chance**2).tolist()
    assert np.isclose(np.mean(square), np.mean(expected), rtol=0.05)
