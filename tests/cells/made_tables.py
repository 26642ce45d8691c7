"""Made-up output of CellProfiler with everything that goes wrong, in each of its layouts; and what dicts and loops make of it."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

WELLS = ("A01", "A02", "A03", "B01")
FEATURES = {"Cells": 3, "Cytoplasm": 2, "Nuclei": 3, "Foci": 1, "Stray": 1}
Objects = dict[str, dict[tuple[int, int], dict[str, Any]]]


def made(seed: int = 0, *, foci: bool = True, stray: bool = True) -> tuple[list[dict[str, Any]], Objects]:
    """Images, and kind -> (image, number) -> its columns. The third well holds an image without cells."""
    rng = np.random.default_rng(seed)
    images, objects = [], {kind: {} for kind in FEATURES}
    for number, (well, site) in enumerate(((w, s) for w in WELLS for s in (1, 2)), start=1):
        images.append(
            {"ImageNumber": number, "Metadata_Plate": "P1", "Metadata_Well": well, "Metadata_Site": site, "FileName_DNA": f"{well}.tif"}
        )
        count = 0 if number == 5 else int(rng.integers(4, 9))
        nuclei = rng.permutation(count + 2) + 1  # two nuclei have no cell
        for nucleus in sorted(nuclei.tolist()):
            objects["Nuclei"][number, nucleus] = _row(rng, "Nuclei", center=True) if count else {}
        objects["Nuclei"] = {k: v for k, v in objects["Nuclei"].items() if v}
        for cell in range(1, count + 1):
            objects["Cells"][number, cell] = {**_row(rng, "Cells", center=True), "Parent_Nuclei": int(nuclei[cell - 1])}
        for place, cell in enumerate(rng.permutation(count)[1:], start=1):  # one cell has no cytoplasm; numbers differ from the cells'
            parents = {"Parent_Cells": int(cell) + 1, "Parent_Nuclei": int(nuclei[cell])}
            objects["Cytoplasm"][number, place] = {**_row(rng, "Cytoplasm"), **parents}
        for place in range(1, count + 1) if foci else ():
            objects["Foci"][number, place] = {**_row(rng, "Foci"), "Parent_Cells": int(rng.integers(0, count + 1))}
        for place in range(1, count + 1) if stray else ():
            objects["Stray"][number, place] = _row(rng, "Stray")
    return images, {kind: rows for kind, rows in objects.items() if rows}


def _row(rng: np.random.Generator, kind: str, *, center: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = {f"AreaShape_M{i}": float(rng.normal()) for i in range(FEATURES[kind])}
    return {**row, "Location_Center_X": float(rng.uniform(0, 99)), "Location_Center_Y": float(rng.uniform(0, 99))} if center else row


def oracle(images: list[dict[str, Any]], objects: Objects) -> dict[tuple[str, str, int], dict[str, float]]:
    """(well, site, cell) -> feature -> value, by dicts and loops."""
    cells = {}
    nan = float("nan")
    for image in images:
        number = image["ImageNumber"]
        for (own, cell), row in objects["Cells"].items():
            if own != number:
                continue
            values = {f"Cells_{k}": v for k, v in row.items() if k.startswith("AreaShape")}
            nucleus = objects["Nuclei"].get((number, row["Parent_Nuclei"]))
            values |= {f"Nuclei_AreaShape_M{i}": nucleus[f"AreaShape_M{i}"] if nucleus else nan for i in range(FEATURES["Nuclei"])}
            cytoplasm = [r for (o, _), r in objects["Cytoplasm"].items() if o == number and r["Parent_Cells"] == cell]
            values |= {f"Cytoplasm_AreaShape_M{i}": cytoplasm[0][f"AreaShape_M{i}"] if cytoplasm else nan for i in range(2)}
            if "Foci" in objects:
                values["Cells_Children_Foci_Count"] = sum(
                    o == number and r["Parent_Cells"] == cell for (o, _), r in objects["Foci"].items()
                )
            values["center_x"] = nucleus["Location_Center_X"] if nucleus else row["Location_Center_X"]
            cells[image["Metadata_Well"], str(image["Metadata_Site"]), cell] = values
    return cells


def write_csv(folder: Path, images: list[dict[str, Any]], objects: Objects, *, prefix: str = "", seed: int = 1) -> None:
    """ExportToSpreadsheet: a file a kind, each in an order of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    _csv(folder / f"{prefix}Image.csv", images)
    (folder / f"{prefix}Experiment.csv").write_text("Key,Value\na,b\n")
    for kind, rows in objects.items():
        listed = [{"ImageNumber": i, "ObjectNumber": n, **row} for (i, n), row in rows.items()]
        _csv(folder / f"{prefix}{kind}.csv", [listed[k] for k in rng.permutation(len(listed))])


def write_two_headers(folder: Path, images: list[dict[str, Any]], objects: Objects) -> None:
    """All kinds side by side under two header rows."""
    folder.mkdir(parents=True, exist_ok=True)
    _csv(folder / "image.csv", images)
    names = {kind: ["ObjectNumber", *next(iter(rows.values()))] for kind, rows in objects.items()}
    with (folder / "object.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["Image", *(kind for kind, own in names.items() for _ in own)])
        writer.writerow(["ImageNumber", *(name for own in names.values() for name in own)])
        for image in images:
            number = image["ImageNumber"]
            lists = {kind: [(n, row) for (i, n), row in rows.items() if i == number] for kind, rows in objects.items()}
            for place in range(max(map(len, lists.values()))):
                line: list[Any] = [number]
                for kind, own in names.items():
                    there = place < len(lists[kind])
                    n, row = lists[kind][place] if there else (0, {})
                    line += [n, *(row[c] for c in own[1:])] if there else [""] * len(own)
                writer.writerow(line)


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_cytominer(path: Path, images: list[dict[str, Any]], objects: Objects, *, index: bool = True) -> None:
    """cytominer-database: ImageNumber is 1 in each table, only TableNumber tells images apart."""
    with sqlite3.connect(path) as base:
        named = [
            {"TableNumber": f"hash{i['ImageNumber']}", "ImageNumber": 1, **{f"Image_{k}": v for k, v in i.items() if k != "ImageNumber"}}
            for i in images
        ]
        _table(base, "Image", named)
        for kind, rows in objects.items():
            prefixed = [
                {"TableNumber": f"hash{i}", "ImageNumber": 1, "ObjectNumber": n, **{f"{kind}_{k}": v for k, v in row.items()}}
                for (i, n), row in rows.items()
            ]
            _table(base, kind, prefixed)
            if index:
                base.execute(f"create index i_{kind} on {kind} (TableNumber, ImageNumber)")


def write_export(path: Path, images: list[dict[str, Any]], objects: Objects, *, prefix: str = "") -> None:
    """ExportToDatabase: one table a kind, numbers as `X_Number_Object_Number`."""
    with sqlite3.connect(path) as base:
        _table(
            base,
            f"{prefix}Per_Image",
            [{"ImageNumber": i["ImageNumber"], **{f"Image_{k}": v for k, v in i.items() if k != "ImageNumber"}} for i in images],
        )
        _table(base, f"{prefix}Per_Experiment", [{"a": 1}])
        for kind, rows in objects.items():
            listed = [
                {"ImageNumber": i, f"{kind}_Number_Object_Number": n, **{f"{kind}_{k}": v for k, v in row.items()}}
                for (i, n), row in rows.items()
            ]
            _table(base, f"{prefix}Per_{kind}", listed)


def write_per_object(path: Path, images: list[dict[str, Any]], objects: Objects) -> None:
    """ExportToDatabase with one table of all kinds side by side."""
    with sqlite3.connect(path) as base:
        _table(
            base,
            "Per_Image",
            [{"ImageNumber": i["ImageNumber"], **{f"Image_{k}": v for k, v in i.items() if k != "ImageNumber"}} for i in images],
        )
        lines = []
        names = {kind: list(next(iter(rows.values()))) for kind, rows in objects.items()}
        for image in images:
            number = image["ImageNumber"]
            lists = {kind: [(n, row) for (i, n), row in rows.items() if i == number] for kind, rows in objects.items()}
            for place in range(max(map(len, lists.values()))):
                line: dict[str, Any] = {"ImageNumber": number, "ObjectNumber": place + 1}
                for kind, own in names.items():
                    n, row = lists[kind][place] if place < len(lists[kind]) else (None, dict.fromkeys(own))
                    line |= {f"{kind}_Number_Object_Number": n, **{f"{kind}_{c}": row[c] for c in own}}
                lines.append(line)
        _table(base, "Per_Object", lines)


def _table(base: sqlite3.Connection, name: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(f'"{c}"' for c in rows[0])
    base.execute(f'create table "{name}" ({columns})')
    base.executemany(f'insert into "{name}" values ({", ".join("?" * len(rows[0]))})', [tuple(row.values()) for row in rows])
