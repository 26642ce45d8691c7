"""What an index holds, for the page to begin with: counts, columns, plates, windows, colours, and what is absent and how to make it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from impasto import schema, wells
from impasto.atlas import folder
from impasto.explorer import structure, why
from impasto.explorer.contents import Contents
from impasto.explorer.downloads import downloads
from impasto.explorer.pixels import LARGEST
from impasto.explorer.values import word
from impasto.version import __version__

LABELS = {
    schema.MOA: "mechanism",
    schema.CONTROL_TYPE: "kind of well",
    schema.TIME_H: "time",
    "distance_z": "distance from controls",
    "n_wells": "wells",
    "n_plates": "plates",
    "q": "corrected p",
    "type": "kind of perturbation",
}
UNITS = {schema.TIME_H: "h"}


def about(contents: Contents, /, *, questions: list[str]) -> dict[str, Any]:
    """What an index holds.

    Parameters
    ----------
    contents
        Of the index.
    questions
        The kinds of question that its run can answer.

    Returns
    -------
    dict[str, Any]
        Of plain values.

    """
    facts = contents.facts
    images = contents.tables.get("images")
    return {
        "title": str(facts["title"]),
        "digest": contents.digest,
        "versions": {"impasto": __version__, "index": facts["version"]},
        "counts": {
            "wells": contents.wells.num_rows,
            "perturbations": int((~contents.is_dose).sum()),
            "doses": int(contents.is_dose.sum()),
            "plates": len(contents.plates),
            "images": 0 if images is None else len(images),
        },
        "columns": {level: columns(contents, level) for level in folder.LEVELS},
        "spaces": list(contents.spaces),
        "channels": facts["channels"],
        "windows": _windows(contents),
        "plates": _plates(contents),
        "colours": facts["colours"],
        "pixel_um": facts.get("pixel_um"),
        "dose_unit": facts.get("dose_unit") or "",
        "questions": questions,
        "hits": _hits(contents),
        "features": why.has_names(contents),
        "montages": bool(facts.get(folder.CELLS)),
        "missing": missing(contents),
        "warnings": list(facts.get("warnings", [])),
    }


def columns(contents: Contents, level: str, /) -> list[dict[str, str]]:
    """The columns of one table.

    Parameters
    ----------
    contents
        Of the index.
    level
        `wells` or `perturbations`.

    Returns
    -------
    list[dict[str, str]]
        `name` and `kind`, and a label and a unit where there are.

    """
    unit = {**UNITS, schema.CONCENTRATION: str(contents.facts.get("dose_unit") or "")}
    described = []
    for column in contents.table(level).schema:
        said = {"name": column.name, "kind": "category" if pa.types.is_dictionary(column.type) else "number"}
        said |= {"label": LABELS[column.name]} if column.name in LABELS else {}
        described.append(said | ({"unit": unit[column.name]} if unit.get(column.name) else {}))
    return described


def missing(contents: Contents, /) -> dict[str, str]:
    """What the page cannot show, and the command that makes it.

    Parameters
    ----------
    contents
        Of the index.

    Returns
    -------
    dict[str, str]
        `cells`, `hits`, `features`, `structures`, `map`, those that are absent -> one sentence.

    """
    absent: dict[str, str] = {}
    if contents.facts["version"] == 1:
        again = "this index is of an earlier version; make it again: impasto index PROFILES --out INDEX"
        absent |= {"cells": again, "hits": again, "features": again}
    if "images" not in contents.tables:
        absent.setdefault("cells", "this index has no images; add them: impasto index PROFILES --images INGESTED --out INDEX")
    if "hits" not in contents.tables:
        absent.setdefault(
            "hits",
            "no hits were called; run: impasto evaluate hits PROFILES --out HITS, then impasto index PROFILES --hits HITS --out INDEX",
        )
    if not why.has_names(contents):
        absent.setdefault(
            "features", "this index has no named features; add them: impasto index EMBEDDINGS --features PROFILES --out INDEX"
        )
    if schema.SMILES not in contents.perturbations.column_names:
        absent["structures"] = "the profiles have no column smiles; add structures with a platemap: impasto ingest TABLE --platemap FILE"
    elif not structure.can_draw():
        absent["structures"] = "structures need RDKit; install it: pip install 'impasto[chem]'"
    if not {"x", "y"} <= set(contents.wells.column_names):
        absent["map"] = "this index has no wells, only perturbations; index profiles of wells: impasto index PROFILES --out INDEX"
    return absent


def _windows(contents: Contents) -> dict[str, list[list[float] | None]]:
    """Plate -> one range a channel; of planes that are scaled, the range of what is sent."""
    table = contents.tables.get("windows")
    if table is None:
        return {}
    of = {}
    for row in table.to_dict(orient="records"):
        ends = [0.0, float(LARGEST)] if row["scaled"] else [float(row["low"]), float(row["high"])]
        of[(str(row[schema.PLATE]), str(row[schema.CHANNEL]))] = ends
    plates = sorted({plate for plate, _ in of})
    return {plate: [of.get((plate, channel)) for channel in contents.facts["channels"]] for plate in plates}


def _plates(contents: Contents) -> list[dict[str, Any]]:
    rows = contents.well_rows
    if not contents.plates:
        return []
    codes = np.searchsorted(np.array(contents.plates, dtype=object), rows[schema.PLATE].fillna("").to_numpy(dtype=object))
    known = rows[schema.PLATE].notna().to_numpy(dtype=bool)
    spots = rows.assign(_plate=codes)[known].drop_duplicates(["_plate", schema.WELL] if schema.WELL in rows else ["_plate"])
    counts = np.bincount(spots["_plate"], minlength=len(contents.plates))
    negative = np.bincount(spots["_plate"][wells.negative(spots)], minlength=len(contents.plates))
    first = spots.drop_duplicates("_plate").set_index("_plate")
    images = contents.tables.get("images")
    imaged: dict[str, int] = images.groupby(schema.PLATE)[schema.WELL].nunique().to_dict() if images is not None else {}
    return [
        {
            "plate": plate,
            "batch": word(first.loc[number].get(schema.BATCH)),
            "source": word(first.loc[number].get(schema.SOURCE)),
            "wells": int(counts[number]),
            "negcon": int(negative[number]),
            "imaged": int(imaged.get(plate, 0)),
        }
        for number, plate in enumerate(contents.plates)
    ]


def _hits(contents: Contents) -> dict[str, Any] | None:
    said = contents.facts.get("hits")
    if not said or said["hits"] is None:
        return None
    return {"hits": said["hits"], "tested": said["tested"], "rate": said["rate"], "downloads": sorted(downloads(contents))}
