"""For copairs: profiles it can rank, and our scores under the names of its own results (Kalinin et al. 2025).

`average_precision` gives copairs' table of one row a query, on which `copairs.map.mean_average_precision` runs as on its own;
`mean_average_precision` gives its table of one row a group. Normalised average precision is (AP - chance) / (1 - chance), the chance
being the expected average precision of a random ranking with as many positives and negatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import spelling
from impasto.export import SPELLED, pycytominer
from impasto.export.exporter import Exporter
from impasto.schema import InputError

THRESHOLD = 0.05


def spelled(profiles: anndata.AnnData, /) -> anndata.AnnData:
    """The profiles under pycytominer's names.

    Parameters
    ----------
    profiles
        Profiles of sites, wells or perturbations.

    Returns
    -------
    anndata.AnnData
        A copy.

    Raises
    ------
    InputError
        Where values are missing: copairs would rank nothing by them.

    """
    missing = ~np.isfinite(tables.dense(profiles))
    if missing.any():
        worst = profiles.var_names[int(missing.sum(axis=0).argmax())]
        raise InputError(
            f"{int(missing.any(axis=0).sum())} features hold missing or infinite values (most in {worst}), and copairs ranks no row that "
            "has one; take them out first: impasto correct --method select"
        )
    return pycytominer.spelled(profiles)


def is_result(columns: pd.Index, /) -> bool:
    """Whether a table is a detail of an evaluation (`per_group.parquet`, `per_well.parquet`) rather than profiles.

    Parameters
    ----------
    columns
        Of the table.

    Returns
    -------
    bool
        True for a detail of an evaluation.

    """
    return {"chance", "positives", "negatives"} <= set(columns) and bool({"average_precision", "mean_average_precision"} & set(columns))


def results(detail: pd.DataFrame, /) -> pd.DataFrame:
    """A detail of an evaluation under copairs' names; a column without a name of copairs keeps ours behind `Metadata_`.

    Parameters
    ----------
    detail
        `per_group` or `per_well` of `impasto evaluate`.

    Returns
    -------
    pd.DataFrame
        One row a group or a query.

    """
    return _per_group(detail) if "mean_average_precision" in detail else _per_query(detail)


def _per_query(detail: pd.DataFrame) -> pd.DataFrame:
    measured = pd.DataFrame(
        {
            "n_pos_pairs": detail["positives"].astype(int),
            "n_total_pairs": (detail["positives"] + detail["negatives"]).astype(int),
            "average_precision": detail["average_precision"],
            "normalized_average_precision": (detail["average_precision"] - detail["chance"]) / (1 - detail["chance"]),
        }
    )
    return pd.concat([_annotation(detail, "average_precision", "chance", "positives", "negatives"), measured], axis=1)


def _per_group(detail: pd.DataFrame) -> pd.DataFrame:
    measured = detail[[c for c in ("mean_average_precision", "p_value", "corrected_p_value") if c in detail]].copy()
    for name, source in (("below_p", "p_value"), ("below_corrected_p", "corrected_p_value")):
        if source in measured:
            measured[name] = measured[source] < THRESHOLD
    return pd.concat([_annotation(detail, *measured.columns), measured], axis=1)


def _annotation(detail: pd.DataFrame, *taken: str) -> pd.DataFrame:
    return spelling.prefixed(detail.drop(columns=[c for c in taken if c in detail]), spelled=SPELLED)


def _export(profiles: anndata.AnnData, path: Path, _: Mapping[str, Any]) -> str:
    tables.write(spelled(profiles), path)
    return ""


EXPORTER = Exporter(_export)
