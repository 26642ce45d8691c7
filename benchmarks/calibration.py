"""Do p-values mean what they say? Error on noise, and power at equal error, of the joint permutation test and of copairs' null.

    python -m benchmarks.calibration

Noise: treated wells are drawn as the controls are; a test at level a should call a share a of them. Effect: treated wells of one
compound share a small shift; power is the share called at p <= .05, and at the threshold that
calls 5 % of *that test's own* noise.
"""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from impasto.evaluation import replicates
from impasto.progress import track

LEVELS = (0.01, 0.05, 0.1)
LAYOUTS = {
    "one replicate on each of 3 plates, 16 controls each": ([16, 16, 16], 1),
    "one replicate on each of 3 plates, 8, 16 and 64 controls": ([8, 16, 64], 1),
    "two replicates on one plate, 32 controls": ([32], 2),
    "two replicates on each of 2 plates, 16 controls each": ([16, 16], 2),
}


def plates(controls: list[int], replicates_a_plate: int, *, compounds: int, effect: float, width: int, seed: int) -> anndata.AnnData:
    """Plates of `width` independent features; treated wells of a compound are moved by `effect` in a direction of its own."""
    rng = np.random.default_rng(seed)
    shifts = effect * rng.normal(size=(compounds, width)) / np.sqrt(width)
    rows, values = [], []
    for plate, count in enumerate(controls):
        for _ in range(count):
            rows.append({"plate": f"P{plate}", "control_type": "negcon", "perturbation": "DMSO"})
            values.append(rng.normal(size=width))
        for compound in range(compounds):
            for _ in range(replicates_a_plate):
                rows.append({"plate": f"P{plate}", "control_type": "trt", "perturbation": f"c{compound:04d}"})
                values.append(rng.normal(size=width) + shifts[compound])
    obs = pd.DataFrame(rows)
    obs["well"] = obs.groupby("plate").cumcount().map(lambda i: f"{chr(65 + i % 16)}{i // 16 + 1:02d}")
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs.rename(index=str))


def p_values(protocol: str, data: anndata.AnnData, *, draws: int, seed: int) -> np.ndarray:
    result = replicates.evaluate(data, protocol=protocol, draws=draws, seed=seed, with_baselines=False)
    return result.per_group["p_value"].to_numpy()


def main(*, compounds: int = 150, repeats: int = 4, effect: float = 3.0, width: int = 50) -> None:
    table = Table(title=f"{compounds * repeats} compounds a layout, {width} features", title_justify="left")
    for head in ("layout", "test", *(f"error at {a:g}" for a in LEVELS), "power at p <= .05", "power at equal error .05"):
        table.add_column(head, justify="left" if head in ("layout", "test") else "right", overflow="fold")
    jobs = [(name, test) for name in LAYOUTS for test in ("plate-controls", "copairs")]
    for name, test in track(jobs, what="calibration", unit="tests"):
        controls, count = LAYOUTS[name]
        draws = 999 if test == "plate-controls" else 100_000
        found = {}
        for kind, size in (("noise", 0.0), ("effect", effect)):
            made = (plates(controls, count, compounds=compounds, effect=size, width=width, seed=s) for s in range(repeats))
            found[kind] = np.concatenate([p_values(test, data, draws=draws, seed=s) for s, data in enumerate(made)])
        threshold = np.quantile(found["noise"], 0.05)
        errors = [f"{(found['noise'] <= a).mean():.3f}" for a in LEVELS]
        told = "joint permutation" if test == "plate-controls" else "copairs' null"
        power = [f"{(found['effect'] <= a).mean():.3f}" for a in (0.05, threshold)]
        table.add_row(name, told, *errors, *power)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
