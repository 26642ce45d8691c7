"""Cells: tables in, pooling beside pycytominer, the tail test, nuclei. Each in a process of its own: CPU seconds and peak memory."""

from __future__ import annotations

import csv
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.timing import Row

FEATURES = 1500
KINDS = ("Cells", "Cytoplasm", "Nuclei")
CYTOTABLE = "IMPASTO_CYTOTABLE"
"""Environment variable: an interpreter that has CytoTable, which cannot live beside DuckDB 2."""


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _alone("inputs", folder)  # not here: a process begins with the peak memory of the one that starts it
        seconds, peak, _ = _alone("sqlite", folder)
        yield Row(
            f"SQLite in, 12,528 cells x {FEATURES:,}",
            seconds,
            None,
            "",
            f"{12_528 / seconds:,.0f} cells/s, {peak} MB (limit 1,500 cells/s)",
        )
        yield _beside_cytotable(folder)
        seconds, peak, _ = _alone("pool", folder)
        yield Row(f"pool by median, 199,680 cells x {FEATURES:,}", seconds, None, "", f"{peak} MB (limit 12 s, 400 MB)")
        yield _beside_pycytominer(folder)
        seconds, peak, _ = _alone("tail", folder)
        yield Row("tail test, 80 x 4 wells of 300 cells, 499 layouts", seconds, None, "", f"{peak} MB (limit 2 s)")
        seconds, _, _ = _alone("nuclei", folder)
        yield Row("nuclei of a field of 768 x 768", seconds, None, "", "limit .3 s")
        _alone("large inputs", folder)
        seconds, peak, _ = _alone("large", folder)
        yield Row(
            f"SQLite in, 200,448 cells x {FEATURES:,}", seconds, None, "", f"{200_448 / seconds:,.0f} cells/s, {peak} MB (limit 1 GB)"
        )


def _beside_pycytominer(folder: Path) -> Row:
    """The best of three of each, by turns. Peaks stand beside what each has loaded before it reads a cell."""
    turns = [(_alone("median", folder), _alone("pycytominer", folder)) for _ in range(3)]
    (seconds, peak, loaded), (theirs, of_theirs, loaded_theirs) = (min(own) for own in zip(*turns, strict=True))
    note = (
        f"{peak} MB to {of_theirs} MB; above the imports {peak - loaded} MB to {of_theirs - loaded_theirs} MB (imports {loaded} MB and "
        f"{loaded_theirs} MB)"
    )
    return Row(f"median, 9,600 cells x {FEATURES:,}", seconds, theirs, "pycytominer.aggregate", note, aim=4)


def _beside_cytotable(folder: Path) -> Row:
    """CSV in, beside CytoTable where an interpreter has it; and whether both hold the same values."""
    what = f"CSV in, 12,528 cells x {FEATURES:,}"
    seconds, peak, _ = _alone("csv", folder)
    interpreter = os.environ.get(CYTOTABLE, "")
    if not interpreter:
        return Row(what, seconds, None, "", f"{peak} MB; {CYTOTABLE} names no interpreter that has CytoTable")
    script = Path(__file__).with_name("cytotable_csv.py")
    done = subprocess.run(
        [interpreter, str(script), str(folder / "csv"), str(folder / "ct.parquet")], capture_output=True, text=True, check=True
    )
    theirs, of_theirs = done.stdout.split()[-2:]
    note = f"{peak} MB to {of_theirs} MB; largest relative difference {_difference(folder):.0e}"
    return Row(what, seconds, float(theirs), "CytoTable", note, aim=5)


def _difference(folder: Path) -> float:
    """The largest relative difference between both tables of the same CSV, cell by cell."""
    ours = pd.read_parquet(folder / "from_csv" / "-" / "-" / "P1.parquet")
    theirs = pd.read_parquet(folder / "ct.parquet")
    image = theirs["Image_FileName_DNA"].str.removesuffix(".tif")
    keys = pd.MultiIndex.from_arrays([image, theirs["Metadata_Cytoplasm_Parent_Cells"].astype(int)])
    own_image = ours["Metadata_Well"].astype(str) + "_" + ours["Metadata_Site"].astype(str)
    rows = keys.get_indexer(pd.MultiIndex.from_arrays([own_image, ours["Metadata_Object"]]))
    if (rows < 0).any() or len(ours) != len(theirs):
        return float("inf")
    features = [c for c in ours if not c.startswith("Metadata_")]
    other = theirs[features].to_numpy(dtype=np.float64)[rows]
    return float(np.nanmax(np.abs(ours[features].to_numpy(dtype=np.float64) - other) / np.abs(other)))


def _alone(case: str, folder: Path) -> tuple[float, int, int]:
    """CPU seconds of one case, its peak MB, and those at its start."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.cells", case, str(folder)], capture_output=True, text=True, check=True)
    seconds, peak, loaded = done.stdout.split()[-3:]
    return float(seconds), int(peak), int(loaded)


def _plate(folder: Path, *, wells: int, cells: int) -> None:
    """A folder of cells with random values; every twelfth well is a control."""
    from impasto import progress, schema
    from impasto.cells import array_run
    from impasto.cells.array_run import ArrayRun

    rng = np.random.default_rng(0)
    names = [schema.format_well(w // 24, w % 24) for w in range(wells)]
    kinds = [schema.NEGCON if w % 12 == 0 else schema.TRT for w in range(wells)]
    table = pd.DataFrame({"plate": "P1", "well": names, "perturbation": [f"p{w}" for w in range(wells)], "control_type": kinds})
    values = _Drawn(rng, wells, cells)
    with progress.silent(True):
        array_run.write(ArrayRun(table, values, [f"Cells_AreaShape_F{i:04d}" for i in range(FEATURES)]), folder)


class _Drawn(Sequence[np.ndarray]):
    """Wells of random cells, drawn when they are asked for, so that the plate is never in memory."""

    def __init__(self, rng: np.random.Generator, wells: int, cells: int) -> None:
        self._mix, self._wells, self._cells = rng.normal(size=(60, FEATURES)).astype(np.float32), wells, cells

    def __len__(self) -> int:
        return self._wells

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        if number >= self._wells:
            raise IndexError(number)
        rng = np.random.default_rng(number)
        noise = rng.standard_normal((self._cells, FEATURES), dtype=np.float32)
        return rng.standard_normal((self._cells, 60), dtype=np.float32) @ self._mix / 8 + noise / 2


def _sqlite(path: Path, *, wells: int, sites: int, cells: int) -> None:
    """As cytominer-database writes it."""
    from impasto import schema

    rng = np.random.default_rng(0)
    parents = {"Cells": ["Parent_Nuclei"], "Cytoplasm": ["Parent_Cells", "Parent_Nuclei"], "Nuclei": []}
    names = {k: ["Location_Center_X", "Location_Center_Y", *(f"AreaShape_F{i:03d}" for i in range(FEATURES // 3))] for k in KINDS}
    with closing(sqlite3.connect(path)) as base:
        place = ", ".join(f"Image_Metadata_{word} text" for word in ("Plate", "Well", "Site"))
        base.execute(f"create table Image (TableNumber text, ImageNumber int, {place}, Image_FileName_DNA text)")
        for kind in KINDS:
            columns = ", ".join(f"{kind}_{c} real" for c in [*parents[kind], *names[kind]])
            base.execute(f"create table {kind} (TableNumber text, ImageNumber int, ObjectNumber int, {columns})")
        for image in range(wells * sites):
            well, site = schema.format_well(image // sites // 24, image // sites % 24), image % sites + 1
            base.execute("insert into Image values (?, 1, 'P1', ?, ?, ?)", (f"{image:032x}", well, site, f"{well}_{site}.tif"))
            for kind in KINDS:
                values = np.exp(rng.normal(0, 0.5, (cells, len(names[kind])))).tolist()
                lines = [(f"{image:032x}", 1, i + 1, *([i + 1] * len(parents[kind])), *values[i]) for i in range(cells)]
                base.executemany(f"insert into {kind} values ({', '.join('?' * len(lines[0]))})", lines)
        base.commit()


def _csv(base: Path, folder: Path) -> None:
    """The same as ExportToSpreadsheet writes it: one ImageNumber an image, columns without the kind in front."""
    folder.mkdir()
    with closing(sqlite3.connect(base)) as read:
        image_of = {table: number for number, (table,) in enumerate(read.execute("select TableNumber from Image"), start=1)}
        for kind in ("Image", *KINDS):
            columns = [str(row[1]).removeprefix(f"{kind}_") for row in read.execute(f"pragma table_info({kind})")][1:]
            with (folder / f"{kind}.csv").open("w", newline="") as handle:
                writer = csv.writer(handle)
                writer.writerow([*columns, *(["Number_Object_Number"] if kind != "Image" else [])])
                for table, _, *values in read.execute(f"select * from {kind}"):
                    writer.writerow([image_of[table], *values, *(values[:1] if kind != "Image" else [])])


def _read(source: Path, out: Path) -> Callable[[], object]:
    from impasto import recipe
    from impasto.stages.cells import CellsSettings

    settings = CellsSettings.read({"sources": [str(source)]}, where="bench")
    return lambda: recipe.execute("cells", settings, out=out)


def _pool(folder: Path, which: str) -> Callable[[], object]:
    from impasto.cells import pool
    from impasto.cells.folder import Cells

    return lambda: pool.pool(Cells(folder / which))


def _pycytominer(folder: Path) -> Callable[[], object]:
    from pycytominer import aggregate

    def run() -> object:
        table = pd.read_parquet(folder / "small" / "-" / "-" / "P1.parquet")
        features = [c for c in table if not c.startswith("Metadata_")]
        return aggregate(table, strata=["Metadata_Plate", "Metadata_Well"], features=features, operation="median")

    return run


def _tail(_: Path) -> Callable[[], object]:
    from impasto.evaluation.tail import TailTest

    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(300, 30)).astype(np.float16) for _ in range(4 * 112)]
    controls = {plate: np.arange(plate * 112, plate * 112 + 32) for plate in range(4)}
    members = [[(plate, plate * 112 + 32 + number) for plate in range(4)] for number in range(80)]

    def run() -> object:
        test = TailTest(cells, controls, layouts=499)
        return [test.test(own) for own in members]

    return run


def _nuclei(_: Path) -> Callable[[], object]:
    from impasto.cells import segment
    from impasto.simulate import truth

    site = truth.site(0, cells=60)
    segment.nuclei(site.planes[0][:128, :128], site.diameter)  # so that libraries are loaded
    return lambda: segment.nuclei(site.planes[0], site.diameter)


def _inputs(folder: Path) -> Callable[[], object]:
    def run() -> None:
        _plate(folder / "plate", wells=384, cells=520)
        _plate(folder / "small", wells=24, cells=400)
        _sqlite(folder / "plate.sqlite", wells=24, sites=9, cells=58)
        _csv(folder / "plate.sqlite", folder / "csv")

    return run


CASES: dict[str, Callable[[Path], Callable[[], object]]] = {
    "inputs": _inputs,
    "sqlite": lambda folder: _read(folder / "plate.sqlite", folder / "from_sqlite"),
    "csv": lambda folder: _read(folder / "csv", folder / "from_csv"),
    "large inputs": lambda folder: lambda: _sqlite(folder / "large.sqlite", wells=384, sites=9, cells=58),
    "large": lambda folder: _read(folder / "large.sqlite", folder / "from_large"),
    "pool": lambda folder: _pool(folder, "plate"),
    "median": lambda folder: _pool(folder, "small"),
    "pycytominer": _pycytominer,
    "tail": _tail,
    "nuclei": _nuclei,
}


def main() -> None:
    run = CASES[sys.argv[1]](Path(sys.argv[2]))
    start, loaded = time.process_time(), _peak()
    run()
    print(f"{time.process_time() - start:.3f} {_peak()} {loaded}")


def _peak() -> int:
    """MB of this process at its largest, so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
