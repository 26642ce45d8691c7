"""An index of a map's wells with the new ones beside them, for the explorer: the column `placed` tells them apart."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from impasto import schema
from impasto.atlas import arrow_files, building, well_columns
from impasto.atlas.consensus import LEVEL, MODALITY
from impasto.atlas.map_folder import Map
from impasto.atlas.placing import Placed

PLACED, OF_MAP, NEW = "placed", "map", "new"


def build(on: Map, placed: Placed, out: Path, /, *, seed: int = 0) -> None:
    """Write the index.

    Parameters
    ----------
    on
        The map.
    placed
        The new wells on it.
    out
        The folder of the index.
    seed
        Of what is drawn.

    """
    rows = on.index.rows.iloc[on.wells].drop(columns=[LEVEL, MODALITY, "x", "y", well_columns.DISTANCE], errors="ignore")
    new = placed.profiles.obs.assign(outside=np.where(placed.wells["outside"], "outside", "inside"))
    # As plain objects: a column that only one of them has would change the other's kind.
    parts = [table.astype(object).assign(**{PLACED: word}) for table, word in ((rows, OF_MAP), (new, NEW))]
    obs = pd.concat(parts, ignore_index=True)
    for word in obs:
        if word == schema.SPARED:
            obs[word] = obs[word].map(lambda said: said is True or said == arrow_files.YES).astype(bool)
        elif word in well_columns.NUMBERS:
            obs[word] = pd.to_numeric(obs[word], errors="coerce")
        else:
            obs[word] = obs[word].astype("string")
    values = np.concatenate([np.asarray(on.index.vectors[on.wells]), placed.vectors])
    at = np.concatenate([on.index.rows.iloc[on.wells][["x", "y"]].to_numpy(dtype=np.float32), placed.positions])
    both = anndata.AnnData(X=values, obs=obs.set_axis(pd.RangeIndex(len(obs)).astype(str), axis=0))
    building.build(both, out, seed=seed, title=f"{on.described['title']}, with new plates", positions=at)
