"""Which regulariser: the one under which replicates stand out most from controls that the whitening has not seen.

Half of each plate's negative controls are learned from. The treated wells' replicates (on other plates, where there are several) are ranked
among the other half by cosine. The candidate with the largest mean average precision is taken. Arevalo et al. 2024 take the best of 25 too,
but score it on the controls it was fitted on. That favours the strongest whitening, whatever it does to new wells.

The wells that choose are wells that are corrected: score the result on other perturbations, or on other plates, than these.
"""

from __future__ import annotations

from typing import Protocol

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema, wells
from impasto.correction.spared import spare_controls
from impasto.schema import InputError

CANDIDATES = tuple(float(r) for r in np.logspace(-4, 2, 25))


class Fitted(Protocol):
    """A fitted corrector, as far as the search needs one."""

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        """Correct profiles.

        Parameters
        ----------
        profiles
            n rows.

        Returns
        -------
        anndata.AnnData
            The n rows, corrected.

        """


class Fit(Protocol):
    """Fits a corrector on profiles, without their spared controls, at a regulariser."""

    def __call__(self, profiles: anndata.AnnData, regulariser: float, /) -> Fitted:
        """Fit a corrector.

        Parameters
        ----------
        profiles
            Rows to learn from; spared controls among them are not learned from.
        regulariser
            The candidate.

        Returns
        -------
        Fitted
            The fitted corrector.

        """


def search(profiles: anndata.AnnData, fit: Fit, /, *, seed: int = 0) -> float:
    """The best of 25 regularisers from 1e-4 to 100 (shares of the mean eigenvalue).

    Parameters
    ----------
    profiles
        Rows that may be learned from.
    fit
        What is fitted at each candidate; it must not learn from spared controls, as `Corrector.fit` does not.
    seed
        Of the choice of spared controls.

    Returns
    -------
    float
        The candidate with the largest `separation`.

    Raises
    ------
    InputError
        The profiles have no replicates, or too few controls to hold half of them back.

    """
    wells.require(profiles.obs, [schema.PLATE, schema.PERTURBATION], task="the search for a regulariser")
    marked = spare_controls(profiles, share=0.5, seed=seed)
    scores = [separation(fit(marked, candidate).transform(marked)) for candidate in CANDIDATES]
    return CANDIDATES[int(np.argmax(scores))]


def separation(profiles: anndata.AnnData, /) -> float:
    """How far replicates stand out from the spared controls of their plate.

    Parameters
    ----------
    profiles
        Corrected profiles with plate, perturbation and spared controls.

    Returns
    -------
    float
        Mean average precision of each treated well's replicates among the spared controls of its plate.

    Raises
    ------
    InputError
        There are no replicates, or no plate has spared controls.

    """
    vectors = ranking.unit(tables.dense(profiles))
    plate, names = wells.plates(profiles.obs)
    what = wells.replicates(profiles.obs).to_numpy(dtype=object)
    spared = wells.spared(profiles.obs)
    several = len(names) > 1
    treated = np.flatnonzero(wells.treated(profiles.obs))
    pairs = []
    for places in pd.Series(what[treated]).groupby(what[treated]).indices.values():
        rows_of_one = treated[places]
        apart = plate[rows_of_one][:, None] != plate[rows_of_one] if several else ~np.eye(len(rows_of_one), dtype=bool)
        pairs.append((rows_of_one[np.nonzero(apart)[0]], (vectors[rows_of_one] @ vectors[rows_of_one].T)[apart]))
    query, similarity = map(np.concatenate, zip(*pairs, strict=True)) if pairs else (treated, vectors[:0, 0])
    none, precisions = np.empty(0, dtype=np.intp), []
    for code in range(len(names)):
        here, pool = plate[query] == code, np.flatnonzero(spared & (plate == code))
        queries, rows = np.unique(query[here], return_inverse=True)
        if len(queries) and len(pool):
            of_plate = ranking.pool_average_precisions(vectors[queries], vectors[pool], rows, similarity[here], left_out=(none, none))
            precisions.append(of_plate)
    if not precisions:
        raise InputError(
            "the search for a regulariser needs replicates and two negative controls a plate; give a number, as --set regulariser=0.1"
        )
    return float(np.concatenate(precisions).mean())
