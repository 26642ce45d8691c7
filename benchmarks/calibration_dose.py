"""Do dose curves hold? Flat compounds called, curves found, EC50 within its interval, on each layout of `benchmarks.dose_calibration`."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks import dose_calibration as doses
from benchmarks.calibration_rows import LEVEL, Job, Judged, Seen

SECTION = "dose"
PLACES = "places move wells by .3 of the noise"
"""No test of single wells holds there; the page of dose curves says so. It is shown, and not judged."""


def of_run(name: str, run: int) -> list[Seen]:
    """One simulated set of plates."""
    layout = doses.LAYOUTS[name]
    plates = doses.simulate(layout, seed=7000 + run)
    table = doses.shipped(plates, seed=run).reset_index(drop=True)
    flat, curve = ~plates.active, table["curve"].to_numpy(dtype=bool)
    held = ((table["ec50_low"] <= plates.ec50) & (plates.ec50 <= table["ec50_high"])).to_numpy()
    miss = np.abs(np.log10(table["ec50"].to_numpy(dtype=float) / plates.ec50))
    named = curve & plates.active
    judged: Judged
    inside: Judged
    judged, inside = ("shown", "shown") if name == PLACES else ("share", "inside")
    figures = [
        Seen(name, "flat, p <= .05", judged, float((table["p_value"] <= LEVEL)[flat].mean()), of=int(flat.sum())),
        Seen(name, "flat, a curve", judged, float(curve[flat].mean()), of=int(flat.sum())),
    ]
    if plates.active.any():
        figures.append(Seen(name, "active, a curve", "shown", float(curve[plates.active].mean()), of=int(plates.active.sum())))
    if named.any():
        figures.append(Seen(name, "EC50 within its interval", inside, float(held[named].mean()), of=int(named.sum())))
    if np.isfinite(miss[named]).any():
        figures.append(Seen(name, "decades between EC50 and the truth", "shown", float(np.nanmean(miss[named]))))
    return figures


def jobs() -> list[Job]:
    """One job a layout."""
    return [Job(SECTION, name, partial(of_run, name), 1, 40) for name in doses.LAYOUTS]
