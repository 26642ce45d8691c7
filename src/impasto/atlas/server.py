"""The explorer: a page on loopback that shows the map of an index and searches it. Needs the extra `atlas` (FastAPI)."""

from __future__ import annotations

import importlib.resources
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse

from impasto import schema
from impasto.atlas import search
from impasto.atlas.index import Index, records
from impasto.schema import InputError

SHOWN = (
    schema.PERTURBATION,
    schema.PERTURBATION_NAME,
    schema.GENE,
    schema.MOA,
    schema.PLATE,
    schema.WELL,
    schema.CONTROL_TYPE,
    schema.BATCH,
)


def application(index: Index) -> FastAPI:
    """The web application over one open index: `/` the page, `/api/map`, `/api/search`.

    Parameters
    ----------
    index
        An open index.

    Returns
    -------
    FastAPI
        The application.

    """
    app = FastAPI(title="impasto atlas", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return importlib.resources.files("impasto.atlas").joinpath("page.html").read_text()

    @app.get("/api/map")
    def positions() -> dict[str, Any]:
        return map_of(index)

    @app.get("/api/search")
    def find(
        kind: Annotated[str, Query(description="name, text, smiles, gene or well")],
        query: Annotated[str, Query(min_length=1, max_length=2000)],
        top: Annotated[int, Query(ge=1, le=200)] = 20,
        rank: str = "perturbations",
    ) -> dict[str, Any]:
        try:
            ranking, sentence = search.search(index, kind=kind, query=query, top=top, rank=rank)
        except InputError as error:
            raise HTTPException(422, str(error)) from None
        return {"how": sentence, "rows": records(ranking)}

    return app


def map_of(index: Index) -> dict[str, Any]:
    """The map of an index for the page.

    Parameters
    ----------
    index
        An open index.

    Returns
    -------
    dict[str, Any]
        Positions, level, modality and the annotation shown, as lists aligned by row.

    """
    rows = index.rows
    columns = {name: _plain(rows[name]) for name in SHOWN if name in rows}
    positions = {axis: np.round(rows[axis].to_numpy(float), 4).tolist() for axis in ("x", "y")}
    return {"n": len(rows), **positions, "level": _plain(rows["level"]), "modality": _plain(rows["modality"]), "columns": columns}


def _plain(column: pd.Series) -> list[str | None]:
    return [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
