"""Dose and response of a compound, as `impasto evaluate hits` fitted it: nothing is fitted again for a page."""

from __future__ import annotations

from typing import Any

import pandas as pd

from impasto import schema
from impasto.atlas.hit_tables import ROW
from impasto.evaluation.dose_response import BENCHMARK, benchmark_interval
from impasto.explorer.contents import Contents
from impasto.explorer.values import number, word

UNIT = "standard deviations of the residuals"


def of_compound(contents: Contents, row: int, /) -> dict[str, Any] | None:
    """The response of a compound over its doses.

    Parameters
    ----------
    contents
        Of the index.
    row
        Of the whole compound.

    Returns
    -------
    dict[str, Any] | None
        p and q of the test against flat, why there is no curve, EC50 and benchmark dose, the curve with its band, and the wells. None where
        the compound stands at one dose, or no hits were called.

    """
    fitted = _of(contents, "responses", row)
    if fitted.empty:
        return None
    said = fitted.iloc[0]
    line = _of(contents, "curves", row).sort_values(schema.CONCENTRATION) if len(_of(contents, "curves", row)) else pd.DataFrame()
    facts = contents.facts.get("hits") or {}
    response = float(facts.get("benchmark", BENCHMARK))
    low, high = benchmark_interval(line, response=response) if len(line) else (None, None)
    return {
        "p": number(said.get("p_value")),
        "q": number(said.get("corrected_p_value")),
        "why": word(said.get("why")),
        "ec50": number(said.get("ec50")),
        "ec50_words": word(said.get("ec50_words")),
        "benchmark": number(said.get("benchmark_concentration")),
        "benchmark_low": number(low),
        "benchmark_high": number(high),
        "benchmark_response": response,
        "unit": UNIT,
        "curve": _curve(line),
        "points": [
            {
                "dose": number(point[schema.CONCENTRATION]),
                "response": number(point["response"]),
                "plate": word(point.get(schema.PLATE)),
                "well": word(point.get(schema.WELL)),
            }
            for point in _of(contents, "points", row).to_dict(orient="records")
        ],
    }


def _of(contents: Contents, name: str, row: int) -> pd.DataFrame:
    table = contents.tables.get(name)
    return table[table[ROW] == row] if table is not None and ROW in table else pd.DataFrame()


def _curve(line: pd.DataFrame) -> dict[str, list[float]] | None:
    if line.empty:
        return None
    columns = {"dose": schema.CONCENTRATION, "response": "response", "low": "low", "high": "high"}
    return {name: line[column].astype(float).tolist() for name, column in columns.items()}
