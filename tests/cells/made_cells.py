"""A folder of cells of known content, written by `impasto cells` from CSV of one kind of object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import recipe
from impasto.cells.folder import Cells
from impasto.stages.cells import CellsSettings


def write(folder: Path, cells: pd.DataFrame, wells: pd.DataFrame) -> Cells:
    """`cells` has plate, well and features (`Nuclei_...`); `wells` has plate, well and annotation."""
    run = folder / "run"
    run.mkdir(parents=True)
    images = cells[["plate", "well"]].drop_duplicates().reset_index(drop=True)
    images["ImageNumber"] = np.arange(1, len(images) + 1)
    images.assign(Metadata_Site=1).rename(columns={"plate": "Metadata_Plate", "well": "Metadata_Well"}).to_csv(
        run / "Image.csv", index=False
    )
    table = cells.merge(images, on=["plate", "well"], how="left", validate="many_to_one")
    table["ObjectNumber"] = table.groupby("ImageNumber").cumcount() + 1
    features = [c for c in cells if c.startswith("Nuclei_")]
    table[["ImageNumber", "ObjectNumber", *features]].rename(columns=lambda c: c.removeprefix("Nuclei_")).to_csv(
        run / "Nuclei.csv", index=False
    )
    wells.to_csv(folder / "map.csv", index=False)
    settings = {"sources": [str(run)], "platemap": [str(folder / "map.csv")], "unit": "Nuclei"}
    recipe.execute("cells", CellsSettings.read(settings, where="test"), out=folder / "cells")
    return Cells(folder / "cells")


def wells_of(plates: Sequence[str], perturbations: Sequence[str]) -> pd.DataFrame:
    """One row a well: the perturbations in order on every plate; DMSO is the negative control."""
    names = [f"{'ABCDEFGHIJKLMNOP'[i // 24]}{i % 24 + 1:02d}" for i in range(len(perturbations))]
    rows = [(p, w, x, "negcon" if x == "DMSO" else "trt") for p in plates for w, x in zip(names, perturbations, strict=True)]
    return pd.DataFrame(rows, columns=["plate", "well", "perturbation", "control_type"])
