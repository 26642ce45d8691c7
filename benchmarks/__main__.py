"""`python -m benchmarks [rankings|relations|... ]`: prints the table, in Markdown; all parts where none is named.

`python -m benchmarks gpu [--small]` prints that of a device (gpu.py), `python -m benchmarks attribution` whether attributions name what was
planted (attribution.py).
"""

from __future__ import annotations

import importlib
import platform
import sys
import time

import numpy as np
import torch

from benchmarks.timing import Row

PARTS = (
    "rankings",
    "p_values",
    "relations",
    "silhouettes",
    "corrections",
    "memory",
    "images",
    "listings",
    "loaddata",
    "training",
    "loader",
    "pixels",
    "pretraining",
    "cellpaintr",
    "tables",
    "cells",
    "explorer",
    "datasets",
)


def main() -> None:
    if sys.argv[1:2] == ["gpu"]:  # a table of its own, of rates and shares of a peak
        from benchmarks import gpu

        sys.exit(gpu.main(small="--small" in sys.argv[2:]))
    if sys.argv[1:2] == ["attribution"]:  # areas under curves, and no seconds
        from benchmarks import attribution

        sys.exit(attribution.main(sys.argv[2:]))
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads"
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}, {versions}\n")
    print("| what | seconds | peer | peer's seconds | times faster | aim | memory, notes |")
    print("|---|---|---|---|---|---|---|")
    for part in sys.argv[1:] or PARTS:
        try:
            for row in importlib.import_module(f"benchmarks.{part}").rows():
                print(_line(row), flush=True)
        except ModuleNotFoundError as error:
            print(f"{part}: {error.name} is not installed, so what is left of this part is left out", file=sys.stderr)


def _line(row: Row) -> str:
    theirs, ratio = ("", "") if row.theirs is None else (f"{row.theirs:.2f}", f"{row.theirs / row.ours:.1f}")
    aim = "" if row.aim is None else f"{row.aim:g}"
    return f"| {row.what} | {row.ours:.3f} | {row.peer} | {theirs} | {ratio} | {aim} | {row.note} |"


if __name__ == "__main__":
    main()
