"""A table small enough to be scored by hand: three plates of two batches, several wells of each perturbation, wells without a label."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd


def plates(*, seed: int = 0, width: int = 6, doses: bool = False, unlabelled: int = 4, signal: float = 1.0) -> anndata.AnnData:
    """Per plate: compounds a, b, c, d in two wells each (with `doses`, one well at 1 and one at 10), six controls, some unlabelled."""
    rng = np.random.default_rng(seed)
    centre = {name: rng.normal(size=width) * signal for name in "abcd"}
    rows, values = [], []
    for plate, batch in (("P1", "X"), ("P2", "X"), ("P1", "Y")):
        names = [*"aabbccdd", *["DMSO"] * 6, *[None] * unlabelled]
        for number, name in enumerate(names):
            kind = None if name is None else "negcon" if name == "DMSO" else "trt"
            dose = [1.0, 10.0][number % 2] if kind == "trt" and doses else np.nan
            well = f"{'ABCD'[number // 6]}{number % 6 + 1:02d}"
            row = {"source": "S", "batch": batch, "plate": plate, "well": well, "perturbation": name, "control_type": kind}
            rows.append(row | {"moa": "m1" if name in ("a", "b") else "m2" if name in ("c", "d") else None, "concentration": dose})
            values.append(rng.normal(size=width) + (centre[name] if kind == "trt" and name is not None else 0))
    obs = pd.DataFrame(rows).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs if doses else obs.drop(columns="concentration"))


def cosine(profiles: anndata.AnnData) -> np.ndarray:
    """Cosines of all rows (n, n) in float64."""
    x = np.asarray(profiles.X, dtype=np.float64)
    x = x / np.sqrt((x**2).sum(axis=1))[:, None]
    return x @ x.T


def precision(positives: list[float], negatives: list[float]) -> float:
    """Average precision, one comparison at a time; a tied negative counts a half."""
    total = 0.0
    for found, score in enumerate(sorted(positives, reverse=True), start=1):
        total += found / (found + sum(1.0 if n > score else 0.5 if n == score else 0.0 for n in negatives))
    return total / len(positives)


def batches(seed: int, *, batch_effect: float, signal: float) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    compounds, wells = rng.normal(size=(8, 15)), []
    values = []
    for batch in range(3):
        shift = batch_effect * rng.normal(size=15)
        for number in range(40):
            compound = number % 8
            control = compound == 0
            wells.append(
                (f"B{batch}", f"B{batch}P1", f"{'ABCDE'[number // 8]}{compound + 1:02d}", "DMSO" if control else f"C{compound}", control)
            )
            values.append(shift + signal * compounds[compound] * (not control) + rng.normal(size=15))
    obs = pd.DataFrame(wells, columns=["batch", "plate", "well", "perturbation", "control"]).rename(index=str)
    obs["control_type"] = np.where(obs.pop("control"), "negcon", "trt")
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def by_metric(scores: list, group: str = "profiles") -> dict[str, float]:
    return {s.metric: s.value for s in scores if s.group == group}
