"""Layouts of assays for tests: which well holds what, on plates of 96 wells."""

from __future__ import annotations

import pandas as pd

from impasto import schema


def assay(
    *, plates: int = 2, compounds: int = 20, doses: tuple[float, ...] = (), controls: int = 24, wells_each: int = 1, seed: int = 0
) -> pd.DataFrame:
    """Every plate holds all compounds (at all doses) and its controls, each at a place of its own; the same places on all plates."""
    treated = [(f"C{i:02d}", dose) for i in range(compounds) for dose in (doses or (1.0,)) for _ in range(wells_each)]
    rows = [(name, dose, "trt") for name, dose in treated] + [("DMSO", 0.0, "negcon")] * controls
    order = pd.Series(range(96)).sample(frac=1, random_state=seed).tolist()
    size = order if len(rows) <= 96 else list(range(384))
    columns = 12 if len(rows) <= 96 else 24
    table = [
        (f"P{p + 1}", schema.format_well(size[i] // columns, size[i] % columns), *row) for p in range(plates) for i, row in enumerate(rows)
    ]
    return pd.DataFrame(table, columns=["plate", "well", "perturbation", "concentration", "control_type"])
