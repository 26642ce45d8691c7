"""Simulated plates on disk, named as an Opera Phenix names them, with a platemap and the truth beside them.

`images/<plate>/r01c01f01p01-ch1sk1fk1fl1.tiff`, `images/<plate>/Index.idx.xml`, `platemap.csv` or `.xlsx` (what a lab knows),
`truth.parquet` (what it does not), `README.txt` (says that all of it is simulated).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from impasto import profiles as tables
from impasto import progress, runs, schema, texts, workbooks
from impasto.simulate import cells, layout, lines, optics, paint
from impasto.simulate import plan as plans
from impasto.simulate import profiles as twin
from impasto.simulate.plan import Plan

_README = """Everything in this folder is simulated by `impasto simulate`. It is not real data.

images/        five-channel plates (DNA, ER, RNA, AGP, Mito), named as an Opera Phenix names them
{platemap:<14} what a laboratory would know of each well
profiles.parquet  a fast twin of the same plan, in the form of CellProfiler's well profiles (drawn, not measured from images)
truth.parquet  what it would not: mechanism, law and potency of each perturbation
relations_pairs.csv  what a database would say of its genes: those of one mechanism, some left out, some added that mean nothing
expression.csv  counts of genes in cell lines, those of the plates among them, where the plan has several
damage.csv     which image files were left out or cut short, where the plan asked for it

Try:  impasto ingest {first} --platemap {platemap} --out ingested --dry-run
"""


def write(plan: Plan, out: Path, /, *, seed: int, images: bool = True) -> None:
    """Write the plates as a whole or not at all; the same bytes for the same plan and seed.

    Parameters
    ----------
    plan
        Sizes and strengths.
    out
        The folder.
    seed
        Of all that is drawn.
    images
        Whether plates are painted; profiles are always written.

    Raises
    ------
    InputError
        Where the plan cannot be drawn.

    """
    known = plans.truth(plan, seed=seed)
    drawn_seed = plans.drawn_from(plan, seed=seed)
    where = layout.wells(plan, known, seed=drawn_seed)
    with runs.atomic(out) as folder:
        folder.mkdir(parents=True)
        platemap = _write_platemap(where, folder, excel=plan.platemap == "excel")
        known.perturbations.to_parquet(folder / "truth.parquet", index=False)
        texts.write_csv(lines.relations(known, seed=seed), folder / "relations_pairs.csv")
        if plan.cell_lines > 1:
            texts.write_csv(lines.lines(plan, seed=seed).expression, folder / "expression.csv")
        tables.write(twin.simulate(plan, seed=seed)[0], folder / "profiles.parquet")
        if images:
            paths = _paint(plan, known, where, folder / "images", look=lines.lines(plan, seed=seed), seed=drawn_seed)
            _damage(plan, paths, folder, seed=drawn_seed)
        first = " ".join(f"images/{p}" for p in sorted(where[schema.PLATE].unique()))
        texts.write(folder / "README.txt", _README.format(first=first, platemap=platemap))


_OF_A_LABORATORY = {
    schema.PLATE: "Plate ID",
    schema.WELL: "Well",
    schema.PERTURBATION: "Compound",
    schema.CONCENTRATION: "Conc (µM)",
    schema.CONTROL_TYPE: "Type",
}


def _write_platemap(where: pd.DataFrame, folder: Path, *, excel: bool) -> str:
    """Write the platemap; the name of its file."""
    if excel:
        table = where[list(_OF_A_LABORATORY)].rename(columns=_OF_A_LABORATORY)
        words = {schema.TRT: "treatment", schema.NEGCON: "negative control"}
        workbooks.write(folder / "platemap.xlsx", {"layout": table.assign(Type=table["Type"].map(words))})
        return "platemap.xlsx"
    texts.write_csv(where.drop(columns="number").rename(columns=lambda c: f"Metadata_{c}"), folder / "platemap.csv")
    return "platemap.csv"


def _paint(plan: Plan, known: plans.Truth, where: pd.DataFrame, folder: Path, *, look: lines.Lines, seed: int) -> list[Path]:
    painted = cells.of_wells(plan, known, where, look, seed=seed)
    looks = optics.of_wells(plan, where, stains=len(paint.CHANNELS), seed=seed)
    lamps = {
        p: paint.lamp(plan.pixels, rng=np.random.default_rng([seed, 40, i])) for i, p in enumerate(sorted(where[schema.PLATE].unique()))
    }
    written = []
    for plate in lamps:
        (folder / plate).mkdir(parents=True)
        texts.write(folder / plate / "Index.idx.xml", _index_xml())
    rows = list(where[[schema.PLATE, schema.WELL]].itertuples(index=False, name=None))
    for number, (plate, well) in enumerate(progress.track(rows, what="painting", unit="well", total=len(rows))):
        row, column = schema.parse_well(well)
        for field in range(plan.sites):
            rng = np.random.default_rng([seed, 50, number, field])
            count = int(rng.poisson(plan.cells * np.exp(painted.log_count[number])))
            pixels = paint.site(
                painted.properties[number],
                cells=count,
                pixels=plan.pixels,
                lamp=lamps[plate],
                rng=rng,
                magnification=plan.magnification,
                optics=looks[number] if looks else None,
            )
            for channel, plane in enumerate(pixels, start=1):
                path = folder / plate / f"r{row + 1:02d}c{column + 1:02d}f{field + 1:02d}p01-ch{channel}sk1fk1fl1.tiff"
                tifffile.imwrite(path, plane, compression="zstd", predictor=True, metadata=None, software="impasto simulate")
                written.append(path)
    return written


def _index_xml() -> str:
    entries = "".join(
        f"<Entry><ChannelID>{i}</ChannelID><ChannelName>{name}</ChannelName></Entry>" for i, name in enumerate(paint.CHANNELS, start=1)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<EvaluationInputData><Images>{entries}</Images></EvaluationInputData>\n'


def _damage(plan: Plan, paths: list[Path], folder: Path, *, seed: int) -> None:
    """Leave out and cut short as many files as the plan asks for, and write down which."""
    chosen = np.random.default_rng([seed, 60]).permutation(len(paths))[: plan.missing + plan.corrupt]
    rows = []
    for order, index in enumerate(chosen):
        path = paths[index]
        if order < plan.missing:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[: 300 if order % 2 else 0])
        rows.append(
            {"path": str(path.relative_to(folder)), "damage": "missing" if order < plan.missing else "truncated" if order % 2 else "empty"}
        )
    if rows:
        texts.write_csv(pd.DataFrame(rows), folder / "damage.csv")
