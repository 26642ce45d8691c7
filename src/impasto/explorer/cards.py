"""The card of a compound: its wells, whether it did something and at which dose, and its curve. All of it comes from called hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from impasto import schema
from impasto.atlas.hit_tables import ROW
from impasto.evaluation import reasons
from impasto.explorer import responses
from impasto.explorer.contents import Contents
from impasto.explorer.values import number, shortest, whole, word

FACTS = {schema.TARGETS: "targets", schema.INCHIKEY: "InChIKey"}
"""What is said of a compound besides its name, gene and mechanism."""


def card(contents: Contents, row: int, /) -> dict[str, Any]:
    """The card of the compound of a row, whatever dose the row is of.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the table of perturbations.

    Returns
    -------
    dict[str, Any]
        `row` (of the whole compound), `perturbation`, `wells`, `verdict`, `doses` (ascending), `response` and `facts`.

    """
    whole_row = compound_row(contents, row)
    return {
        "row": whole_row,
        "perturbation": str(contents.rows.get(schema.PERTURBATION, pd.Series(range(len(contents.rows)))).iloc[whole_row]),
        "wells": contents.members(whole_row).tolist(),
        "verdict": verdict(contents, whole_row),
        "doses": doses(contents, whole_row),
        "response": responses.of_compound(contents, whole_row),
        "facts": _facts(contents, whole_row),
    }


def compound_row(contents: Contents, row: int, /) -> int:
    """The row of the whole compound that a row belongs to.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the table of perturbations.

    Returns
    -------
    int
        The row itself where it is a whole compound.

    """
    if not contents.is_dose[row]:
        return row
    same = np.flatnonzero((contents.compound == contents.compound[row]) & ~contents.is_dose)
    return int(same[0]) if len(same) else row


def called_of(contents: Contents, row: int, /) -> Mapping[str, Any] | None:
    """What was tested of one row.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the table of perturbations.

    Returns
    -------
    Mapping[str, Any] | None
        The row of `hits.parquet`; None without hits, or where the row was not tested.

    """
    table = contents.tables.get("hits")
    own = table[table[ROW] == row] if table is not None else pd.DataFrame()
    return None if own.empty else own.iloc[0].to_dict()


def doses(contents: Contents, row: int, /) -> list[dict[str, Any]]:
    """What each dose of a compound did.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the whole compound.

    Returns
    -------
    list[dict[str, Any]]
        One a dose, ascending; one without a row of its own for a compound that stands at a single dose, or at none.

    """
    at = np.flatnonzero((contents.compound == contents.compound[row]) & contents.is_dose)
    dose = contents.rows.get(schema.CONCENTRATION, pd.Series(np.nan, index=contents.rows.index)).to_numpy(dtype=float)
    at = at[np.argsort(dose[at], kind="stable")]
    if len(at):
        return [_dose(contents, int(one), int(one), dose[one]) for one in at]
    if contents.negative[row]:
        return []
    own = (
        contents.well_rows[schema.CONCENTRATION].iloc[contents.members(row)] if schema.CONCENTRATION in contents.well_rows else pd.Series()
    )
    single = own.dropna().unique()
    return [_dose(contents, row, None, single[0] if len(single) == 1 else None)]


def _dose(contents: Contents, row: int, shown: int | None, dose: Any) -> dict[str, Any]:
    called = called_of(contents, row)
    said = contents.rows.iloc[row]
    return {
        "row": shown,
        "dose": shortest(dose),
        "wells": whole(said.get("n_wells")),
        "plates": whole(said.get("n_plates")),
        "p": number(called["p"]) if called else None,
        "q": number(called["q"]) if called else None,
        "hit": bool(called["hit"]) if called and "hit" in called else None,
        "reason": _reason(called),
    }


def _reason(called: Mapping[str, Any] | None) -> str:
    if called is None:
        return "not tested"
    return "" if called.get("hit") else word(called.get("reason"))


def verdict(contents: Contents, row: int, /) -> dict[str, Any] | None:
    """Whether a compound did something, in one sentence.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the whole compound.

    Returns
    -------
    dict[str, Any] | None
        `hit` and `sentence`; None where no hits were called, or the compound was not tested.

    """
    said = contents.facts.get("hits")
    tested = [dose for dose in doses(contents, row) if dose["p"] is not None]
    if not said or not tested:
        return None
    if all(dose["hit"] is None for dose in tested):
        return {"hit": False, "sentence": f"No verdict: {reasons.NOT_CALIBRATED}."}
    hits = [dose for dose in tested if dose["hit"]]
    unit = f" {contents.facts['dose_unit']}" if contents.facts.get("dose_unit") else ""
    if not hits:
        best = min(tested, key=lambda dose: dose["q"])
        several = f" at any of {len(tested)} doses" if len(tested) > 1 else ""
        why = f"; {best['reason']}" if len(tested) == 1 and best["reason"] else ""
        return {
            "hit": False,
            "sentence": f"Does not differ from its plates' controls{several} (smallest corrected p {best['q']:.2g}{why}).",
        }
    named = [f"{dose['dose']:g}" for dose in hits if dose["dose"] is not None]
    at = f" at {', '.join(named)}{unit}" if named else ""
    smallest = min(dose["q"] for dose in hits)
    sentence = f"Differs from its plates' controls{at} (corrected p {smallest:.2g}, false discovery rate {said['rate']:g})."
    return {"hit": True, "sentence": sentence}


def _facts(contents: Contents, row: int) -> dict[str, str]:
    said = contents.rows.iloc[row]
    facts = {label: str(said[word]) for word, label in FACTS.items() if isinstance(said.get(word), str)}
    called = called_of(contents, row)
    if called and called.get("hit"):
        facts["what changed"] = word(called.get("reason"))
    own, rows = contents.members(row), contents.well_rows
    if schema.CELL_COUNT in rows and len(own):
        share = _cells(contents, own)
        if share is not None:
            facts["cells a well, as a share of the controls"] = f"{share:.0%}"
    return facts


def _cells(contents: Contents, own: np.ndarray[Any, Any]) -> float | None:
    """The median count of cells of wells over the median of the negative controls of their plates."""
    counts = contents.well_rows[schema.CELL_COUNT].to_numpy(dtype=float)
    plate = contents.index.plate_of_row[contents.of_wells]
    shares = []
    for code in np.unique(plate[own]):
        controls = counts[(plate == code) & contents.is_control_well]
        controls = controls[np.isfinite(controls)]
        here = counts[own[plate[own] == code]]
        if len(controls) and np.median(controls) > 0:
            shares += (here / np.median(controls)).tolist()
    known = [share for share in shares if np.isfinite(share)]
    return float(np.median(known)) if known else None
