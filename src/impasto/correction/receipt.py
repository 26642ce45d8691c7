"""The receipt of a correction: how much of the variance that plate, batch, row, column and cell count explain is gone, and how
much replicate signal is left.

Share of variance = between-group sum of squares over the total, summed over features (for the count: squared correlation), each
feature scaled to unit variance, its chance level (g - 1)/(n - 1) taken off. Signal = mean cosine between wells of one
perturbation (at one dose) on different plates, minus that between wells of different perturbations; unknown wells count in neither.
"""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema, wells
from impasto.correction.base import Array
from impasto.schema import InputError

ROW, COLUMN = "row", "column"


def receipt(before: anndata.AnnData, after: anndata.AnnData, /, *, methods: list[dict[str, Any]]) -> dict[str, Any]:
    """What a correction did.

    Parameters
    ----------
    before, after
        The same rows before and after.
    methods
        The steps, each with its settings.

    Returns
    -------
    dict[str, Any]
        `methods`, `rows`, `features` (before, after), `explained` (factor -> share of variance before and after, 0 to 1) and `signal`
        (before, after; None without replicates on different plates).

    Raises
    ------
    InputError
        The two have different numbers of rows.

    """
    if before.n_obs != after.n_obs:
        raise InputError(f"a receipt compares the same rows: there were {before.n_obs} before and there are {after.n_obs} after")
    factors = {name: labels for name, labels in _factors(before.obs).items() if 1 < len(np.unique(labels)) < len(labels)}
    values = {"before": _scaled(before), "after": _scaled(after)}
    explained = {name: {when: explained_share(v, labels) for when, v in values.items()} for name, labels in factors.items()}
    if schema.CELL_COUNT in before.obs:
        counts = before.obs[schema.CELL_COUNT].astype(float).to_numpy()
        explained["cell count"] = {when: correlated_share(v, counts) for when, v in values.items()}
    return {
        "methods": methods,
        "rows": before.n_obs,
        "features": {"before": before.n_vars, "after": after.n_vars},
        "explained": explained,
        "signal": {"before": replicate_signal(before), "after": replicate_signal(after)},
    }


def _factors(obs: pd.DataFrame) -> dict[str, wells.Codes]:
    factors = {word: wells.groups(obs, word)[0] for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if word in obs}
    if schema.WELL in obs:
        factors[ROW], factors[COLUMN] = wells.place(obs)
    return factors


def _scaled(profiles: anndata.AnnData) -> Array:
    values = np.nan_to_num(tables.dense(profiles).astype(np.float64), posinf=0.0, neginf=0.0)
    # A handful of wells at 1e5 would be all the variance there is; ranks of magnitude are what is asked for.
    limit = np.quantile(np.abs(values), 0.999, axis=0)
    values = np.clip(values, -limit, limit)
    values = values - values.mean(axis=0)
    deviation = values.std(axis=0)
    return np.asarray(values[:, deviation > 1e-9] / deviation[deviation > 1e-9])


def explained_share(values: Array, labels: wells.Codes, /) -> float:
    """Share of the variance that lies between groups, chance taken off.

    Parameters
    ----------
    values
        (n, features), of unit variance each.
    labels
        (n,) the group of each row.

    Returns
    -------
    float
        At least 0, at most 1.

    """
    names, codes = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, codes, values)
    counts = np.bincount(codes)
    between = float(np.mean((sums**2 / counts[:, None]).sum(axis=0) / len(values))) if values.size else 0.0
    chance = (len(names) - 1) / (len(values) - 1)
    return max(0.0, (between - chance) / (1 - chance))


def correlated_share(values: Array, numbers: Array, /) -> float:
    """Mean squared correlation of the features with a number, chance 1/(n - 1) taken off.

    Parameters
    ----------
    values
        (n, features), of unit variance each.
    numbers
        (n,); rows where it is not finite are left out.

    Returns
    -------
    float
        At least 0, at most 1; 0 where fewer than three rows have a number, or all the same.

    """
    known = np.isfinite(numbers)
    centred = numbers[known] - numbers[known].mean()
    if known.sum() < 3 or centred.std() == 0:
        return 0.0
    correlation = values[known].T @ centred / (known.sum() * centred.std())
    chance = 1 / (known.sum() - 1)
    return max(0.0, (float(np.mean(correlation**2)) - chance) / (1 - chance))


def replicate_signal(profiles: anndata.AnnData, /) -> float | None:
    """Mean cosine of replicates on different plates minus that of different perturbations.

    Parameters
    ----------
    profiles
        n profiles of wells.

    Returns
    -------
    float | None
        None without replicates on different plates.

    """
    if schema.PERTURBATION not in profiles.obs or schema.PLATE not in profiles.obs:
        return None
    treated = wells.treated(profiles.obs)
    vectors = ranking.unit(np.nan_to_num(tables.dense(profiles)[treated]))
    what = pd.factorize(wells.replicates(profiles.obs)[treated])[0]
    plate = wells.plates(profiles.obs)[0][treated]
    same, same_n, other, other_n = 0.0, 0, 0.0, 0
    for rows, similarity in ranking.similarity_blocks(vectors, vectors):
        elsewhere = plate[rows][:, None] != plate[None, :]
        replicate = (what[rows][:, None] == what[None, :]) & elsewhere
        different = (what[rows][:, None] != what[None, :]) & elsewhere
        same, same_n = same + float(similarity[replicate].sum()), same_n + int(replicate.sum())
        other, other_n = other + float(similarity[different].sum()), other_n + int(different.sum())
    return same / same_n - other / other_n if same_n and other_n else None
