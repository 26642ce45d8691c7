"""The tables of called hits in an index: each row beside the row of the perturbation that it speaks of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impasto import border, schema, texts, wells
from impasto.atlas import folder
from impasto.atlas.consensus import TREATED_AS
from impasto.evaluation.dose_response import BENCHMARK, RATE
from impasto.schema import InputError

ROW = "row"
"""The row of perturbations.arrow; missing where the index has no such perturbation."""


def write(where: Path, hits: Path, of_perturbations: pd.DataFrame, of_wells: pd.DataFrame, /) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Copy the tables of hits into the folder of an index that is being made.

    Parameters
    ----------
    where
        The folder.
    hits
        The folder that `impasto evaluate hits` wrote.
    of_perturbations, of_wells
        The rows of the index.

    Returns
    -------
    perturbations : pandas.DataFrame
        With `hit`, `p` and `q`: of what was tested, and of a compound over several doses whether any of them is a hit, and the test of its
        curve.
    said : dict[str, Any]
        For `index.json`: hits, tested, rate, benchmark, and whether they are calibrated.

    Raises
    ------
    InputError
        The folder holds no hits, or those of other perturbations.

    """
    source = hits / f"{folder.TABLES_OF_HITS['hits']}.parquet"
    if not source.exists():
        raise InputError(f"{hits} holds no hits (no {source.name}); call them first: impasto evaluate hits PROFILES --out {hits}")
    called = _of_one_table(border.parquet(source))
    treated_as = {str(word): number for number, word in enumerate(of_perturbations[TREATED_AS])}
    called[ROW] = called[schema.PERTURBATION].astype(str).map(treated_as)
    if called[ROW].isna().all():
        raise InputError(
            f"none of the {len(called)} perturbations of {hits} is in the index; call the hits of the profiles that are indexed"
        )
    called.to_parquet(where / folder.table_of_hits("hits"), index=False)
    responses = pd.DataFrame()
    compounds = _compounds(of_wells)
    for name, file in folder.TABLES_OF_HITS.items():
        path = hits / f"{file}.parquet"
        if name == "hits" or not path.exists():
            continue
        table = _of_one_table(border.parquet(path))
        if table.empty:
            continue
        table[ROW] = (
            table[schema.PERTURBATION]
            .astype(str)
            .map({name: treated_as.get(compounds.get(name, name)) for name in table[schema.PERTURBATION].astype(str)})
        )
        table.to_parquet(where / folder.table_of_hits(name), index=False)
        responses = table if name == "responses" else responses
    return _with_hits(of_perturbations, called, responses), _said(hits, called)


def _of_one_table(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one table of profiles: the last, where several were compared."""
    if "profiles" not in table or table["profiles"].nunique() < 2:
        return table.reset_index(drop=True)
    return table[table["profiles"] == table["profiles"].iloc[-1]].reset_index(drop=True)


def _compounds(of_wells: pd.DataFrame) -> dict[str, str]:
    """A compound as curves name it -> as the index does."""
    if schema.PERTURBATION not in of_wells:
        return {}
    names = wells.compounds(of_wells).astype(object), of_wells[schema.PERTURBATION].astype(object)
    known = pd.DataFrame({"curve": names[0], "index": names[1]}).dropna().drop_duplicates("curve")
    return dict(zip(known["curve"].astype(str), known["index"].astype(str), strict=True))


def _with_hits(of_perturbations: pd.DataFrame, called: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    own = called.dropna(subset=[ROW]).drop_duplicates(ROW).set_index(ROW)
    rows = pd.RangeIndex(len(of_perturbations))
    table = of_perturbations.reset_index(drop=True).assign(p=own["p"].reindex(rows), q=own["q"].reindex(rows))
    hit = own["hit"].astype("boolean").reindex(rows) if "hit" in own else pd.Series(pd.NA, index=rows, dtype="boolean")
    # Of a compound over its doses: a hit where one of them is.
    dose = (table[TREATED_AS] != table[schema.PERTURBATION]).to_numpy(dtype=bool)
    any_dose = hit[dose].groupby(table.loc[dose, schema.PERTURBATION]).max()
    hit = hit.where(hit.notna() | dose, table[schema.PERTURBATION].map(any_dose).astype("boolean"))
    if len(responses):
        curve = responses.dropna(subset=[ROW]).drop_duplicates(ROW).set_index(ROW)
        for column, source in (("p", "p_value"), ("q", "corrected_p_value")):
            table[column] = table[column].fillna(curve[source].reindex(rows))
    return table.assign(hit=hit.astype("boolean"))


def _said(hits: Path, called: pd.DataFrame) -> dict[str, Any]:
    record = hits / "run.json"
    settings = json.loads(texts.read(record)).get("settings", {}) if record.exists() else {}
    options = settings.get("options") or {}
    return {
        "hits": int(called["hit"].sum()) if "hit" in called else None,
        "tested": int(np.isfinite(called["p"].to_numpy(dtype=float)).sum()),
        "rate": float(options.get("rate") or RATE),
        "benchmark": float(options.get("benchmark") or BENCHMARK),
    }
