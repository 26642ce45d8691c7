"""Bags of single cells: is a perturbation found again on a plate that training has not seen, where one cell in ten responds?

    python -m benchmarks.bags [--epochs 150] [--seeds 6]

24 perturbations on 4 plates of 32 controls, 300 cells a well, a tenth of them moved by 3 standard deviations. Cells go through `impasto
cells` and the draw of `impasto train` (256 a well). The two towers learn on three plates, with a random code for each perturbation, and are
asked on the fourth: R@1 and MRR among 24, and how well the weights of attention name responders (area under the curve).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.populations import with_error
from impasto import progress, schema
from impasto.cells import sample
from impasto.cells.array_run import ArrayRun, write
from impasto.joint.feed import Bags
from impasto.joint.settings import TwoTowersSettings
from impasto.joint.two_towers import TwoTowers
from impasto.nets.pooling.gated_attention import GatedAttention
from impasto.simulate.populations import Screen, screen

GROUPS, PLATES, BAG, BLOCKS, CODE = 24, 4, 256, 5, 64
Flags = npt.NDArray[np.bool_]


def drawn(seed: int) -> tuple[torch.Tensor, Flags]:
    """Bags (perturbation, plate, cell, block, feature), and which of their cells respond."""
    population = screen(("part",) * GROUPS, Screen(plates=PLATES), seed=seed)
    names = [f"Cells_AreaShape_F{number:03d}" for number in range(population.values[0].shape[1])]
    with tempfile.TemporaryDirectory() as folder, progress.silent(True):
        cells = sample.sample(write(ArrayRun(population.wells, population.values, names), Path(folder) / "cells"), per_well=BAG, seed=seed)
    flags = dict(zip(population.wells[[schema.PLATE, schema.WELL]].itertuples(index=False, name=None), population.responds, strict=True))
    values, responds = [], []
    for number in range(GROUPS):
        for plate in range(PLATES):
            rows = np.flatnonzero((cells.obs["perturbation"] == f"p{number:03d}") & (cells.obs["plate"] == f"P{plate + 1}"))
            well = flags[f"P{plate + 1}", str(cells.obs["well"].iloc[rows[0]])]
            values.append(torch.as_tensor(cells.X[rows].reshape(BAG, BLOCKS, -1)))
            responds.append(well[cells.obs["object"].iloc[rows].to_numpy(dtype=int) - 1])
    return torch.stack(values).unflatten(0, (GROUPS, PLATES)), np.stack(responds).reshape(GROUPS, PLATES, BAG)


def trained(bags: torch.Tensor, codes: torch.Tensor, *, pooling: str, epochs: int, seed: int) -> TwoTowers:
    """The two towers, after training on all plates but the last."""
    torch.manual_seed(seed)
    given = {"pooling": pooling, "width": 64, "depth": 1, "heads": 4, "out": 64, "loss": "cwcl", "dropout": 0.1}
    more = {"perturbation": "molecule", "molecule": "mlp", "bits": CODE, "molecule_width": 64}
    model = TwoTowers(
        TwoTowersSettings.read({**given, **more}, where="bench"), blocks=BLOCKS, profile_width=bags.shape[-1], perturbation_width=CODE
    )
    seen = bags[:, :-1].flatten(0, 2)
    model.mean.copy_(seen.mean(0))
    model.spread.copy_(seen.std(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for plate in rng.permutation(PLATES - 1):
            loss = sum(model(_minibatch(bags[:, plate], codes)).terms.values())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            optimizer.step()
    return model.eval()


def _minibatch(bags: torch.Tensor, codes: torch.Tensor) -> Bags:
    return Bags(bags, torch.ones(bags.shape[:2], dtype=torch.bool), torch.arange(len(bags)), (codes,))


@torch.no_grad()
def asked(model: TwoTowers, bags: torch.Tensor, codes: torch.Tensor, responds: Flags) -> tuple[float, float, float]:
    """R@1, MRR, and the area under the curve of attention over responders, on the plate that was left out; NaN without attention."""
    likeness = model.embed(_minibatch(bags, codes)) @ model.embed_perturbation(codes).T
    rank = 1 + (likeness > likeness.diagonal()[:, None]).sum(1)
    area = float("nan")
    if isinstance(model.pooling, GatedAttention):
        limit = model.settings.clip_values
        scaled = (bags.clamp(-limit, limit) - model.mean) / model.spread
        weights = model.pooling.weights(scaled, torch.ones(bags.shape[:2], dtype=torch.bool)).mean(2).numpy()
        area = float(np.mean([_area(own, flags) for own, flags in zip(weights, responds, strict=True)]))
    return float((rank == 1).float().mean()), float((1 / rank).mean()), area


def _area(values: npt.NDArray[np.floating], flags: Flags) -> float:
    """The share of pairs of a responder and another cell in which the responder lies higher."""
    return float((values[flags][:, None] > values[~flags]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=6)
    chosen = parser.parse_args()
    codes = torch.randn(GROUPS, CODE, generator=torch.Generator().manual_seed(0))
    print(f"chance: R@1 {1 / GROUPS:.3f}, MRR {np.mean(1 / np.arange(1, GROUPS + 1)):.3f}\n")
    print("| pooling | seed | R@1 | MRR | attention names responders (AUC) | CPU s |\n|---|---|---|---|---|---|")
    told: dict[str, list[tuple[float, float, float]]] = {"mean": [], "gated_attention": []}
    for seed in range(1, chosen.seeds + 1):
        bags, responds = drawn(seed)
        for pooling in told:
            start = time.process_time()
            model = trained(bags, codes, pooling=pooling, epochs=chosen.epochs, seed=seed)
            first, reciprocal, area = asked(model, bags[:, -1], codes, responds[:, -1])
            told[pooling].append((first, reciprocal, area))
            print(f"| {pooling} | {seed} | {first:.3f} | {reciprocal:.3f} | {area:.2f} | {time.process_time() - start:.0f} |", flush=True)
    for pooling, of_seeds in told.items():
        print(f"| {pooling} | all | {' | '.join(map(with_error, zip(*of_seeds, strict=True)))} | |")


if __name__ == "__main__":
    main()
