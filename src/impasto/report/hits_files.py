"""hits.csv and hits.xlsx: what a laboratory takes away from an assay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from impasto import texts, workbooks
from impasto.assay.check import Check
from impasto.report.hits_rows import HitsOfRun

CSV, XLSX = "hits.csv", "hits.xlsx"
FILES = (CSV, XLSX)
_CURVES = (
    *("perturbation", "wells", "plates", "doses", "lowest_dose", "highest_dose", "p_value", "corrected_p_value", "curve", "ec50"),
    *("ec50_low", "ec50_high", "ec50_words", "benchmark_concentration", "slope", "span", "why"),
)


def csv(hits: HitsOfRun, /) -> str:
    """hits.csv.

    Parameters
    ----------
    hits
        Of a run.

    Returns
    -------
    str
        One line a compound and dose.

    """
    return workbooks.as_text(_plain(hits.rows)).to_csv(index=False, lineterminator="\n")


def sheets(hits: HitsOfRun, design: Check | None, about: dict[str, Any], /) -> dict[str, pd.DataFrame]:
    """The sheets of hits.xlsx.

    Parameters
    ----------
    hits
        Of a run.
    design
        Of the assay; None where the run has no such stage.
    about
        What made it, a name and a value a row.

    Returns
    -------
    dict[str, pandas.DataFrame]
        hits, curves, wells, design and about.

    """
    curves = hits.curves.reindex(columns=list(_CURVES))
    return {
        "hits": _plain(hits.rows),
        "curves": curves,
        "wells": hits.wells,
        "design": _design(design),
        "about": pd.DataFrame({"what": list(about), "value": [str(value) for value in about.values()]}),
    }


def write(hits: HitsOfRun, design: Check | None, about: dict[str, Any], csv_path: Path, xlsx_path: Path, /) -> None:
    """Write both files.

    Parameters
    ----------
    hits, design, about
        As `sheets` takes them.
    csv_path, xlsx_path
        Where.

    """
    texts.write(csv_path, texts.MARK + csv(hits))
    workbooks.write(xlsx_path, sheets(hits, design, about))


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Headings in words, and a hit as yes or no; empty where nothing could be called."""
    return rows.assign(**{column: [_yes_no(value) for value in rows[column]] for column in ("hit", "toxic")})


def _yes_no(value: object) -> str:
    return "" if pd.isna(value) else "yes" if value else "no"


def _design(design: Check | None) -> pd.DataFrame:
    if design is None:
        return pd.DataFrame(columns=["what", "said"])
    said = [("warning", line) for line in design.warnings] + [("design", line) for line in design.sentences]
    said += [
        (f"plate {plate.plate}", f"{plate.wells} wells: {plate.treated} treated, {plate.controls} negative controls, {plate.judges} judge")
        for plate in design.plates
    ]
    return pd.DataFrame(said, columns=["what", "said"])
