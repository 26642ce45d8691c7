"""Spared controls: some negative controls that no corrector learns from, so that scores against controls stay honest.

A corrector that is fitted on all controls of a plate makes those very controls unusually alike (or unusually regular): a treated
well that does nothing would still differ from them. The spared ones are chosen by the hash of their place and a seed, so the same
wells are spared before and after a correction. `Corrector.fit` leaves them out (`wells.learnable`).
"""

from __future__ import annotations

import hashlib

import anndata
import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.schema import InputError


def spare_controls(profiles: anndata.AnnData, /, *, share: float, seed: int) -> anndata.AnnData:
    """A copy of the profiles with a boolean column `spared`; see `chosen_controls`."""
    marked = profiles.copy()
    marked.obs[schema.SPARED] = chosen_controls(profiles.obs, share=share, seed=seed)
    return marked


def chosen_controls(obs: pd.DataFrame, /, *, share: float, seed: int) -> wells.Flags:
    """Which negative controls are spared.

    Parameters
    ----------
    obs
        Annotation of n rows of wells or sites, with plate and well.
    share
        Share of each plate's control wells, 0 to 1. All rows (sites) of a well are spared together.
    seed
        Of the choice. The same seed spares the same wells, whatever the order of the rows.

    Returns
    -------
    (n,), True for a spared control. Raises InputError where no negative control is marked.

    """
    if not 0 <= share <= 1:
        raise InputError(f"spare is {share}; it is a share of the negative controls, from 0 to 1")
    wells.require(obs, [schema.PLATE, schema.WELL], task="sparing controls")
    controls = np.flatnonzero(wells.require_negative(obs, task="sparing controls"))
    plate, _ = wells.plates(obs)
    # The hash takes the plate's own name: the same wells are spared whether or not a table knows batches.
    names = zip(obs[schema.PLATE].astype(str), obs[schema.WELL].astype(str), strict=True)
    places = np.array([f"{seed}:{barcode}:{well}" for barcode, well in names], dtype=object)
    spared = np.zeros(len(obs), dtype=bool)
    for code in np.unique(plate[controls]):
        rows_of_plate = controls[plate[controls] == code]
        ordered = sorted(set(places[rows_of_plate]), key=lambda place: hashlib.sha256(place.encode()).digest())
        spared[rows_of_plate] = np.isin(places[rows_of_plate], ordered[: round(share * len(ordered))])
    return spared
