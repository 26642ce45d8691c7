"""The commands of `needs`, each at three sizes: tables of noise, images of noise and of painted cells, tables of single cells."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from benchmarks.simulated import plates
from impasto import profiles
from impasto.recipe import read

SIZES = ((1_920, 500), (7_680, 200), (1_920, 1_500))
"""Wells and features."""
STEPS = (
    *("select", "standardize", "clip", "sphering", "tvn", "combat", "compress", "inverse_normal", "position"),
    "select+standardize+clip",
)
TASKS = ("hits", "replicates", "percent-replicating", "grit", "mechanism", "shortcuts", "sisters")
IMAGES = ((8, 540), (8, 1_080), (24, 1_080))
"""Sites of five stains, and the side of a plane."""
ENCODERS = ("intensity", "efficientnet_lite0", "dinov2_s14")
CELLS = ((60, 100), (240, 100), (240, 300))
"""Cells a well of one plate of 384, and features."""
_RECIPE = """seed = 0
[[stage]]
verb = "train"
[stage.method]
name = "profile_wsl"
width = 64
depth = 2
heads = 2
out = 32
[stage.loop]
epochs = 1
"""


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes
    ----------
    what, size
        As the table says them.
    verb
        The stage.
    values
        Its settings, for the estimate.
    words
        The command line after the verb.
    name
        Of its result.
    keep
        Where the result goes that a later command reads.

    """

    what: str
    size: str
    verb: str
    values: dict[str, object]
    words: tuple[object, ...]
    name: str = "o"
    keep: Path | None = None


def correct(base: Path) -> Iterator[Case]:
    """Corrections, step by step."""
    for size in SIZES:
        table = _table(base, size)
        for said in STEPS:
            steps = said.split("+")
            words = [word for step in steps for word in ("--method", step)]
            values = {"profiles": str(table), "steps": [{"method": step} for step in steps]}
            yield Case(f"correct {said}", _said(size), "correct", values, (table, *words), "o.parquet")


def evaluate(base: Path) -> Iterator[Case]:
    """Tasks on tables of profiles."""
    for size in SIZES:
        table = _table(base, size)
        for task in TASKS:
            yield Case(f"evaluate {task}", _said(size), "evaluate", {"task": task, "profiles": [str(table)]}, (task, table))


def tables(base: Path) -> Iterator[Case]:
    """What else reads tables."""
    recipe = base / "r.toml"
    recipe.write_text(_RECIPE, encoding="utf-8")
    method = read(recipe).stages[0].values
    for size in SIZES:
        table, said = _table(base, size), _said(size)
        yield Case("ingest (a table)", said, "ingest", {"sources": [str(table)]}, (table,))
        yield Case("index", said, "index", {"profiles": str(table)}, (table,))
        yield Case("train profile_wsl", said, "train", {**method, "profiles": str(table)}, (recipe, "--profiles", table))


def images(base: Path) -> Iterator[Case]:
    """What reads images."""
    for planes in (1_920, 7_680, 23_040):
        raw = _many(base, planes)
        words = (raw, "--pattern", "{well}_s{site}_{channel}.tif")
        yield Case("ingest (images)", f"{planes:,} images", "ingest", {"sources": [str(raw)], "pattern": words[-1]}, words)
    for size in IMAGES:
        raw, kept = _images(base, size), base / f"ingested{size[0]}x{size[1]}"
        said = f"{size[0]} sites of 5 x {size[1]} x {size[1]}"
        words = (raw, "--pattern", "{well}_s{site}_{channel}.tif")
        yield Case("", said, "ingest", {"sources": [str(raw)], "pattern": words[-1]}, words, "o", kept)
        yield Case("check (images)", said, "check", {"images": str(kept)}, (kept,))
        for encoder in ENCODERS:
            values = {"images": str(kept), "encoder": encoder}
            yield Case(f"profile {encoder}", said, "profile", values, (kept, "--encoder", encoder), "o.parquet")


def cells(base: Path) -> Iterator[Case]:
    """Tables of single cells."""
    for size in CELLS:
        source, kept = base / f"cells{size[0]}x{size[1]}.sqlite", base / f"kept{size[0]}x{size[1]}"
        if not source.exists():
            _write_cells(source, cells=size[0], width=size[1])
        said = f"{384 * size[0]:,} x {size[1]}"
        yield Case("cells (SQLite)", said, "cells", {"sources": [str(source)]}, (source,), "o", kept)
        yield Case("profile (cells)", said, "profile", {"images": str(kept)}, (kept,), "o.parquet")
        yield Case("check (cells)", said, "check", {"images": str(kept)}, (kept,))


PARTS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "correct": correct,
    "evaluate": evaluate,
    "tables": tables,
    "images": images,
    "cells": cells,
}


def _said(size: tuple[int, int]) -> str:
    return f"{size[0]:,} x {size[1]:,}"


def _table(base: Path, size: tuple[int, int]) -> Path:
    """Each compound in five plates, with one of forty mechanisms; two plates a batch."""
    path = base / f"{size[0]}x{size[1]}.parquet"
    if not path.exists():
        made = plates(wells=size[0], width=size[1], copies=5)
        names = made.obs["perturbation"].astype(str)
        made.obs["moa"] = np.where(made.obs["control_type"] == "negcon", "", [f"M{zlib.crc32(name.encode()) % 40}" for name in names])
        made.obs["batch"] = [f"B{int(plate[1:]) // 2}" for plate in made.obs["plate"]]
        profiles.write(made, path)
    return path


def _many(base: Path, planes: int) -> Path:
    """A plate of so many small images."""
    folder = base / f"many{planes}" / "P1"
    if not folder.exists():
        folder.mkdir(parents=True)
        pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
        sites = planes // (384 * 5)
        for well in range(384):
            for site in range(sites):
                for stain in ("DNA", "ER", "RNA", "AGP", "Mito"):
                    tifffile.imwrite(folder / f"{_well(well)}_s{site + 1}_{stain}.tif", pixels)
    return folder


def _images(base: Path, size: tuple[int, int]) -> Path:
    folder, side = base / f"images{size[0]}x{size[1]}" / "P1", size[1]
    if not folder.exists():
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for site in range(size[0]):
            for stain in ("DNA", "ER", "RNA", "AGP", "Mito"):
                pixels = rng.integers(100, 4000, (side, side)).astype(np.uint16)
                tifffile.imwrite(folder / f"{_well(site // 8)}_s{site % 8 + 1}_{stain}.tif", pixels)
    return folder


def _well(number: int) -> str:
    return f"{'ABCDEFGHIJKLMNOP'[number // 24]}{number % 24 + 1:02d}"


def _write_cells(path: Path, *, cells: int, width: int) -> None:
    """One plate as CellProfiler's ExportToDatabase writes it."""
    numbers = np.repeat(np.arange(1, 385), cells)
    wells = [_well(number) for number in range(384)]
    images = {"ImageNumber": range(1, 385), "Image_Metadata_Plate": "P1", "Image_Metadata_Well": wells, "Image_Metadata_Site": 1}
    names = ["AreaShape_Area", "Location_Center_X", "Location_Center_Y", *(f"Texture_F{i}_DNA" for i in range(width - 3))]
    values = np.random.default_rng(0).normal(size=(len(numbers), width)).astype(np.float32)
    table = pd.DataFrame(values, columns=[f"Cells_{name}" for name in names])
    table.insert(0, "Cells_Number_Object_Number", np.tile(np.arange(1, cells + 1), 384))
    table.insert(0, "ImageNumber", numbers)
    with sqlite3.connect(path) as base:
        pd.DataFrame(images).to_sql("Per_Image", base, index=False)
        table.to_sql("Per_Cells", base, index=False)
