"""How many cells each well has, beside the profiles of its images.

A site that was left out for its quality has no cells, and says nothing of how many lay there. So the count of a well is the mean over the
sites that were read, times the sites that it has. A site in which no nucleus stands out was read, and has none.
"""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.cells import image_run
from impasto.cells.columns import WORDS
from impasto.cells.folder import Cells
from impasto.schema import InputError

_KEYS = list(WORDS[:4])


def counted(profiles: anndata.AnnData, cells: Cells, /) -> anndata.AnnData:
    """Profiles of wells with the cells of each.

    Parameters
    ----------
    profiles
        n wells.
    cells
        A folder of cells of the same images.

    Returns
    -------
    anndata.AnnData
        The same wells; `obs` has `cell_count`, missing for a well of which no site was read.

    Raises
    ------
    InputError
        The profiles name no plate or well, or none of their wells is among the cells'.

    """
    wells.require(profiles.obs, [schema.PLATE, schema.WELL], task="counting cells")
    table = counts(cells).set_index(_KEYS)[schema.CELL_COUNT]
    places = [
        profiles.obs[word].astype("string").fillna("") if word in profiles.obs else pd.Series("", profiles.obs.index) for word in _KEYS
    ]
    own = pd.MultiIndex.from_arrays([place.astype(str).to_numpy() for place in places], names=_KEYS)
    if len(own) and not own.isin(table.index).any():
        raise InputError(f"{cells.folder} holds no well of these profiles; give the cells of the same images")
    profiles.obs[schema.CELL_COUNT] = table.reindex(own).to_numpy(dtype=np.float64)
    return profiles


def counts(cells: Cells, /) -> pd.DataFrame:
    """The cells of each well, as if all of its sites had been read.

    Parameters
    ----------
    cells
        A folder of cells.

    Returns
    -------
    pandas.DataFrame
        Source, batch, plate and well as text, and `cell_count`.

    """
    table = cells.wells[[*_KEYS, schema.CELL_COUNT]].astype(dict.fromkeys(_KEYS, str)).rename(columns={schema.CELL_COUNT: "kept"})
    sites = cells.sites[_KEYS].astype(str).value_counts().rename("sites").reset_index()
    table = table.merge(sites, on=_KEYS, how="left")
    path = cells.folder / image_run.QUARANTINE
    lost = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame(columns=[*_KEYS, "reason"])
    unread = lost.loc[lost["reason"] != image_run.EMPTY, _KEYS].value_counts().rename("unread").reset_index()
    table = table.merge(unread.astype(dict.fromkeys(_KEYS, str)), on=_KEYS, how="left")
    read = table["sites"] - table["unread"].fillna(0)
    table[schema.CELL_COUNT] = np.where(read > 0, table["kept"] * table["sites"] / read.clip(lower=1), np.nan)
    return table[[*_KEYS, schema.CELL_COUNT]]
