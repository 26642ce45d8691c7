"""Spared controls: some negative controls that no corrector learns from, so that scores against controls stay honest.

A corrector that is fitted on all controls of a plate makes those very controls unusually alike (or unusually regular): a treated
well that does nothing would still differ from them. The spared ones are dealt by the hash of their place and a seed, so the same
wells are spared before and after a correction.
"""

from __future__ import annotations

import hashlib

import anndata
import numpy as np

from impasto import profiles as tables
from impasto import schema
from impasto.wells import TRAIN


def spare_controls(profiles: anndata.AnnData, /, *, share: float, seed: int) -> anndata.AnnData:
    """The same profiles with a column `spared`: True for about `share` of each plate's negative controls."""
    tables.require(profiles, schema.PLATE, schema.WELL, task="sparing controls")
    spared = np.zeros(profiles.n_obs, dtype=bool)
    controls = np.flatnonzero(tables.negative_controls(profiles))
    plates = profiles.obs[schema.PLATE].astype(str).to_numpy()
    places = [f"{seed}:{p}:{w}" for p, w in zip(plates, profiles.obs[schema.WELL].astype(str), strict=True)]
    for plate in np.unique(plates[controls]):
        mine = controls[plates[controls] == plate]
        dealt = sorted(mine, key=lambda row: hashlib.sha256(places[row].encode()).digest())
        spared[dealt[: round(share * len(dealt))]] = True
    marked = profiles.copy()
    marked.obs[schema.SPARED] = spared
    return marked


def without_spared(profiles: anndata.AnnData, /, *, held_out: bool = True) -> anndata.AnnData:
    """What correctors may learn from: all rows but the spared controls and, with `held_out`, what a split holds out."""
    kept = np.ones(profiles.n_obs, dtype=bool)
    if schema.SPARED in profiles.obs:
        kept &= ~profiles.obs[schema.SPARED].to_numpy(dtype=bool)
    if held_out and schema.SPLIT in profiles.obs:
        kept &= (profiles.obs[schema.SPLIT].astype(str) == TRAIN).to_numpy()
    return profiles if kept.all() else profiles[kept].copy()
