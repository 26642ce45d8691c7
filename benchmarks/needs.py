"""The estimate of each stage beside what it takes: `python -m benchmarks.needs [PART...]`; PART is tables, images or cells.

Tables of noise at three sizes, images at two, single cells at three. Each runs in a process of its own. Memory is the most that this
process held, as its record says, libraries included; disk is what it left; time is that of its processors.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from benchmarks.simulated import plates
from impasto import profiles, records
from impasto.need import Need
from impasto.recipe import read
from impasto.stages import STAGES

SIZES = ((1_920, 500), (7_680, 500), (19_200, 500))
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
_MB = 2**20


@dataclass(frozen=True)
class Seen:
    """What was estimated of a command, and what it took.

    Attributes
    ----------
    what
        The command and its size.
    need
        The estimate.
    peak, disk
        Megabytes held and written.
    seconds
        Of processor time.

    """

    what: str
    need: Need
    peak: float
    disk: float
    seconds: float


def rows() -> Iterator[Seen]:
    """A row a command."""
    parts = {"tables": _tables, "images": _images, "cells": _cells}
    with tempfile.TemporaryDirectory() as name:
        for part in sys.argv[1:] or parts:
            yield from parts[part](Path(name))


def _tables(base: Path) -> Iterator[Seen]:
    steps = [{"method": method} for method in ("select", "standardize", "clip", "sphering")]
    recipe = base / "r.toml"
    recipe.write_text(_RECIPE, encoding="utf-8")
    method = read(recipe).stages[0].values
    for wells, width in SIZES:
        table = base / f"{wells}.parquet"
        profiles.write(plates(wells=wells, width=width, copies=5), table)
        size = f"{wells:,} x {width}"
        words = [word for step in steps for word in ("--method", step["method"])]
        yield _row(f"correct, four steps, {size}", base, "correct", {"profiles": str(table), "steps": steps}, [table, *words], "o.parquet")
        for task in ("replicates", "hits"):
            yield _row(f"evaluate {task}, {size}", base, "evaluate", {"task": task, "profiles": [str(table)]}, [task, table], "o")
        if wells < SIZES[-1][0]:
            yield _row(f"index, {size}", base, "index", {"profiles": str(table)}, [table], "o")
        values = {**method, "profiles": str(table)}
        yield _row(f"train, {size}", base, "train", values, [recipe, "--profiles", table], "o")


def _images(base: Path) -> Iterator[Seen]:
    rng = np.random.default_rng(0)
    for side in (540, 1080):
        images, out = base / f"images{side}" / "P1", base / f"in{side}"
        images.mkdir(parents=True)
        for well in ("A01", "A02"):
            for site in range(1, 9):
                for stain in ("DNA", "ER", "RNA", "AGP", "Mito"):
                    pixels = rng.integers(100, 4000, (side, side)).astype(np.uint16)
                    tifffile.imwrite(images / f"{well}_s{site}_{stain}.tif", pixels)
        run("ingest", images, "--pattern", "{well}_s{site}_{channel}.tif", "--out", out)
        for encoder in ("intensity", "random", "efficientnet_lite0"):
            values = {"images": str(out), "encoder": encoder}
            what = f"profile {encoder}, 16 sites of 5 x {side} x {side}"
            yield _row(what, base, "profile", values, [out, "--encoder", encoder], "o.parquet")


def _cells(base: Path) -> Iterator[Seen]:
    for cells, width in ((60, 100), (240, 100), (240, 300)):
        source = base / f"cells{cells}x{width}.sqlite"
        _write_cells(source, cells=cells, width=width)
        size = f"{384 * cells:,} x {width}"
        yield _row(f"cells (SQLite), {size}", base, "cells", {"sources": [str(source)]}, [source], "o", keep=base / "kept")
        values = {"images": str(base / "kept")}
        yield _row(f"profile of cells, {size}", base, "profile", values, [base / "kept"], "o.parquet")


def _write_cells(path: Path, *, cells: int, width: int) -> None:
    """One plate as CellProfiler's ExportToDatabase writes it."""
    numbers = np.repeat(np.arange(1, 385), cells)
    wells = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
    images = {"ImageNumber": range(1, 385), "Image_Metadata_Plate": "P1", "Image_Metadata_Well": wells, "Image_Metadata_Site": 1}
    names = ["AreaShape_Area", "Location_Center_X", "Location_Center_Y", *(f"Texture_F{i}_DNA" for i in range(width - 3))]
    values = np.random.default_rng(0).normal(size=(len(numbers), width)).astype(np.float32)
    table = pd.DataFrame(values, columns=[f"Cells_{name}" for name in names])
    table.insert(0, "Cells_Number_Object_Number", np.tile(np.arange(1, cells + 1), 384))
    table.insert(0, "ImageNumber", numbers)
    with sqlite3.connect(path) as base:
        pd.DataFrame(images).to_sql("Per_Image", base, index=False)
        table.to_sql("Per_Cells", base, index=False)


def _row(what: str, base: Path, verb: str, values: dict[str, object], words: list[object], name: str, *, keep: Path | None = None) -> Seen:
    """Estimate, then run; the result is removed, or kept under another name."""
    out = base / "result" / name
    stage = STAGES[verb]
    need = stage.need(stage.settings.read(values, where="benchmarks"), out)
    assert need is not None
    seconds = run(verb, *words, "--out", out)
    record = records.read(stage.record(out))
    assert record is not None
    disk = sum(path.stat().st_size for path in out.parent.rglob("*") if path.is_file())
    if keep is not None:
        shutil.rmtree(keep, ignore_errors=True)
        shutil.move(out, keep)
    shutil.rmtree(out.parent, ignore_errors=True)
    return Seen(what, need, float(record["peak_memory_mb"]), disk / _MB, seconds)


def run(*words: object) -> float:
    """The seconds of processor time of a command in a process of its own; it must succeed."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "impasto", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print the table."""
    print("| stage | estimate, MB | peak, MB | ratio | disk: estimate, MB | written, MB | estimate, s | taken, s | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for seen in rows():
        memory = seen.need.memory / _MB
        disk = f"{seen.need.disk / _MB:.0f}" if seen.need.disk else ""
        held = f"{memory:.0f} | {seen.peak:.0f} | {memory / seen.peak:.2f} | {disk} | {seen.disk:.1f}"
        estimate = seen.need.seconds
        ratio = "" if estimate is None else f"{estimate / seen.seconds:.2f}"
        print(f"| {seen.what} | {held} | {'' if estimate is None else f'{estimate:.1f}'} | {seen.seconds:.1f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
