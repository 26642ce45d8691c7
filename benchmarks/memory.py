"""Peak memory of the largest tables, each in a process of its own: what the machine has to have, input and libraries included.

`python -m benchmarks.memory folders [PLATES FEATURES [METHOD]]` alone: corrections of a folder of plates, beside those of the same table.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from benchmarks import processes
from benchmarks.simulated import plates
from benchmarks.timing import Row
from impasto.dataset.commit import add_member, commit
from impasto.simulate.jump import Shape, World


def rows() -> Iterator[Row]:
    for name, (what, limit, _) in CASES.items():
        told = subprocess.run([sys.executable, "-m", "benchmarks.memory", name], capture_output=True, text=True, check=True).stdout.split()
        yield Row(what, float(told[0]), None, "", f"{float(told[1]):.2f} GB in all, aim: under {limit} GB")
    yield from folders()


FOLDERS = {
    "clip, by plate": ("--method", "clip"),
    "standardize, all rows": ("--method", "standardize", "--by", "all"),
    "inverse_normal, all rows": ("--method", "inverse_normal", "--by", "all"),
    "harmony, by batch, 20 clusters, one round": ("--method", "harmony", "--set", "harmony.clusters=20", "--set", "harmony.rounds=1"),
}
"""What is corrected -> the options of `impasto correct`. More rounds take more time, and room on the disk."""


def folders(plates: int = 40, features: int = 1000, chosen: str = "") -> Iterator[Row]:
    """Corrections that learn from all rows: of a folder of plates, and of one table; those whose name begins so."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, table = Path(scratch, "in.plates"), Path(scratch, "in.parquet")
        _simulated(folder, plates, features)
        processes.finished(processes.command(["export", folder, "--to", "table", "--out", table]))
        for number, (what, options) in enumerate(FOLDERS.items()):
            if not what.startswith(chosen):
                continue
            one = processes.command(["correct", folder, *options, "--out", Path(scratch, f"{number}.plates")])
            other = processes.command(["correct", table, *options, "--out", Path(scratch, f"{number}.parquet")])
            processes.finished(one)
            processes.finished(other)
            note = f"{one.peak_mb:.0f} MB ({one.resident_mb:.0f} with mapped files) beside {other.peak_mb:.0f} MB; values take "
            note += f"{plates * 384 * features * 4 / 2**20:.0f} MB; processor s {one.cpu:.0f} and {other.cpu:.0f}"
            yield Row(f"{what}, {plates} plates of 384 x {features:,}", one.seconds, other.seconds, "one table", note)


def _simulated(folder: Path, plates: int, features: int) -> None:
    """Plates without holes, eight a batch."""
    world = World(Shape(plates=plates, features=features, maps=8, large=0))
    rows = []
    for number in range(plates):
        plate = world.plate(number)
        plate.X = np.nan_to_num(plate.X)
        plate.obs["batch"] = f"batch_{number // 8:03d}"
        plate.obs["source"] = "source"
        rows.append(add_member(plate, folder))
    commit(folder, rows, world.var)


def _pairs() -> Callable[[], object]:
    from impasto.evaluation import cross_modal

    number = 30_000
    obs = pd.DataFrame({"modality": np.repeat(["profile", "perturbation"], number), "perturbation": [f"p{i}" for i in range(number)] * 2})
    values = np.random.default_rng(0).normal(size=(2 * number, 512)).astype(np.float32)
    space = anndata.AnnData(X=values, obs=obs.rename(index=str))
    return lambda: cross_modal.evaluate(space, split="all")


def _replicates(wells: int, *, width: int, protocol: str) -> Callable[[], object]:
    from impasto.evaluation import replicates

    data = plates(wells=wells, width=width, copies=5)
    return lambda: replicates.evaluate(data, protocol=protocol, with_baselines=False, draws=100)


def _sphering() -> Callable[[], object]:
    from impasto.correction.sphering import Sphering, SpheringSettings

    data = plates(wells=384 * 130, width=1000)
    return lambda: Sphering.fit(data, SpheringSettings(on="all")).transform(data)


CASES: dict[str, tuple[str, float, Callable[[], Callable[[], object]]]] = {
    "pairs": ("R@k both ways, 30,000 pairs x 512", 1.5, _pairs),
    "all-9216": ("mAP against all others, 9,216 x 1,000", 2, lambda: _replicates(9_216, width=1000, protocol="all-others")),
    "controls-50000": (
        "mAP against plate controls and p at 100 draws, 49,920 x 1,000",
        6,
        lambda: _replicates(49_920, width=1000, protocol="plate-controls"),
    ),
    "all-50000": ("mAP against all others, 49,920 x 256", 6, lambda: _replicates(49_920, width=256, protocol="all-others")),
    "sphering": ("sphering, 49,920 x 1,000 (pycytominer's decomposition of it needs 20 GB)", 2, _sphering),
}


def main(name: str) -> None:
    work = CASES[name][2]()
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    if sys.argv[1] == "folders":
        for row in folders(*map(int, sys.argv[2:4]), *sys.argv[4:5]):
            print(f"{row.what}: {row.ours:.0f} s beside {row.theirs:.0f} s; {row.note}", flush=True)
    else:
        main(sys.argv[1])
