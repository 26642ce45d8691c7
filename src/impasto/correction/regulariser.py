"""Which regulariser: the one under which replicates stand out most from controls that the whitening has not seen.

Half of each plate's negative controls are learned from, the treated wells' replicates (on other plates, where there are several)
are ranked among the other half by cosine, and the candidate with the largest mean average precision is taken. Arevalo et al. 2024
take the best of 25 too, scored on the controls it was fitted on, which favours the strongest whitening whatever it does to new wells.

The wells that choose are wells that are corrected: score the result on other perturbations, or on other plates, than these.
"""

from __future__ import annotations

from collections.abc import Callable

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.correction.fitted import Corrector
from impasto.correction.spared import spare_controls, without_spared
from impasto.schema import InputError

CANDIDATES = tuple(float(r) for r in np.logspace(-4, 2, 25))


def search(profiles: anndata.AnnData, fit: Callable[[anndata.AnnData, float], Corrector], /, *, seed: int = 0) -> float:
    """The best of 25 regularisers from 1e-4 to 100 (shares of the mean eigenvalue).

    Raises InputError where the profiles have no replicates, or too few controls to hold half of them back.
    """
    tables.require(profiles, schema.PLATE, schema.PERTURBATION, task="the search for a regulariser")
    marked = spare_controls(profiles, share=0.5, seed=seed)
    learned_from = without_spared(marked)
    scores = [separation(fit(learned_from, candidate).transform(marked)) for candidate in CANDIDATES]
    return CANDIDATES[int(np.argmax(scores))]


def separation(profiles: anndata.AnnData, /) -> float:
    """Mean average precision of each treated well's replicates among the spared controls of its plate."""
    vectors = ranking.unit(tables.dense(profiles))
    plate = profiles.obs[schema.PLATE].astype(str).to_numpy()
    what = profiles.obs[schema.PERTURBATION].astype(str).to_numpy()
    negative = tables.negative_controls(profiles)
    spared = profiles.obs[schema.SPARED].to_numpy(dtype=bool)
    several = len(np.unique(plate)) > 1
    treated = np.flatnonzero(~negative)
    pairs = []
    for places in pd.Series(what[treated]).groupby(what[treated]).indices.values():
        mine = treated[places]
        apart = plate[mine][:, None] != plate[mine] if several else ~np.eye(len(mine), dtype=bool)
        pairs.append((mine[np.nonzero(apart)[0]], (vectors[mine] @ vectors[mine].T)[apart]))
    query, similarity = map(np.concatenate, zip(*pairs, strict=True)) if pairs else (treated, vectors[:0, 0])
    none, precisions = np.empty(0, dtype=np.intp), []
    for name in np.unique(plate):
        here, pool = plate[query] == name, np.flatnonzero(spared & (plate == name))
        queries, rows = np.unique(query[here], return_inverse=True)
        if len(queries) and len(pool):
            found = ranking.pool_average_precisions(vectors[queries], vectors[pool], rows, similarity[here], left_out=(none, none))
            precisions.append(found)
    if not precisions:
        raise InputError(
            "the search for a regulariser needs replicates and two negative controls a plate; give a number, as --set regulariser=0.1"
        )
    return float(np.concatenate(precisions).mean())
