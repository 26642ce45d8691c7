"""`impasto check CELLS`: bits of cells, and a receipt that says who is out, beside the controls.

Written are `SOURCE/BATCH/PLATE.parquet` (place, object and bits of each cell, in the order of the cells), `wells.parquet` and
`cells_qc.json`. Nothing in the folder of cells changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import progress, runs, schema, wells
from impasto.cells import columns, confluence, quality
from impasto.cells.checked import OUT, WELLS_CHECKED
from impasto.cells.columns import BIT, COUNT_ALL, QC, WORDS
from impasto.cells.confluence import CONFLUENCE
from impasto.cells.folder import Cells, Plate, quality_file
from impasto.cells.pool import control_cells
from impasto.cells.quality import Judged, Measures
from impasto.cells.store import QUALITY_RECEIPT

FEWEST_CELLS, FEWEST_OF_CONTROLS = 20, 0.1
"""A well is out with fewer kept cells, or with fewer than this share of what its plate's controls have."""
WORTH_A_WARNING = 0.10
"""A well that loses this much more of its cells than the controls of its plate is named: the rules may eat a phenotype."""
_WORST = 10


def check(cells: Cells, out: Path, /) -> dict[str, Any]:
    """Check a folder of cells.

    Parameters
    ----------
    cells
        The folder, without an earlier check.
    out
        The folder to write.

    Returns
    -------
    dict[str, Any]
        The receipt, as it is written.

    """
    measures = quality.measures_of(cells.features)
    receipts, tables = [], []
    for name in progress.track(cells.plates, what="checking cells", unit="plates"):
        plate, controls, judged = judge(cells, name, measures)
        _write_bits(plate, judged, quality_file(out, plate.file.relative_to(cells.folder).as_posix()))
        table = _of_wells(cells, plate, judged)
        tables.append(table)
        receipts.append({"plate": name, **_receipt(table, judged, controls, has_controls=bool(controls.any()))})
    every_well = pd.concat(tables, ignore_index=True)
    receipt = {
        "cells": int(every_well[COUNT_ALL].sum()),
        "kept": int(every_well[schema.CELL_COUNT].sum()),
        "measures": {rule: getattr(measures, rule) for rule in ("area", "dna", "solidity", "steepness")},
        "plates": receipts,
    }
    with runs.atomic(out / WELLS_CHECKED) as temporary:
        every_well.to_parquet(temporary, index=False)
    runs.write_json(out / QUALITY_RECEIPT, receipt)
    return receipt


def judge(cells: Cells, name: str, measures: Measures, /) -> tuple[Plate, npt.NDArray[np.bool_], Judged]:
    """Judge the cells of a plate.

    Parameters
    ----------
    cells
        The folder.
    name
        The plate.
    measures
        Which features the rules read.

    Returns
    -------
    plate : Plate
        The plate.
    controls : npt.NDArray[np.bool_]
        (cells,) those of negative controls.
    judged : Judged
        Bits, thresholds, and rules that were switched off. Without controls, medians are those of all cells.

    """
    plate = cells.plate(name)
    controls = control_cells(cells, plate)
    values = _read(plate, measures.names)
    return plate, controls, quality.judge(values, measures, controls if controls.any() else np.ones_like(controls), plate.bits)


def sentences(receipt: dict[str, Any], /) -> list[str]:
    """A receipt in words.

    Parameters
    ----------
    receipt
        As `check` gives it.

    Returns
    -------
    list[str]
        One a fact.

    """
    lines = [f"{receipt['kept']} of {receipt['cells']} cells are kept"]
    missing = [rule for rule in ("area", "dna", "solidity") if receipt["measures"][rule] is None]
    if missing:
        lines.append(f"no feature says {', '.join(missing)}; rules that read it are weaker or left out")
    for plate in receipt["plates"]:
        parts = [
            f"{bit} {share['all']:.1%} (controls {_percent(share['controls'])})" for bit, share in plate["shares"].items() if share["all"]
        ]
        lines.append(f"{plate['plate']}: " + (", ".join(parts) or "no bit is set"))
        if not plate["has_controls"]:
            lines.append(f"{plate['plate']}: no control is marked; medians are those of all cells")
        for rule, share in plate["switched_off"].items():
            lines.append(f"{plate['plate']}: the rule {rule} takes {share:.1%} of the control cells, so it is switched off")
        if plate[CONFLUENCE]:
            lines.append(f"{plate['plate']}: {confluence.sentence(plate[CONFLUENCE])}")
        if plate["wells_out"]:
            lines.append(f"{plate['plate']}: {len(plate['wells_out'])} wells are out: {', '.join(plate['wells_out'][:5])}")
        lines += [_beyond(plate["plate"], well) for well in plate["beyond_controls"][:3]]
    return lines


def _beyond(plate: str, well: dict[str, Any]) -> str:
    return (
        f"{plate}: {well['well']} ({well['perturbation']}) loses {well['lost']:.0%} of its cells, controls {well['controls']:.0%}; look at "
        "them before you trust what is left"
    )


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _read(plate: Plate, names: list[str]) -> dict[str, npt.NDArray[np.floating]]:
    table = pq.ParquetFile(plate.file).read(columns=names) if names else pa.table({})
    return {name: np.asarray(table.column(name), dtype=np.float32) for name in names}


def _write_bits(plate: Plate, judged: Judged, path: Path) -> None:
    place = pq.ParquetFile(plate.file).read(columns=[*columns.PLACE, columns.OBJECT])
    table = place.append_column(QC, pa.array(judged.bits))
    with runs.atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _of_wells(cells: Cells, plate: Plate, judged: Judged) -> pd.DataFrame:
    """One row a well: cells, those kept, the share of each bit, and why it is out."""
    rows = cells.wells.iloc[cells.rows_of_plate(plate.name)].drop(columns=[schema.CELL_COUNT, COUNT_ALL], errors="ignore")
    span_of = {span.well: span for span in plate.spans}
    is_kept = columns.are_kept(judged.bits)
    records = []
    for well in rows[schema.WELL].astype(str):
        own = slice(span_of[well].start, span_of[well].stop) if well in span_of else slice(0, 0)
        bits = judged.bits[own]
        shares = {name: float(((bits & bit) > 0).mean()) if len(bits) else float("nan") for name, bit in BIT.items()}
        records.append({COUNT_ALL: len(bits), schema.CELL_COUNT: int(is_kept[own].sum()), **shares})
    known = [w for w in (schema.PERTURBATION, schema.CONTROL_TYPE) if w in rows]
    table = pd.concat([rows[[*WORDS[:4], *known]].reset_index(drop=True), pd.DataFrame(records)], axis=1)
    of_controls = table.loc[wells.negative(table), schema.CELL_COUNT]
    usual = float(of_controls.median()) if len(of_controls) else float("nan")
    few = table[schema.CELL_COUNT] < FEWEST_CELLS
    fewer = table[schema.CELL_COUNT] < FEWEST_OF_CONTROLS * usual
    table["of_controls"] = table[schema.CELL_COUNT] / usual
    table[CONFLUENCE] = confluence.of_wells(cells, plate, table[schema.WELL].astype(str).tolist())
    table[OUT] = np.select(
        [few, fewer], [f"fewer than {FEWEST_CELLS} cells", f"fewer than {FEWEST_OF_CONTROLS:.0%} of the controls' cells"], ""
    )
    return table


def _receipt(table: pd.DataFrame, judged: Judged, controls: npt.NDArray[np.bool_], *, has_controls: bool) -> dict[str, Any]:
    lost = 1 - table[schema.CELL_COUNT] / table[COUNT_ALL].where(table[COUNT_ALL] > 0)
    usual = float(lost[wells.negative(table)].median()) if has_controls else float("nan")
    beyond = table.assign(lost=lost)[lost > usual + WORTH_A_WARNING].sort_values("lost", ascending=False)
    name = schema.PERTURBATION if schema.PERTURBATION in table else schema.WELL
    flags = {rule: (judged.bits & bit) > 0 for rule, bit in BIT.items()}
    shares = {
        rule: {"all": float(flag.mean()) if len(flag) else 0.0, "controls": float(flag[controls].mean()) if has_controls else None}
        for rule, flag in flags.items()
    }
    return {
        "cells": len(judged.bits),
        "kept": int(columns.are_kept(judged.bits).sum()),
        "has_controls": has_controls,
        "shares": shares,
        "thresholds": {rule: dict(numbers) for rule, numbers in judged.thresholds.items()},
        "switched_off": dict(judged.switched_off),
        CONFLUENCE: confluence.of_plate(table[CONFLUENCE], wells.negative(table)),
        "wells_out": table.loc[table[OUT] != "", schema.WELL].astype(str).tolist(),
        "worst_wells": table.assign(lost=lost).nlargest(_WORST, "lost")[[schema.WELL, "lost"]].to_dict("records"),
        "beyond_controls": [
            {"well": str(row[schema.WELL]), "perturbation": str(row[name]), "lost": float(row["lost"]), "controls": usual}
            for row in beyond.to_dict("records")
        ],
    }
