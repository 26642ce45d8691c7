"""Do p-values hold? Shares at .05 where nothing acts, and what is found where something does, test by test.

Hits: reproduction (p1 alone, and the larger of p1 and p2), the distance by enumeration and by draws, single wells by split conformal.
Replicates: the joint permutation, beside copairs' null of independent random rankings, which is shown and not judged.
"""

from __future__ import annotations

from functools import partial

import anndata
import numpy as np
import pandas as pd

from benchmarks import hits
from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto import schema, wells
from impasto.evaluation import replicates, single_wells
from impasto.evaluation.design import design
from impasto.evaluation.result import OWN

SECTION = "p-values"
NULL, FOUND = "inert, p <= .05", "active, found"
DISTANCES = {
    "distance, enumerated: 2 plates, 12 controls": {"plates": 2, "controls": 12, "spare": False},
    "distance, drawn: 4 plates, 24 controls": {"plates": 4, "controls": 24, "spare": False},
    "distance, enumerated: 3 plates, half of 24 controls spared": {"plates": 3},
}
LAYOUTS = {
    "1 well on each of 3 plates, 16 controls each": ([16, 16, 16], 1),
    "1 well on each of 3 plates, 8, 16 and 64 controls": ([8, 16, 64], 1),
    "2 wells on 1 plate, 32 controls": ([32], 2),
    "2 wells on each of 2 plates, 16 controls each": ([16, 16], 2),
}


def of_reproduction(name: str, run: int) -> list[Seen]:
    """Hits by reproduction on one simulated design."""
    alone, error, power, wrong, spared = hits.of_run(name, seed=0, run=run)
    what, inert = f"hits: {name}", 72 - hits.DESIGNS[name].get("active", 36)
    return [
        Seen(what, "inert, p1 alone", "shown", alone, of=inert),
        Seen(what, NULL, "share", error, of=inert),
        Seen(what, FOUND, "shown", power, of=72 - inert),
        Seen(what, "hits that are inert", "share", wrong, of=36),
        Seen(what, "spared positions, p <= .05", "shown", spared),
    ]


def of_distance(name: str, run: int) -> list[Seen]:
    """The distance to the controls, one well a plate."""
    made = hits.calls_of(hits.simulate_plates(seed=2000 + run, **DISTANCES[name]), seed=run, test="distance")
    error, power, wrong = hits.figures(made.per)
    return [
        Seen(name, NULL, "share", error, of=36),
        Seen(name, FOUND, "shown", power, of=36),
        Seen(name, "hits that are inert", "share", wrong, of=36),
    ]


def of_conformal(run: int) -> list[Seen]:
    """Single wells among the spared controls of their plate, 32 of 64."""
    profiles = hits.simulate_plates(seed=3000 + run, controls=64)
    where = design(profiles, pool_doses=False, by_batch=False, seed=run)
    table = single_wells.table(profiles, wells.finite(profiles, task="single wells"), where)
    named, small = table[schema.PERTURBATION].astype(str), table["p"] <= LEVEL
    inert, active = named.str.startswith(hits.INERT), named.str.startswith(hits.ACTIVE)
    what = "conformal: 3 plates, 32 spared controls each"
    return [
        Seen(what, NULL, "share", float(small[inert].mean()), of=int(inert.sum())),
        Seen(what, FOUND, "shown", float(small[active].mean()), of=int(active.sum())),
    ]


def layout(controls: list[int], wells_a_plate: int, *, compounds: int, effect: float, seed: int, width: int = 50) -> anndata.AnnData:
    """Plates of independent features; the wells of a compound move by `effect` in a direction of its own."""
    rng = np.random.default_rng(seed)
    shifts = effect * rng.normal(size=(compounds, width)) / np.sqrt(width)
    names = [f"c{number:03d}" for number in range(compounds)] * wells_a_plate
    rows, values = [], []
    for plate, count in enumerate(controls):
        rows += [(f"P{plate}", schema.NEGCON, "DMSO")] * count + [(f"P{plate}", schema.TRT, name) for name in names]
        values += [rng.normal(size=(count, width)), rng.normal(size=(len(names), width)) + np.tile(shifts, (wells_a_plate, 1))]
    obs = pd.DataFrame(rows, columns=[schema.PLATE, schema.CONTROL_TYPE, schema.PERTURBATION]).rename(index=str)
    return anndata.AnnData(X=np.concatenate(values).astype(np.float32), obs=obs)


def of_replicates(name: str, protocol: replicates.Protocol, run: int) -> list[Seen]:
    """The p-values of replicates on one layout: compounds that do nothing, then compounds that act."""
    controls, wells_a_plate = LAYOUTS[name]
    p = {}
    for effect in (0.0, 3.0):
        profiles = layout(controls, wells_a_plate, compounds=50, effect=effect, seed=4000 + run)
        draws = 499 if protocol == "plate-controls" else 20_000
        result = replicates.evaluate(profiles, protocol=protocol, draws=draws, shuffles=0, seed=run, with_baselines=False)
        per = result.per_group[result.per_group["profiles"] == OWN] if "profiles" in result.per_group else result.per_group
        p[effect] = per["p_value"].to_numpy(dtype=float)
    ours = protocol == "plate-controls"
    what = f"replicates, {'joint permutation' if ours else 'null of copairs'}: {name}"
    return [
        Seen(what, NULL, "share" if ours else "shown", float((p[0.0] <= LEVEL).mean()), of=len(p[0.0])),
        Seen(what, FOUND, "shown", float((p[3.0] <= LEVEL).mean()), of=len(p[3.0])),
        Seen(what, "active, found at equal error", "shown", float((p[3.0] <= np.quantile(p[0.0], LEVEL)).mean()), of=len(p[3.0])),
    ]


def jobs() -> list[Job]:
    """Each test on each of its designs."""
    return [
        *(Job(SECTION, f"hits, {name}", partial(of_reproduction, name), 10, 100) for name in hits.DESIGNS),
        *(Job(SECTION, name, partial(of_distance, name), 4, 60) for name in DISTANCES),
        Job(SECTION, "conformal", of_conformal, 10, 100),
        *(Job(SECTION, f"replicates, {name}", partial(of_replicates, name, "plate-controls"), 3, 40) for name in LAYOUTS),
        *(Job(SECTION, f"copairs, {name}", partial(of_replicates, name, "copairs"), 2, 40) for name in LAYOUTS),
    ]
