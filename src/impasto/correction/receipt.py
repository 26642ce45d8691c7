"""The receipt of a correction: how much of the variance that plate, batch, row, column and cell count explain is gone, and how
much replicate signal is left.

Share of variance = between-group sum of squares over the total, summed over features (for the count: squared correlation), each
feature scaled to unit variance, its chance level (g - 1)/(n - 1) taken off. Signal = mean cosine between wells of one
perturbation (at one dose) on different plates, minus that between wells of different perturbations; unknown wells count in neither.

All shares are made from sums over plates (receipt_sums.py), so that a table and a folder of plates that does not fit into memory have the
same receipt. Of more than `ROWS_FOR_LIMITS` rows, the limit of each feature is taken on rows drawn from each plate; of more than
`ROWS_FOR_SIGNAL`, the signal is. The receipt then says how many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import dataset, ranking, schema, wells
from impasto import profiles as tables
from impasto.correction import receipt_sums
from impasto.schema import InputError

ROWS_FOR_LIMITS, ROWS_FOR_SIGNAL = 50_000, 20_000


def receipt(before: anndata.AnnData, after: anndata.AnnData, /, *, methods: list[dict[str, Any]], seed: int = 0) -> dict[str, Any]:
    """What a correction did.

    Parameters
    ----------
    before, after
        The same rows before and after.
    methods
        The steps, each with its settings.
    seed
        Of the rows that are drawn from a large table.

    Returns
    -------
    dict[str, Any]
        `methods`, `rows`, `features` (before, after), `explained` (factor -> share of variance before and after, 0 to 1) and `signal`
        (before, after; None without replicates on different plates). `drawn` counts the rows that were drawn, where they were.
        `steps.correct` adds `warnings`, of plates with few controls.

    Raises
    ------
    InputError
        The two have different numbers of rows.

    """
    if before.n_obs != after.n_obs:
        raise InputError(f"a receipt compares the same rows: there were {before.n_obs} before and there are {after.n_obs} after")
    pairs = list(zip(dataset.plates_of(before, named=False), dataset.plates_of(after, named=False), strict=True))
    limited = drawn_a_plate(before.n_obs, len(pairs), ROWS_FOR_LIMITS)
    drawn = [drawn_rows(pair[0].n_obs, limited, seed=(seed, number)) for number, pair in enumerate(pairs)]
    limits = {
        when: receipt_sums.limits([tables.dense(pair[side])[rows] for pair, rows in zip(pairs, drawn, strict=True)])
        for side, when in enumerate(receipt_sums.WHEN)
    }
    parts = [receipt_sums.summarise(pairs[i : i + receipt_sums.CHUNK], limits) for i in range(0, len(pairs), receipt_sums.CHUNK)]
    few = drawn_a_plate(before.n_obs, len(pairs), ROWS_FOR_SIGNAL)
    signal = {
        when: replicate_signal(receipt_sums.stacked([pair[side][rows[:few]] for pair, rows in zip(pairs, drawn, strict=True)]))
        for side, when in enumerate(receipt_sums.WHEN)
    }
    return written(
        receipt_sums.explained(parts),
        signal,
        methods=methods,
        features={"before": before.n_vars, "after": after.n_vars},
        rows=before.n_obs,
        plates=len(pairs),
    )


def written(
    explained: Mapping[str, Mapping[str, float]],
    signal: Mapping[str, float | None],
    /,
    *,
    methods: list[dict[str, Any]],
    features: Mapping[str, int],
    rows: int,
    plates: int,
) -> dict[str, Any]:
    """A receipt as it is written down.

    Parameters
    ----------
    explained
        Factor -> share of variance before and after.
    signal
        Before and after.
    methods
        The steps, each with its settings.
    features
        How many before and after.
    rows, plates
        How many there are.

    Returns
    -------
    dict[str, Any]
        As `receipt` returns it.

    """
    wanted = {"limits": ROWS_FOR_LIMITS, "signal": ROWS_FOR_SIGNAL}
    drawn = {what: plates * drawn_a_plate(rows, plates, count) for what, count in wanted.items() if rows > count}
    said = {"methods": methods, "rows": rows, "features": dict(features), "explained": dict(explained), "signal": dict(signal)}
    return {**said, **({"drawn": drawn} if drawn else {})}


def drawn_a_plate(rows: int, plates: int, wanted: int, /) -> int:
    """How many rows are drawn of each plate.

    Parameters
    ----------
    rows, plates
        How many there are.
    wanted
        How many are wanted in all.

    Returns
    -------
    int
        All, where there are no more than wanted.

    """
    return rows if rows <= wanted else math.ceil(wanted / plates)


def drawn_rows(count: int, drawn: int, /, *, seed: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Rows of a plate in random order, as many as are wanted; all, in their own order, where there are no more.

    Parameters
    ----------
    count
        Rows of the plate.
    drawn
        How many are wanted.
    seed
        Of the draw.

    Returns
    -------
    npt.NDArray[np.int64]
        Row numbers.

    """
    if drawn >= count:
        return np.arange(count, dtype=np.int64)
    return np.random.default_rng(seed).permutation(count)[:drawn].astype(np.int64)


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
