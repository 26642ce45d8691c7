"""What the report of an assay opens with: the warnings, how many perturbations did something, which ones, and which plates are suspect."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from impasto import border, feature_names, schema, wells
from impasto import profiles as tables
from impasto.assay.check import Check
from impasto.plates import quarantine
from impasto.report import hits_files, responding, verdicts
from impasto.report.collect import Ran, of_verb
from impasto.report.figures import dose, plate
from impasto.report.figures.drawing import Drawing, draw
from impasto.report.headline import Headline
from impasto.report.hits_rows import NEIGHBOURS, HitsOfRun
from impasto.report.responding import Montage
from impasto.report.verdicts import Verdicts

MOST_ROWS = 500
"""So many rows of hits are on the page; all are in hits.csv."""
MOST_PLATES = 24
NEAR = 0.05
"""The corrected p below which a neighbour is named on the page; the files have the first three, with theirs."""
MOST_CURVES = 24


@dataclass(frozen=True)
class Opening:
    """What stands before the methods.

    Attributes
    ----------
    lead
        The design, in a sentence.
    warnings
        What the numbers must be read with.
    cards
        The figures that matter.
    rows, more
        Of the table of hits, and how many are left out of it.
    columns
        Which of the columns that not every assay has are there: dose, cells, benchmark, neighbours, mechanism.
    downloads
        Name of a file -> its address, which holds all of it.
    curves
        Dose curves of the first compounds that have one.
    plates
        A row a plate.
    wells
        A heat map a plate.
    left_out
        Sites left out, by reason.
    montages
        Cells of the first hits.
    no_montage
        Why there are none; empty otherwise.

    """

    lead: str
    warnings: list[str]
    cards: list[Headline]
    rows: list[dict[str, Any]]
    more: int
    columns: set[str]
    downloads: dict[str, str]
    curves: list[Drawing]
    plates: list[dict[str, Any]]
    wells: list[Drawing]
    left_out: list[tuple[str, int, str]]
    montages: list[Montage]
    no_montage: str


def of(stages: list[Ran], hits: HitsOfRun | None, files: dict[str, bytes], /, *, seed: int = 0) -> Opening | None:
    """The opening of the report of an assay.

    Parameters
    ----------
    stages
        The finished stages.
    hits
        Of its stage of hits.
    files
        Name -> content of what can be taken away.
    seed
        Of the random cells that are shown.

    Returns
    -------
    Opening | None
        None where the run is no assay.

    """
    design = verdicts.of_design(stages)
    if design is None:
        return None
    said = verdicts.of(stages)
    rows = hits.rows if hits is not None else pd.DataFrame()
    bad = _left_out(stages)
    called = [name for name, hit in zip(hits.tested_as, rows["hit"].fillna(False), strict=True) if hit] if hits is not None else []
    montages, no_montage = responding.montages(stages, called, seed=seed)
    return Opening(
        _lead(design, stages),
        verdicts.warnings_of(stages, said),
        _cards(said, bad),
        [_row(row) for row in rows.head(MOST_ROWS).to_dict(orient="records")],
        max(0, len(rows) - MOST_ROWS),
        _columns(rows),
        {name: _data(name, content) for name, content in files.items()},
        _curves(hits) if hits is not None else [],
        _plates(design, stages),
        _wells(stages),
        bad,
        montages,
        no_montage,
    )


def _lead(design: Check, stages: list[Ran]) -> str:
    encoders = [str(stage.record["settings"]["encoder"]) for stage in of_verb(stages, "profile")]
    features = f"Features of {encoders[-1]}" if encoders else "The table's own features"
    return (
        f"{design.sentences[0][:1].upper()}{design.sentences[0][1:]}. {features}, standardized plate by plate to the other half of the "
        "controls. Every number below is measured against the spared half."
    )


def _cards(said: Verdicts, bad: list[tuple[str, int, str]]) -> list[Headline]:
    cards = []
    if said.hits is not None:
        beside = f"false discovery {said.rate:.0%}; 95 % interval {said.hits.percent()}"
        cards.append(Headline(f"{said.hits.count} of {said.hits.of}", "perturbations and doses differ from their plates’ controls", beside))
    else:
        cards.append(Headline("no verdict", "no perturbation could be called", "see the warning above"))
    if said.spared is not None:
        beside = f"95 % interval {said.spared.percent()}; 5 % is expected"
        cards.append(Headline(f"{said.spared.count} of {said.spared.of}", "control positions, played as treatments, pass p ≤ .05", beside))
    if said.replicates:
        others = ", ".join(f"{group} {value:.3f}" for group, value in said.replicates.items() if group != "profiles")
        cards.append(Headline(f"{said.replicates['profiles']:.3f}", "replicate mAP: do wells of one perturbation look alike?", others))
    if said.cells:
        part, both = said.cells.get("part", 0), said.cells.get("both", 0)
        beside = f"a part alone in {part}; all alike in {said.cells.get('whole', 0)}; false discovery {said.rate:.0%} over both questions"
        cards.append(Headline(f"{part + both} of {sum(said.cells.values())}", "perturbations and doses move cells unequally", beside))
    if said.curves is not None:
        beside = said.of_benchmarks() or "no benchmark dose"
        cards.append(Headline(f"{said.curves.count} of {said.curves.of}", "compounds with several doses have a dose curve", beside))
    if said.sites is not None:
        beside = "; ".join(f"{count} x {reason}" for reason, count, _ in bad[:2]) or "no site was left out"
        cards.append(Headline(f"{said.sites.count} of {said.sites.of} sites", "left out for their quality", beside))
    return cards


def _columns(rows: pd.DataFrame) -> set[str]:
    there = {
        "dose": "dose" in rows and rows["dose"].notna().any(),
        "respond": "cells_respond" in rows,
        "cells": "cell_count_share" in rows and rows["cell_count_share"].notna().any(),
        "benchmark": "benchmark_dose" in rows and rows["benchmark_dose"].notna().any(),
        "neighbours": "neighbour_1_q" in rows and (rows["neighbour_1_q"] < NEAR).any(),
        "mechanism": "mechanism" in rows and (rows["mechanism"] != "").any(),
    }
    return {name for name, is_there in there.items() if is_there}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """One row of the table, its numbers as text."""
    hit = row["hit"]
    return {
        "name": row["name"],
        "id": "" if row["id"] == row["name"] else row["id"],
        "address": row["address"],
        "dose": _number(row["dose"], "g"),
        "wells": row["wells"],
        "distance": _number(row["distance"], ".2f"),
        "by_chance": _number(row["by_chance"], ".2f"),
        "p": _number(row["p"], ".2g"),
        "q": _number(row["corrected_p"], ".2g"),
        "verdict": "" if pd.isna(hit) else "hit" if hit else "no",
        "hit": not pd.isna(hit) and bool(hit),
        "toxic": not pd.isna(row["toxic"]) and bool(row["toxic"]),
        "reason": _reason(str(row["reason"])),
        "cells": _number(row["cell_count_share"], ".0%"),
        "respond": row.get("cells_respond", ""),
        "share": _number(row.get("responding_share"), ".0%"),
        "benchmark": _number(row.get("benchmark_dose"), ".2g"),
        "neighbours": ", ".join(_alike(row)),
        "mechanism": row["mechanism"],
    }


def _alike(row: dict[str, Any]) -> list[str]:
    """The neighbours that are nearer than chance allows."""
    near = [(row.get(f"neighbour_{n}"), row.get(f"neighbour_{n}_q")) for n in range(1, NEIGHBOURS + 1)]
    return [str(name) for name, q in near if name and q is not None and q < NEAR]


def _reason(reason: str) -> str:
    """Why, without features that only a net has a number for."""
    features, parted, channels = reason.partition("; channels ")
    return f"channels {channels}" if parted and f"features {feature_names.EMBEDDED}" in features else reason


def _number(value: Any, form: str) -> str:
    return "" if value is None or pd.isna(value) else format(float(value), form)


def _data(name: str, content: bytes) -> str:
    kinds = {hits_files.CSV: "text/csv", hits_files.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    return f"data:{kinds[name]};base64,{base64.b64encode(content).decode()}"


def _curves(hits: HitsOfRun) -> list[Drawing]:
    if hits.curves.empty or hits.lines.empty:
        return []
    with_one = hits.curves[hits.curves["curve"]].sort_values(["corrected_p_value", schema.PERTURBATION]).head(MOST_CURVES)
    drawn = []
    for _, compound in with_one.iterrows():
        name = compound[schema.PERTURBATION]
        own = [table[table[schema.PERTURBATION] == name] for table in (hits.lines, hits.points)]
        drawn.append(draw(_on_axes(compound, own[0], own[1]), title=f"dose curve of {name}", width=360, height=250))
    return drawn


def _on_axes(compound: pd.Series, line: pd.DataFrame, points: pd.DataFrame) -> Any:
    return lambda axes: dose.draw(compound, line, points, axes)


def _plates(design: Check, stages: list[Ran]) -> list[dict[str, Any]]:
    """Plates with the sites that they lost."""
    lost: dict[str, int] = {}
    checked = of_verb(stages, "check")
    if checked:
        summary = border.parquet(checked[-1].result / "plates.parquet")
        codes, names = wells.plates(summary)
        first = summary.assign(name=[names[code].strip("/") for code in codes]).drop_duplicates("name")
        lost = dict(zip(first["name"], first["quarantined_sites"].astype(int), strict=True))
    return [{**vars(count), "lost": lost.get(count.plate, "") if checked else ""} for count in design.plates]


def _wells(stages: list[Ran]) -> list[Drawing]:
    """How far each well lies from its plate's fitted controls: the root of the mean square of its standardized features."""
    corrected = of_verb(stages, "correct")
    if not corrected:
        return []
    profiles = tables.read(corrected[-1].result)
    values = np.nan_to_num(tables.dense(profiles).astype(np.float64))
    obs = profiles.obs.assign(distance=np.sqrt((values**2).mean(axis=1)))
    codes, names = wells.plates(obs)
    usual = obs.loc[wells.negative(obs), "distance"]
    low, high = float(usual.min()), max(float(obs["distance"].quantile(0.98)), float(usual.max()))
    drawn = []
    for code, name in list(enumerate(names))[:MOST_PLATES]:
        own = obs[codes == code]
        drawn.append(
            draw(_plate_on_axes(own, name, low, high), title=f"{name}: distance of each well from {low:.2g} to {high:.2g}", height=300)
        )
    return drawn


def _plate_on_axes(obs: pd.DataFrame, name: str, low: float, high: float) -> Any:
    def on(axes: Axes) -> None:
        plate.draw(obs, axes, value="distance", low=low, high=high)
        axes.set_title(name.strip("/"), loc="left")

    return on


def _left_out(stages: list[Ran]) -> list[tuple[str, int, str]]:
    """Reason, how many sites, and the first of them by name; the commonest reason first."""
    checked = of_verb(stages, "check")
    if not checked:
        return []
    bad = quarantine.named(quarantine.read(checked[-1].result / "quarantine.csv"))
    if bad.empty:
        return []
    by_reason = [(str(reason), len(own), ", ".join(own["site"].astype(str).head(5))) for reason, own in bad.groupby("reason", sort=True)]
    return sorted(by_reason, key=lambda row: -row[1])


def files(hits: HitsOfRun | None, design: Check | None, stages: list[Ran], folder: Path, /) -> dict[str, bytes]:
    """Write hits.csv and hits.xlsx into a folder.

    Parameters
    ----------
    hits
        Of a run; None where it has no hits.
    design
        Of the assay.
    stages
        The finished stages.
    folder
        Where.

    Returns
    -------
    dict[str, bytes]
        Name -> content; empty without hits.

    """
    if hits is None:
        return {}
    paths = [folder / name for name in hits_files.FILES]
    hits_files.write(hits, design, about(stages), *paths)
    return {path.name: path.read_bytes() for path in paths}


def about(stages: list[Ran], /) -> dict[str, Any]:
    """What made the hits, for a sheet of its own.

    Parameters
    ----------
    stages
        The finished stages.

    Returns
    -------
    dict[str, Any]
        A name and a value a row.

    """
    rows: dict[str, Any] = {"program": "impasto", "version": stages[-1].record["version"]}
    for stage in stages:
        for path, digest in stage.record["inputs"].items():
            rows[f"{stage.name} reads {Path(path).name}"] = digest
    rows["distance"] = "root mean square over features of treated less controls, in standard deviations of the fitted controls"
    rows["by_chance"] = "the same where treated wells were more controls"
    rows["hit"] = "corrected p below the false discovery rate (Benjamini and Hochberg)"
    rows["toxic"] = "cell count below half of that of the plate's controls"
    rows["address"] = "add it to report.html, or to the explorer's address"
    return rows
