"""Making the views of a minibatch: 64 pairs of real-sized fields, two crops and ten focal ones each.

Beside it the plain way: pictures as float32, one copy of its picture for each view, an affine grid, and halving before a crop is shrunk.
Each runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.timing import Row

PAIRS, SHAPE, CHANNELS = 64, (520, 696), 5
AIM, MOST_MB = 6.0, 400


def rows() -> Iterator[Row]:
    ours, theirs = _measured("ours"), _measured("plain")
    yield Row(
        f"views of {PAIRS} pairs of {CHANNELS} x {SHAPE[0]} x {SHAPE[1]}: 2 x 224, 10 x 96, CPU seconds",
        ours["seconds"],
        theirs["seconds"],
        "each view from its own copy of the whole picture, in float32",
        f"{ours['mb']:.0f} MB against {theirs['mb']:.0f}; at most {MOST_MB}",
        AIM,
    )


def _measured(which: str) -> dict[str, float]:
    told = subprocess.run([sys.executable, "-m", "benchmarks.pixels", which], check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(told.splitlines()[-1])
    return measured


def _run(which: str) -> None:
    import numpy as np
    import torch

    from impasto.pretrain import render, views

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pictures = [torch.from_numpy(rng.integers(0, 255, (CHANNELS, *SHAPE), dtype=np.uint8)) for _ in range(32)]
    settings = views.ViewSettings()

    def kinds(epoch: int) -> list[tuple[list[torch.Tensor], list[views.View], int]]:
        drawing = np.random.default_rng(epoch)
        made = [([pictures[(n + shift) % 32] for n in range(PAIRS)], 224, False) for shift in (0, 7)]
        made.append(([pictures[n % 32] for n in range(PAIRS) for _ in range(10)], 96, True))
        return [(p, [views.draw(settings, drawing, shape=SHAPE, channels=CHANNELS, focal=f) for _ in p], s) for p, s, f in made]

    make = render.render if which == "ours" else _plain
    before, seconds = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    for epoch in range(3):
        clock = time.process_time()
        made = [make(p, v, size=size) for p, v, size in kinds(epoch)]
        seconds.append(time.process_time() - clock)
        del made
    print(json.dumps({"seconds": min(seconds), "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}))


def _plain(pictures, drawn, *, size):
    """One affine sampling a view."""
    import math

    import torch
    from torch.nn import functional

    light = {id(p): p.float() / 255 for p in pictures}
    out, alike = torch.empty(len(drawn), CHANNELS, size, size), {}
    for number, view in enumerate(drawn):
        alike.setdefault(max(0, math.floor(math.log2(max(min(view.height, view.width) / size, 1)))), []).append(number)
    for level, numbers in alike.items():
        stacked = torch.stack([light[id(pictures[n])] for n in numbers])
        smaller = functional.avg_pool2d(stacked, 2**level) if level else stacked
        matrices = torch.zeros(len(numbers), 2, 3)
        for row, number in enumerate(numbers):
            view = drawn[number]
            for side, (start, length, whole) in enumerate(((view.left, view.width, SHAPE[1]), (view.top, view.height, SHAPE[0]))):
                matrices[row, side, side], matrices[row, side, 2] = length / whole, (2 * start + length) / whole - 1
        grid = functional.affine_grid(matrices, [len(numbers), CHANNELS, size, size], align_corners=False)
        out[numbers] = functional.grid_sample(smaller, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return out


if __name__ == "__main__":
    _run(sys.argv[1])
