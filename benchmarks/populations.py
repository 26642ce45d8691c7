"""Null and power of the tail test on simulated screens of cells.

    python -m benchmarks.populations null [--screens 8]      60 inert perturbations a screen
    python -m benchmarks.populations power [--screens 3]     40 inert, 40 of which a part of the cells responds

Null: the share of inert perturbations with p < .05, and in how many screens false discovery control calls any. Power: the share of planted
perturbations with q <= .05 over both tests, the share of calls that are inert (FDP), the same for the test of means, the power of the tail
test where it is the only one, each with its standard error over screens, and the median responding share. Cells go through `impasto
cells`, the test is that of `impasto evaluate subpopulations`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import progress
from impasto.cells.array_run import ArrayRun, write
from impasto.evaluation import subpopulations
from impasto.simulate.populations import Kind, Screen, screen
from impasto.statistics import discovery

RATE = 0.05
NULL = {
    "4 plates, 32 controls": Screen(cells=100),
    "2 plates, 8 controls": Screen(plates=2, controls=8, cells=100),
    "3 plates, 16 controls": Screen(plates=3, controls=16, cells=100),
    "1 plate x 1 well, 32 controls": Screen(plates=1, cells=100),
    "1 plate x 2 wells, 32 controls": Screen(plates=1, wells_a_plate=2, cells=100),
}
POWER = {
    "10 %, 3 sd, 4 plates, 32 controls, 300 cells": Screen(),
    "5 %": Screen(share=0.05),
    "5 %, 1,000 cells": Screen(share=0.05, cells=1000),
    "20 %": Screen(share=0.2),
    "2 sd": Screen(size=2.0),
    "2 sd, 1,000 cells": Screen(size=2.0, cells=1000),
    "100 cells": Screen(cells=100),
    "2 plates": Screen(plates=2),
    "1 plate x 4 wells": Screen(plates=1, wells_a_plate=4),
    "16 controls": Screen(controls=16),
    "8 controls": Screen(controls=8),
    "effect of wells doubled": Screen(well=0.5),
}


def judged(kinds: tuple[Kind, ...], plan: Screen, seed: int) -> tuple[pd.DataFrame, float]:
    """The table of perturbations of one screen, in their order, and the CPU seconds of the test."""
    population = screen(kinds, plan, seed=seed)
    names = [f"Cells_AreaShape_F{number:03d}" for number in range(plan.features)]
    with tempfile.TemporaryDirectory() as folder, progress.silent(True):
        cells = write(ArrayRun(population.wells, population.values, names), Path(folder) / "cells")
        start = time.process_time()
        per = subpopulations.evaluate(cells, rate=RATE, seed=seed).per_group
    return per.sort_values("perturbation", ignore_index=True), time.process_time() - start


def null(screens: int) -> None:
    print("| layout | p < .05, tail | sd over screens | p < .05, means | screens with a call of the tail test |\n|---|---|---|---|---|")
    for name, plan in NULL.items():
        tables = [judged(("inert",) * 60, plan, 100 + number)[0] for number in range(screens)]
        tails = [float((t["p_tail"] < RATE).mean()) for t in tables]
        means = np.mean([(t["p_mean"] < RATE).mean() for t in tables])
        called = sum(bool((t["q_tail"] <= RATE).any()) for t in tables)
        print(f"| {name} | {np.mean(tails):.3f} | {np.std(tails):.3f} | {means:.3f} | {called} of {screens} |", flush=True)


def power(screens: int) -> None:
    print(
        "| planted, 40 of 80 | tail: power | FDP | means: power | FDP | tail alone: power | responding share | CPU s |\n"
        "|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    kinds: tuple[Kind, ...] = ("inert",) * 40 + ("part",) * 40
    planted = np.array(kinds) == "part"
    for name, plan in POWER.items():
        tables, seconds = zip(*(judged(kinds, plan, 200 + number) for number in range(screens)), strict=True)
        cells = []
        for word in ("q_tail", "q_mean"):
            flags = [(t[word] <= RATE).to_numpy() for t in tables]
            cells += [with_error([f[planted].mean() for f in flags]), with_error([f[~planted].sum() / max(1, f.sum()) for f in flags])]
        alone = [discovery.corrected(t["p_tail"].to_numpy(dtype=float)) <= RATE for t in tables]
        cells.append(with_error([flags[planted].mean() for flags in alone]))
        share = np.median([t["responding_share"][planted].median() for t in tables])
        print(f"| {name} | {' | '.join(cells)} | {share:.3f} | {np.mean(seconds):.1f} |", flush=True)


def with_error(of_screens: Sequence[float], /) -> str:
    """The mean over screens, and its standard error: how far another run of as many screens would stray."""
    return f"{np.mean(of_screens):.3f} ± {np.std(of_screens, ddof=1) / np.sqrt(len(of_screens)):.3f}"


PARTS: dict[str, Callable[[int], None]] = {"null": null, "power": power}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--screens", type=int, default=0)
    chosen = parser.parse_args()
    PARTS[chosen.part](chosen.screens or {"null": 8, "power": 3}[chosen.part])


if __name__ == "__main__":
    main()
