"""Spared controls: some negative controls that no corrector learns from, so that scores against controls stay honest.

A corrector that is fitted on all controls of a plate makes those very controls unusually alike (or unusually regular): a treated
well that does nothing would still differ from them. The spared ones are chosen by the hash of their place and a seed, so the same
wells are spared before and after a correction. `Corrector.fit` leaves them out (`wells.learnable`).
"""

from __future__ import annotations

import hashlib

import anndata
import numpy as np

from impasto import schema, wells
from impasto.schema import InputError


def spare_controls(profiles: anndata.AnnData, /, *, share: float, seed: int) -> anndata.AnnData:
    """Mark some negative controls as spared.

    Parameters
    ----------
    profiles
        n rows of wells or sites, with plate and well.
    share
        Share of each plate's control wells, 0 to 1. All rows (sites) of a well are spared together.
    seed
        Of the choice. The same seed spares the same wells, whatever the order of the rows.

    Returns
    -------
    A copy with a boolean column `spared`. Raises InputError where no negative control is marked.

    """
    if not 0 <= share <= 1:
        raise InputError(f"spare is {share}; it is a share of the negative controls, from 0 to 1")
    wells.require(profiles.obs, [schema.PLATE, schema.WELL], task="sparing controls")
    controls = np.flatnonzero(wells.require_negative(profiles.obs, task="sparing controls"))
    plate, _ = wells.plates(profiles.obs)
    # The hash takes the plate's own name: the same wells are spared whether or not a table knows batches.
    barcode, well = (profiles.obs[word].astype(str).to_numpy() for word in (schema.PLATE, schema.WELL))
    spared = np.zeros(profiles.n_obs, dtype=bool)
    for code in np.unique(plate[controls]):
        rows_of_plate = controls[plate[controls] == code]
        places = {f"{seed}:{barcode[row]}:{well[row]}" for row in rows_of_plate}
        ordered = sorted(places, key=lambda place: hashlib.sha256(place.encode()).digest())
        chosen = set(ordered[: round(share * len(ordered))])
        spared[rows_of_plate] = [f"{seed}:{barcode[row]}:{well[row]}" in chosen for row in rows_of_plate]
    marked = profiles.copy()
    marked.obs[schema.SPARED] = spared
    return marked
