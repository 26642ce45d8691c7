"""Is this one well like the controls? A conformal p-value a well, for quality control and for plates to come.

s = |L⁻¹ x|², x the well about its plate's centre and L L' the noise of the fitting controls; p = (1 + #{spared s >= s}) / (n + 1) among
the spared controls of its plate (`statistics.conformal`). It holds for a well exchangeable with these. With n spared controls it is
never below 1 / (n + 1), so it calls no hits.
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import mapped, schema, wells
from impasto.evaluation import noise
from impasto.evaluation.design import Design
from impasto.statistics import conformal


def table(profiles: anndata.AnnData, values: npt.NDArray[np.float32], where: Design, /) -> pd.DataFrame:
    """The p-value of every treated or spared well.

    Parameters
    ----------
    profiles
        n wells.
    values
        (n, features) of them.
    where
        The design.

    Returns
    -------
    pd.DataFrame
        One row a well, with source, batch, plate and well as far as the table has them, perturbation, score and p. Empty where no control
        judges.

    """
    centred = where.controls_of_plates()[where.plate] > 0
    rows = np.flatnonzero((wells.treated(profiles.obs) | where.judging | where.fitting) & centred)
    if not where.judging.any():
        return pd.DataFrame()
    x = noise.centred(values, where, rows)
    factor = noise.shrunk_factor(noise.of_controls(x.values, where), features=x.features)
    score = np.full(len(values), np.nan)
    for here in mapped.blocks(x.values):
        own = rows[here]
        score[own] = (noise.whitened(x.values[own], factor) ** 2).sum(axis=1)
    p = conformal.p_values(score, where.judging, where.plate)
    shown = rows[~where.fitting[rows]]
    keys = [word for word in (*wells.keys_of_plate(profiles.obs), schema.WELL, schema.PERTURBATION) if word in profiles.obs]
    return profiles.obs.iloc[shown][keys].reset_index(drop=True).assign(score=score[shown], p=p[shown])
