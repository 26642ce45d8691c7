"""The recipe of an assay as a TOML file: what `impasto assay` runs, and `impasto run` repeats or changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from impasto import doses
from impasto.assay.settings import SPARE

Stage = tuple[str, dict[str, Any]]
Kind = Literal["images", "profiles", "cells"]
"""What the sources of an assay are: images, tables of profiles, or tables of single cells."""
HOME = "stages"
"""The folder of the run in which the stages lie; the index and the report lie beside it."""


def stages(
    ingest: Mapping[str, Any],
    /,
    *,
    kind: Kind,
    encoder: str,
    dose_unit: str,
    noted: Sequence[str],
    replicated: bool = True,
    segmented: bool = False,
    responding: bool = True,
    title: str | None = None,
) -> list[Stage]:
    """The stages of an assay, in order.

    Parameters
    ----------
    ingest
        Settings of the first stage: sources, platemaps, and what cannot be seen in them.
    kind
        What the sources are.
    encoder
        Of images.
    dose_unit
        Of all doses.
    noted
        Warnings of the platemap.
    replicated
        Whether anything stands in two wells, so that replicates can be scored.
    segmented
        Of images: whether cells are segmented, counted and tested too.
    responding
        Of cells: whether plates have enough controls to ask which part of the cells responds.
    title
        Of the report.

    Returns
    -------
    list[Stage]
        Comment and table of each.

    """
    raw = {"images": "@wells", "profiles": "@profiles/profiles.parquet", "cells": "@wells"}[kind]
    of_wells = raw if kind == "profiles" else f"@{kind}/wells.parquet"
    of_cells = kind == "cells" or segmented
    first = _stage("cells", "cells", check=True, **ingest) if kind == "cells" else _stage(kind, "ingest", **ingest)
    made = [
        ("what lies there, and what was done to which well", first),
        (
            "what this layout can show",
            _stage("design", "design", wells=of_wells, dose_unit=dose_unit, noted=list(noted), spare=SPARE),
        ),
    ]
    if kind == "images":
        made += _of_images(encoder, segmented=segmented)
    if kind == "cells":
        made.append(("the cells of each well as its profile", _stage("wells", "profile", "profiles.parquet", images="@cells", pool=POOL)))
    part = _stage("subpopulations", "evaluate", task="subpopulations", profiles=["@cells"], labels=["cells"], options=_PARTS)
    return [
        *made,
        ("half of the negative controls teach the correction, the other half judge", _corrected(raw)),
        *([("do wells of one perturbation look alike?", _evaluated("replicates"))] if replicated else []),
        ("which perturbations differ from their plates' controls?", _evaluated("hits")),
        *([("do all cells respond, or a part of them?", part)] if of_cells and responding else []),
        (
            "the map, what is searched, and what the explorer shows",
            _indexed(images=kind == "images", cells=of_cells, dose_unit=dose_unit, title=title),
        ),
        (
            "report.html, hits.csv and hits.xlsx",
            {"name": "report", "verb": "report", "at": "report.html", "run": "@", "downloads": True, **({"title": title} if title else {})},
        ),
    ]


def _of_images(encoder: str, *, segmented: bool) -> list[Stage]:
    """From images to profiles of wells, with their cells counted where they are segmented."""
    cells = _stage("cells", "cells", sources=["@images"], check=True, **_QUARANTINE)
    counts = {"cells": "@cells"} if segmented else {}
    wells = _stage("wells", "profile", "profiles.parquet", images="@images", encoder=encoder, level="well", **_QUARANTINE, **counts)
    return [
        ("images that cannot be used are left out, with their reason", _stage("quality", "check", images="@images")),
        *([("the cells of the images, counted and judged", cells)] if segmented else []),
        ("one profile a well", wells),
    ]


POOL = "median"
"""How the cells of a well become its profile."""
_PARTS = {"leave_out_plates": True}
_QUARANTINE = {"quarantine": "@quality/quarantine.csv"}


def _stage(name: str, verb: str, file: str = "", /, **values: Any) -> dict[str, Any]:
    place = f"{HOME}/{name}/{file}" if file else f"{HOME}/{name}"
    return {"name": name, "verb": verb, "at": place, **{key: value for key, value in values.items() if value not in (None, [], {}, "")}}


def _corrected(raw: str) -> dict[str, Any]:
    steps = [{"method": "select"}, {"method": "standardize"}, {"method": "clip"}]
    return _stage("corrected", "correct", "profiles.parquet", profiles=raw, spare=SPARE, steps=steps)


def _indexed(*, images: bool, cells: bool, dose_unit: str, title: str | None) -> dict[str, Any]:
    said = {
        "images": "@images" if images else "",
        "cells": "@cells" if cells else "",
        "hits": "@hits",
        "dose_unit": doses.shown(dose_unit),
        "title": title,
    }
    return {"name": "index", "verb": "index", "profiles": "@corrected", **{key: value for key, value in said.items() if value}}


def _evaluated(task: str) -> dict[str, Any]:
    return _stage(task, "evaluate", task=task, profiles=["@corrected"], labels=["profiles"])


def text(made: Sequence[Stage], /, *, name: str, seed: int, head: str) -> str:
    """The file of a recipe.

    Parameters
    ----------
    made
        What `stages` gave.
    name
        Of the recipe.
    seed
        Of all stages.
    head
        Lines for the top, as a comment.

    Returns
    -------
    str
        TOML.

    """
    lines = [*(f"# {line}".rstrip() for line in head.splitlines()), f"name = {_value(name)}", f"seed = {seed}"]
    for comment, table in made:
        lines += ["", f"# {comment}", "[[stage]]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    """One value as TOML; a table stands on its line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    # What JSON writes of text, numbers and truths is TOML too, but for the one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
