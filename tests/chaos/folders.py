"""More that is damaged: the folders that impasto writes and reads again, and the tables that stand beside profiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anndata
import corpus
import numpy as np
import pandas as pd
from corpus import Specimen, run, specimen

from impasto import profiles as tables

SMALL = [w for s in ("plates=1", "perturbations=6", "mechanisms=2", "controls=4", "pixels=32", "cells=3") for w in ("--set", s)]
_GRAPH = """seed = 0
[[stage]]
verb = "train"
[stage.method]
name = "profile_wsl"
width = 8
depth = 1
heads = 2
out = 8
prior = {{ graph = "{graph}", weight = 0.1 }}
[stage.loop]
epochs = 1
"""


def of_folders(base: Path) -> Iterator[Specimen]:
    """Plates, images, cells, a map, a graph, a finished run and one that was killed."""
    table = base / "folders" / "p.parquet"
    table.parent.mkdir()
    tables.write(corpus.plates(), table)
    yield _plates(base)
    yield from _images(base)
    yield from _cells(base)
    yield from _map(base)
    yield from _graph(base, str(table))
    yield from _runs(base, str(table))
    yield _expression(base)


def _own(base: Path, name: str) -> Path:
    folder = base / name
    folder.mkdir()
    return folder


def _plates(base: Path) -> Specimen:
    folder = _own(base, "dataset")
    tables.write(corpus.plates(), folder / "p.plates")
    return specimen(
        "a folder of plates", folder,
        ("correct", "IN/p.plates", "--method", "standardize", "--method", "sphering", "--out", "OUT.plates"),
        ("evaluate", "replicates", "IN/p.plates", "--out", "OUT"),
        ("correct", "IN/p.plates", "--method", "standardize", "--out", "OUT.parquet"),
        ("export", "IN/p.plates", "--to", "pycytominer", "--out", "OUT"),
        (("index", "IN/p.plates", "--out", "OUT"), ("search", "OUT", "--name", "c3", "--json")),
    )  # fmt: skip


def _images(base: Path) -> Iterator[Specimen]:
    folder = _own(base, "images")
    run("simulate", "--out", str(base / "simulated"), *SMALL)
    sources = sorted(str(path) for path in (base / "simulated" / "images").iterdir() if path.is_dir())[:2]
    run("ingest", *sources, "--platemap", str(base / "simulated" / "platemap.csv"), "--out", str(folder / "ingested"))
    run("check", str(folder / "ingested"), "--out", str(folder / "checked"))
    yield specimen(
        "ingested images", folder,
        ("profile", "IN/ingested", "--encoder", "intensity", "--out", "OUT.parquet"),
        ("profile", "IN/ingested", "--encoder", "intensity", "--quarantine", "IN/checked/quarantine.csv", "--level", "well",
         "--out", "OUT.plates"),
        ("check", "IN/ingested", "--out", "OUT"),
    )  # fmt: skip
    plan = _own(base, "plan")
    keys = "plates = 1\nperturbations = 6\nmechanisms = 2\ncontrols = 4\npixels = 32\ncells = 3\nbatches = 1\n"
    (plan / "plan.toml").write_text(keys, encoding="utf-8")
    yield specimen("a plan", plan, ("simulate", "--plan", "IN/plan.toml", "--no-images", "--out", "OUT"))


def write_cells(folder: Path) -> None:
    """Tables of cells as CellProfiler writes them, and their platemap: twelve wells of 24 cells."""
    rng = np.random.default_rng(0)
    wells = [f"{row}{n:02d}" for row in "AB" for n in range(1, 7)]
    images = pd.DataFrame({"ImageNumber": range(1, 13), "Metadata_Plate": "P1", "Metadata_Well": wells, "Metadata_Site": 1})
    cells = pd.DataFrame({"ImageNumber": np.repeat(range(1, 13), 24), "ObjectNumber": list(range(1, 25)) * 12})
    for name in ("AreaShape_Area", "AreaShape_Eccentricity", "Intensity_MeanIntensity_DNA", "Location_Center_X", "Location_Center_Y"):
        cells[name] = rng.uniform(1, 9, len(cells))
    (folder / "tables").mkdir(parents=True)
    images.to_csv(folder / "tables" / "Image.csv", index=False)
    cells.to_csv(folder / "tables" / "Cells.csv", index=False)
    named = pd.DataFrame({"plate": "P1", "well": wells, "perturbation": ["DMSO"] * 8 + ["a", "b", "b", "b"]})
    named.to_csv(folder / "map.csv", index=False)


def write_pairs(path: Path) -> None:
    """A list of pairs of genes with STRING's scores."""
    pairs = pd.DataFrame({"gene1": ["G1", "G1", "G2", "G5"], "gene2": ["G2", "G3", "G4", "G6"], "score": [900, 500, 400, 300]})
    pairs.to_csv(path, index=False)


def _cells(base: Path) -> Iterator[Specimen]:
    folder = base / "cells-tables"
    write_cells(folder)
    words = ("cells", "IN/tables", "--platemap", "IN/map.csv", "--negcon", "DMSO", "--out", "OUT")
    yield specimen("tables of cells", folder, (words, ("profile", "OUT", "--out", "OUT-p.parquet")))
    written = _own(base, "cells")
    run(*(word.replace("IN/", f"{folder}/").replace("OUT", str(written / "c")) for word in words))
    yield specimen(
        "a folder of cells", written,
        ("profile", "IN/c", "--out", "OUT.parquet"), ("check", "IN/c", "--out", "OUT"),
        ("evaluate", "subpopulations", "IN/c", "--out", "OUT"),
    )  # fmt: skip


def _map(base: Path) -> Iterator[Specimen]:
    folder, made = _own(base, "map"), _own(base, "map-made")
    old, new = made / "old.plates", made / "new.parquet"
    tables.write(anndata.concat([corpus.plates(0)], merge="same"), old)
    tables.write(corpus.plates(1), new)
    run("correct", str(old), "--method", "standardize", "--method", "clip", "--keep", "--out", str(made / "c.plates"))
    run("index", str(made / "c.plates"), "--out", str(made / "index"))
    run("map", str(made), "--licence", "CC0-1.0", "--out", str(folder / "m"))
    yield specimen("a map", folder, ("place", str(new), "--on", "IN/m", "--out", "OUT"), ("search", "IN/m", "--name", "c3", "--json"))


def _graph(base: Path, table: str) -> Iterator[Specimen]:
    folder = _own(base, "graph")
    write_pairs(folder / "pairs.csv")
    words = ("graph", table, "--string", "IN/pairs.csv", "--out", "OUT.parquet")
    relations = ("evaluate", "relations", table, "--pairs", "IN/pairs.csv", "--out", "OUT")
    yield specimen("a list of pairs", folder, words, relations)
    written = _own(base, "graph-written")
    run(*(word.replace("IN/", f"{folder}/").replace("OUT", str(written / "g")) for word in words))
    (written / "r.toml").write_text(_GRAPH.format(graph="g.parquet"), encoding="utf-8")
    yield specimen("a graph", written, ("train", "IN/r.toml", "--profiles", table, "--out", "OUT"))


def _runs(base: Path, table: str) -> Iterator[Specimen]:
    folder = _own(base, "run")
    (folder / "r.toml").write_text(corpus.RECIPE.format(profiles=table), encoding="utf-8")
    run("run", str(folder / "r.toml"), "--out", str(folder / "run"))
    run("evaluate", "replicates", table, "--out", str(folder / "run" / "scores"))
    yield specimen(
        "a finished run", folder,
        ("report", "IN/run", "--out", "OUT.html"), ("doctor", "IN/run"),
        ("index", "IN/run/corrected/profiles.parquet", "--out", "OUT"),
    )  # fmt: skip
    killed = _own(base, "killed")
    recipe = base / "killed.toml"
    recipe.write_text(corpus.RECIPE.format(profiles=table), encoding="utf-8")
    run("train", str(recipe), "--profiles", table, "--out", str(killed / "t"))
    record = json.loads((killed / "t" / "run.json").read_text(encoding="utf-8"))
    record |= {"state": "started", "files": dict.fromkeys(record["files"])}
    (killed / "t" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (killed / "t" / "model.safetensors").unlink()
    yield specimen("a killed training", killed, ("train", str(recipe), "--profiles", table, "--out", "IN/t"))


def write_expression(path: Path, *, new: Path | None = None) -> str:
    """Counts of six genes in eight cell lines; the last two in a file of their own, where one is named."""
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(rng.poisson(9, (8, 6)), columns=[f"G{n}" for n in range(6)])
    counts.insert(0, "cell_line", [f"line {n}" for n in range(8)])
    counts[:6].to_csv(path, index=False)
    if new is not None:
        counts[6:].to_csv(new, index=False)
    return str(path)


def _expression(base: Path) -> Specimen:
    folder = _own(base, "expression")
    counts = write_expression(folder / "counts.csv", new=folder / "new.csv")
    run("expression", counts, "--out", str(folder / "v"), "--set", "width=3")
    return specimen(
        "expression of lines", folder,
        ("expression", "IN/counts.csv", "--out", "OUT", "--set", "width=3"),
        ("expression", "IN/new.csv", "--like", "IN/v", "--out", "OUT"),
    )  # fmt: skip
