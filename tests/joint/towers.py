"""Two small towers, and a run of them."""

from __future__ import annotations

from pathlib import Path

import anndata

from impasto import runs
from impasto.joint import two_towers
from impasto.joint.space import Space
from impasto.joint.two_towers import TwoTowersSettings
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings, OptimSettings

SMALL = {"width": 16, "out": 8, "depth": 1, "heads": 2, "minibatch": 8, "molecule_width": 16, "bits": 256, "split": {"validation": 0.2}}


def settings(**changes: object) -> TwoTowersSettings:
    return TwoTowersSettings.read({"perturbation": "molecule", **SMALL, **changes}, where="test")


def trained(profiles: anndata.AnnData, out: Path, *, epochs: int = 2, **changes: object) -> Space:
    chosen = settings(**changes)
    prepared = two_towers.prepare(chosen, profiles, seed=0)
    loop = LoopSettings(epochs=epochs, optim=OptimSettings(lr=2e-3, clip_norm=1.0))
    runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts, "profiles": "simulated"})
    fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
    return Space.load(out)
