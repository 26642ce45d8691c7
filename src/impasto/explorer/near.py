"""What looks like a perturbation, beside what chance gives.

q, c: unit consensus vectors of one level (compounds, or compounds at a dose); s = q . c. The null is of pseudo-compounds. Each is the unit
mean of as many spared control wells as the query has, drawn from its plates (`atlas.null.of_wells`), and is compared with q:

    p = (1 + #{null >= s}) / (draws + 1), corrected over all candidates (Benjamini & Hochberg 1995)

Beside it stands the share of all pairs of compounds of the index that are at least as alike (`atlas.pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.atlas import folder, null, pairs
from impasto.explorer.contents import Contents
from impasto.statistics import discovery

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
HIGH = 0.95
"""The point of the null that is drawn."""


@dataclass(frozen=True)
class Query:
    """What is asked about.

    Attributes
    ----------
    name
        In words.
    row
        Of the index.
    wells
        The rows of the index of the wells that it is made of.
    candidates
        Rows of the table of perturbations.

    """

    name: str
    row: int
    wells: Rows
    candidates: Rows


def near(contents: Contents, row: int, /, *, space: str, top: int, level: str = folder.PERTURBATIONS) -> dict[str, Any]:
    """The perturbations nearest to a perturbation or a well.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the table of the level.
    space
        One of the index.
    top
        How many.
    level
        What is asked about: `perturbations` or `wells`. The answers are perturbations.

    Returns
    -------
    dict[str, Any]
        `query`, `space`, `null` (None without controls, and `reason` says so), and `rows`, the best first.

    """
    query = _of_perturbation(contents, row) if level == folder.PERTURBATIONS else _of_well(contents, row)
    vectors = contents.spaces[space]
    asked = vectors[query.row].astype(np.float32)
    scores = _scores(contents, space, query.candidates, asked)
    chance = null_of(contents, query.wells, asked, space)
    p = q = np.full(len(scores), np.nan)
    if chance["null"] is not None:
        p = null.p_values(scores, chance["scores"])
        q = discovery.corrected(p)
    beyond = pairs.share_beyond(contents_pairs(contents, space), scores)
    best = np.argsort(-scores, kind="stable")[:top]
    rows = [
        {"row": int(query.candidates[i]), "score": float(scores[i]), "p": _number(p[i]), "q": _number(q[i]), "beyond": _number(beyond[i])}
        for i in best
    ]
    return {"query": query.name, "space": space, "null": chance["null"], "reason": chance["reason"], "rows": rows}


def null_of(contents: Contents, own: Rows, asked: npt.NDArray[np.float32], space: str, /) -> dict[str, Any]:
    """What chance gives beside a query.

    Parameters
    ----------
    contents
        Of the index.
    own
        The rows of the index that the query is made of.
    asked
        (width,) of unit length.
    space
        One of the index.

    Returns
    -------
    dict[str, Any]
        `null` (kind, draws, floor, median, high) or None, `reason`, and `scores` (draws,).

    """
    made = null.of_wells(contents.index, own, vectors=contents.spaces[space])
    if not made.there:
        return {"null": None, "reason": made.what, "scores": np.zeros(0)}
    scores = (made.vectors @ asked).astype(np.float64)
    said = {
        "kind": made.what,
        "draws": len(scores),
        "floor": 1 / (len(scores) + 1),
        "median": float(np.median(scores)),
        "high": float(np.quantile(scores, HIGH)),
    }
    return {"null": said, "reason": "", "scores": scores}


def contents_pairs(contents: Contents, space: str, /) -> Numbers:
    """The quantiles of all pairs of compounds in a space.

    Parameters
    ----------
    contents
        Of the index.
    space
        One of the index.

    Returns
    -------
    Numbers
        (2001,) NaN where the index keeps none.

    """
    of_space: Numbers = contents.pairs[list(contents.spaces).index(space)]
    return of_space


def _of_perturbation(contents: Contents, row: int) -> Query:
    """Candidates of the level of a perturbation: other compounds, or other compounds at their doses."""
    is_dose, compound = contents.is_dose, contents.compound
    several = np.isin(compound, compound[is_dose])
    alike = is_dose | ~several if is_dose[row] else ~is_dose
    candidates = np.flatnonzero(alike & (compound != compound[row]) & ~contents.negative)
    own = contents.of_wells[contents.members(row)]
    return Query(name_of(contents, row), int(contents.of_perturbations[row]), own, candidates)


def _of_well(contents: Contents, row: int) -> Query:
    rows = contents.well_rows
    own = rows[schema.PERTURBATION].iloc[row] if schema.PERTURBATION in rows else None
    named = contents.rows.get(schema.PERTURBATION, pd.Series(dtype=object))
    other = (named.astype("string").fillna("") != own).to_numpy(dtype=bool, na_value=True)
    candidates = np.flatnonzero(~contents.is_dose & other & ~contents.negative)
    place = [str(rows[word].iloc[row]) for word in (schema.PLATE, schema.WELL) if word in rows]
    at = int(contents.of_wells[row])
    return Query(":".join(place) or f"row {row}", at, np.array([at]), candidates)


def name_of(contents: Contents, row: int, /) -> str:
    """A perturbation in words.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the table of perturbations.

    Returns
    -------
    str
        Its name, or its identifier where it has none, and its dose where the row is one.

    """
    said = contents.rows.iloc[row]
    name = said.get(schema.PERTURBATION_NAME)
    words = name if isinstance(name, str) and name else str(said.get(schema.PERTURBATION, row))
    dose = said.get(schema.CONCENTRATION)
    if not contents.is_dose[row] or dose is None or not np.isfinite(dose):
        return words
    return f"{words} {dose:g} {contents.facts.get('dose_unit') or ''}".strip()


def _scores(contents: Contents, space: str, candidates: Rows, asked: npt.NDArray[np.float32]) -> Numbers:
    vectors = contents.spaces[space]
    at = contents.of_perturbations[candidates]
    block = 8192
    parts = [np.asarray(vectors[at[start : start + block]]) @ asked for start in range(0, len(at), block)]
    return np.concatenate([np.zeros(0, dtype=np.float32), *parts]).astype(np.float64)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
