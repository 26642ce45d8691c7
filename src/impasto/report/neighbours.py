"""What looks like what: for perturbations that have images, their thumbnail and the nearest other perturbations by profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impasto import schema
from impasto.atlas import index as indexes
from impasto.atlas.consensus import PROFILE
from impasto.atlas.index import Index
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.report import thumbnails
from impasto.report.collect import Ran, of_verb

MOST = 8


def sections(stages: list[Ran]) -> list[dict[str, Any]]:
    """Perturbations with an image, each with its thumbnail and its five nearest by consensus profile.

    Parameters
    ----------
    stages
        The stages of a run.

    Returns
    -------
    list[dict[str, Any]]
        At most 8: `name`, `image` (a data URI) and `near`, None where there is no index or no consensus profile.

    """
    images = _images(stages)
    built = of_verb(stages, "index")
    shown: list[dict[str, Any]] = []
    opened = indexes.open_index(built[-1].result) if built else None
    for name, (uri, caption) in list(images.items())[:MOST]:
        near = _nearest(opened, name, images) if opened is not None else None
        shown.append({"name": caption, "image": uri, "near": near})
    return shown


def _images(stages: list[Ran]) -> dict[str, tuple[str, str]]:
    """Perturbation -> thumbnail and caption, of the first readable site of each."""
    thumbnail_of: dict[str, tuple[str, str]] = {}
    for stage in of_verb(stages, "ingest"):
        if not (Path(stage.result) / "images.parquet").exists():
            continue
        sites = Sites.read(stage.result)
        if schema.PERTURBATION not in sites.table:
            continue
        for number, what in enumerate(sites.table[schema.PERTURBATION].astype(str)):
            if what in thumbnail_of or len(thumbnail_of) >= MOST:
                continue
            row = sites.table.loc[number]
            caption = str(row.get(schema.PERTURBATION_NAME, what))
            try:
                thumbnail_of[what] = (thumbnails.composite(sites, number), f"{caption} ({row[schema.PLATE]} {row[schema.WELL]})")
            except BadImage:
                continue
    return thumbnail_of


def _nearest(opened: Index, what: str, images: dict[str, tuple[str, str]]) -> list[dict[str, Any]] | None:
    rows = opened.rows
    consensus = ((rows["level"] == "perturbation") & (rows["modality"] == PROFILE)).to_numpy()
    own = np.flatnonzero(consensus & (rows[schema.PERTURBATION] == what).to_numpy())
    if not len(own):
        return None
    among = consensus.copy()
    among[own] = False
    nearest = opened.nearest(np.asarray(opened.vectors[own[0]]), top=5, among=among)
    return [
        {
            "name": _text(row.get(schema.PERTURBATION_NAME)) or _text(row.get(schema.PERTURBATION)),
            "gene": _text(row.get(schema.GENE)),
            "moa": _text(row.get(schema.MOA)),
            "score": row["score"],
            "image": images.get(str(row.get(schema.PERTURBATION)), (None,))[0],
        }
        for row in nearest.to_dict(orient="records")
    ]


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)
