"""`python -m benchmarks [scores|corrections|images|training ...]`: prints the table, in Markdown."""

from __future__ import annotations

import importlib
import platform
import sys
import time

import numpy as np
import torch

PARTS = ("scores", "corrections", "images", "training")


def main() -> None:
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads"
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}, {versions}\n")
    print("| what | seconds | peer | peer's seconds | times faster | memory, notes |")
    print("|---|---|---|---|---|---|")
    for part in sys.argv[1:] or PARTS:
        for row in importlib.import_module(f"benchmarks.{part}").rows():
            theirs, ratio = ("", "") if row.theirs is None else (f"{row.theirs:.2f}", f"{row.theirs / row.ours:.1f}")
            print(f"| {row.what} | {row.ours:.3f} | {row.peer} | {theirs} | {ratio} | {row.note} |", flush=True)


if __name__ == "__main__":
    main()
