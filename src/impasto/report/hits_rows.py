"""The hits of an assay as a biologist reads them: one row a compound and dose, with its distance, its p, its cells and its dose curve."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import anndata
import numpy as np
import pandas as pd

from impasto import border, schema, wells
from impasto import profiles as tables
from impasto.assay.warnings import TOXIC
from impasto.evaluation.design import Design, design
from impasto.evaluation.dose_response import benchmark_interval
from impasto.evaluation.shift import shifts
from impasto.report.collect import Ran

NEIGHBOURS = 3


@dataclass(frozen=True)
class HitsOfRun:
    """What a stage of hits left, and the profiles that it read.

    Attributes
    ----------
    rows
        One row a perturbation at a dose, as `hits.csv` has it, hits first, then by p.
    calibrated
        Whether anything could be called.
    curves
        One row a compound with several doses.
    lines, points
        Of the curves, to be drawn.
    wells
        One row a well.
    scores
        `results.csv` of the stage.
    tested_as
        Of each row, the perturbation with its dose where it has several, as the stages name it.

    """

    rows: pd.DataFrame
    calibrated: bool
    curves: pd.DataFrame
    lines: pd.DataFrame
    points: pd.DataFrame
    wells: pd.DataFrame
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    tested_as: list[str] = field(default_factory=list)


def of_stage(stage: Ran, /, *, dose_unit: str, near: pd.DataFrame | None = None, responding: pd.DataFrame | None = None) -> HitsOfRun:
    """The hits of a stage of one table.

    Parameters
    ----------
    stage
        An evaluate stage of the task hits.
    dose_unit
        Of all doses; empty where nobody says it.
    near
        The neighbours of each perturbation: columns perturbation, neighbour and q, best first; None where nobody looked.
    responding
        Whether all cells of each perturbation respond or a part, as `responding.table` says it; None where nobody asked.

    Returns
    -------
    HitsOfRun
        The rows.

    """
    settings = stage.record["settings"]
    profiles = tables.read(Path(settings["profiles"][0]))
    per = border.parquet(stage.result / "per_group.parquet")
    where = design(profiles, pool_doses=bool(settings.get("pool_doses")), by_batch=False, seed=int(settings.get("seed", 0)))
    curves, lines, points = (_table(stage, name) for name in ("dose_response", "dose_curves", "dose_wells"))
    rows = _rows(per, profiles, where, dose_unit)
    rows = rows.join(_benchmarks(curves, lines), on="curve_of").drop(columns="curve_of")
    rows = _with_neighbours(rows, near)
    if responding is not None:
        rows = rows.join(responding, on="tested_as")
        rows["cells_respond"] = rows["cells_respond"].fillna("")
    rows["mechanism"] = rows.pop("moa") if "moa" in rows else ""
    rows["address"] = ["#" + address(name, dose if several else None) for name, dose, several in _places(rows)]
    rows = rows.drop(columns="compound")
    whole = _sorted(rows)
    tested_as = whole.pop("tested_as").tolist()
    return HitsOfRun(
        whole, "hit" in per, curves, lines, points, _wells(profiles, stage), pd.read_csv(stage.result / "results.csv"), tested_as
    )


def _table(stage: Ran, name: str) -> pd.DataFrame:
    path = stage.result / f"{name}.parquet"
    return border.parquet(path) if path.exists() else pd.DataFrame()


def _rows(per: pd.DataFrame, profiles: anndata.AnnData, where: Design, dose_unit: str) -> pd.DataFrame:
    obs = profiles.obs
    first = {name: rows[0] for name, rows in zip(where.names, where.members, strict=True)}
    at = [first[name] for name in per[schema.PERTURBATION]]
    distances, by_chance = (
        dict(zip(where.names, numbers, strict=True)) for numbers in shifts(wells.finite(profiles, task="distances"), where)
    )
    named = _column(obs, schema.PERTURBATION_NAME, at)
    ids = _column(obs, schema.PERTURBATION, at)
    dose = pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").to_numpy(dtype=float)[at] if schema.CONCENTRATION in obs else np.nan
    rows = pd.DataFrame(
        {
            "name": [name or own for name, own in zip(named, ids, strict=True)],
            "id": ids,
            "dose": dose,
            "unit": dose_unit,
            "wells": per["wells"],
            "plates": per["plates"],
            "distance": per[schema.PERTURBATION].map(distances),
            "by_chance": per[schema.PERTURBATION].map(by_chance),
            "p": per["p"],
            "corrected_p": per["q"],
            "hit": per["hit"].astype(bool) if "hit" in per else pd.Series(pd.NA, index=per.index, dtype="boolean"),
            "reason": per["reason"],
            "cell_count_share": _cell_counts(obs, where, per[schema.PERTURBATION]),
        }
    )
    rows["toxic"] = (rows["cell_count_share"] < TOXIC) if rows["cell_count_share"].notna().any() else pd.NA
    return rows.assign(
        **{schema.MOA: _column(obs, schema.MOA, at)},
        tested_as=per[schema.PERTURBATION],
        compound=_words(wells.replicates(obs, pool_doses=True), at),
        curve_of=_words(wells.compounds(obs), at),
    )


def _column(obs: pd.DataFrame, word: str, at: list[int]) -> list[str]:
    if word not in obs:
        return [""] * len(at)
    return _words(obs[word], at)


def _words(column: pd.Series, at: list[int]) -> list[str]:
    return column.astype("string").fillna("").iloc[at].tolist()


def _cell_counts(obs: pd.DataFrame, where: Design, names: pd.Series) -> list[float]:
    """Cells a well as a share of those of the plate's negative controls, averaged over plates."""
    if schema.CELL_COUNT not in obs:
        return [np.nan] * len(names)
    counts = pd.to_numeric(obs[schema.CELL_COUNT], errors="coerce").to_numpy(dtype=float)
    negative = wells.negative(obs)
    of_controls = {code: counts[negative & (where.plate == code)] for code in range(len(where.plates))}
    usual = {code: float(np.nanmean(own)) for code, own in of_controls.items() if np.isfinite(own).any()}
    members = dict(zip(where.names, where.members, strict=True))
    shares = []
    for name in names:
        own = [counts[row] / usual[where.plate[row]] for row in members[name] if usual.get(where.plate[row], 0) > 0]
        shares.append(float(np.nanmean(own)) if np.isfinite(own).any() else np.nan)
    return shares


def _benchmarks(curves: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Compound -> its benchmark dose and where its band crosses the benchmark response."""
    columns = ["benchmark_dose", "benchmark_low", "benchmark_high"]
    if curves.empty:
        return pd.DataFrame(columns=columns)
    of_compound = curves.set_index(schema.PERTURBATION)["benchmark_concentration"].rename(columns[0]).to_frame()
    ends = {str(name): benchmark_interval(line) for name, line in lines.groupby(schema.PERTURBATION, sort=False)} if len(lines) else {}
    for place, column in enumerate(columns[1:]):
        of_compound[column] = [ends[name][place] if name in ends else np.nan for name in of_compound.index]
    return of_compound


def _with_neighbours(rows: pd.DataFrame, near: pd.DataFrame | None) -> pd.DataFrame:
    lists = dict(list(near.groupby("perturbation", sort=False))) if near is not None and len(near) else {}
    for place in range(NEIGHBOURS):
        own = [lists[name].iloc[place] if name in lists and len(lists[name]) > place else None for name in rows["tested_as"]]
        rows[f"neighbour_{place + 1}"] = ["" if row is None else row["neighbour"] for row in own]
        rows[f"neighbour_{place + 1}_q"] = [np.nan if row is None else row["q"] for row in own]
    return rows


def _places(rows: pd.DataFrame) -> list[tuple[str, float, bool]]:
    """Compound as the explorer calls it, dose, and whether it is tested at several."""
    several = rows["compound"].map(rows["compound"].value_counts()) > 1
    return list(zip(rows["compound"], rows["dose"], several, strict=True))


def address(name: str, dose: float | None = None, /) -> str:
    """What the explorer's address says of a compound, at a dose where it has several.

    Parameters
    ----------
    name
        Its identifier.
    dose
        The dose, or None.

    Returns
    -------
    str
        `sel=p:ID@DOSE`, percent-encoded.

    """
    at = "" if dose is None or not np.isfinite(dose) else f"@{dose:g}"
    return f"sel=p:{quote(name, safe='').replace('%20', '+')}{at}"


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    order = rows.assign(called=~rows["hit"].fillna(False).astype(bool)).sort_values(
        ["called", "p", "distance"], ascending=[True, True, False], kind="stable", na_position="last"
    )
    return order.drop(columns="called").reset_index(drop=True)


_WELL_COLUMNS = (
    *(schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.PERTURBATION_NAME, schema.PERTURBATION, schema.CONCENTRATION),
    *(schema.CONTROL_TYPE, schema.SPARED, schema.CELL_LINE, schema.CELL_COUNT, schema.GENE, schema.MOA, schema.SMILES),
)


def _wells(profiles: anndata.AnnData, stage: Ran) -> pd.DataFrame:
    """All wells with the p of each among its plate's spared controls."""
    table = profiles.obs[[word for word in _WELL_COLUMNS if word in profiles.obs]].reset_index(drop=True)
    judged = _table(stage, "per_well")
    keys = [word for word in (*wells.keys_of_plate(table), schema.WELL) if word in judged]
    if judged.empty or not keys:
        return table
    judged = judged[[*keys, "p"]].rename(columns={"p": "p_of_well"}).astype(dict.fromkeys(keys, "string"))
    return table.astype(dict.fromkeys(keys, "string")).merge(judged, on=keys, how="left")
