"""An earlier run to start from: what it was, what it remembers, its weights. `start = "@earlier"` of a train stage."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training import checkpoint
from impasto.training.method import Prepared, Trainable


@dataclass(frozen=True)
class Earlier:
    """A run that `impasto train` left: the settings of its method, the facts of model.json, its weights by name."""

    folder: Path
    method: dict[str, Any]
    facts: dict[str, Any]
    weights: dict[str, Tensor]

    @classmethod
    def read(cls, folder: Path) -> Earlier:
        """Open a run. Raises InputError where the folder is not a finished one."""
        for name in ("model.json", "model.safetensors"):
            if not (folder / name).exists():
                raise InputError(f"{folder} is not a finished run (it has no {name}); make one with: impasto train RECIPE --out {folder}")
        described = json.loads((folder / "model.json").read_text())
        return cls(folder, described["method"], described["facts"], load_file(folder / "model.safetensors"))


def begun(trainable: Trainable, settings: Settings, data: Any, earlier: Earlier | None, /, *, seed: int) -> Prepared:
    """A method with its data; with an earlier run it holds that run's weights, matched by name.

    Raises InputError on every mismatch that the settings do not allow.
    """
    if earlier is None:
        return trainable.prepare(settings, data, seed=seed)
    prepared = (
        trainable.prepare(settings, data, seed=seed)
        if trainable.prepare_from is None
        else trainable.prepare_from(settings, data, earlier, seed=seed)
    )
    checkpoint.put(prepared.method, earlier.weights, where=str(earlier.folder), fresh=prepared.fresh)
    return prepared
