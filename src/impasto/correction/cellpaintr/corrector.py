"""CellPainTR for `impasto correct`: a trained run applied (`run`), or the three stages fitted in one go on the profiles given.

The equations are in method.py. In one go, sizes and rates are a laptop's: tokens for groups of features, a narrow trunk, larger
learning rates than the paper's for its hundreds of thousands of wells. Use `impasto train` with recipes/cellpaintr.toml to choose
them, to hold wells out, and to resume.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import anndata
import numpy as np
from pydantic import Field

from impasto import runs
from impasto.correction.cellpaintr import prepare, trained
from impasto.correction.cellpaintr.attributions import top_features
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.correction.cellpaintr.trained import Trained
from impasto.correction.fitted import Array, Corrector
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.earlier import Earlier, begun
from impasto.training.loop import LoopSettings, fit
from impasto.training.optim import OptimSettings

STAGES: tuple[Literal["cwmm", "intra", "inter"], ...] = ("cwmm", "intra", "inter")


class CellPaintrCorrectorSettings(Settings):
    """A run, or what to fit; with a run the rest but `top_features` is not read."""

    run: Path | None = None
    by: str = "auto"
    tokens: Literal["feature", "group"] = "group"
    width: int = 256
    depth: int = 2
    epochs: list[int] = Field(default_factory=lambda: [10, 10, 20])
    """Of stages cwmm, intra, inter; 0 leaves a stage out."""
    lr: list[float] = Field(default_factory=lambda: [1e-3, 3e-4, 3e-4])
    minibatch: list[int] = Field(default_factory=lambda: [64, 64, 128])
    seed: int = 0
    top_features: int = 0
    """How many features to name in the column `top_features`: those that make a well differ most from its source's controls."""


@dataclass(frozen=True)
class CellPaintrCorrector(Corrector):
    """The model: its settings and facts as JSON, its weights by name."""

    name: ClassVar[str] = "cellpaintr"
    settings_class: ClassVar[type[Settings]] = CellPaintrCorrectorSettings
    settings: CellPaintrCorrectorSettings
    method: str
    facts: str
    weights: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> CellPaintrCorrector:
        assert isinstance(settings, CellPaintrCorrectorSettings)
        if settings.run is not None:
            run = trained.read(settings.run)
            return cls(settings, json.dumps(run.method), json.dumps(run.facts), _arrays(run))
        with runs.scratch() as folder:
            last = _stages(profiles, settings, folder)
            return cls(settings, json.dumps(last.method), json.dumps(last.facts), _arrays(last))

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        model = self.model()
        corrected = model.correct(profiles)
        if self.settings.top_features:
            corrected.obs["top_features"] = top_features(model, profiles, top=self.settings.top_features)
        return corrected

    def model(self) -> Trained:
        """The model with its weights."""
        import torch

        weights = {name: torch.as_tensor(np.asarray(v, dtype=np.float32)) for name, v in self.weights.items()}
        return Trained.rebuilt(json.loads(self.method), json.loads(self.facts), weights, where=self.name)


def _arrays(run: Earlier) -> dict[str, Array]:
    return {name: tensor.double().numpy() for name, tensor in run.weights.items()}


def _stages(profiles: anndata.AnnData, settings: CellPaintrCorrectorSettings, folder: Path) -> Earlier:
    """Train the stages one after the other, each from the one before; returns the last."""
    for name in ("epochs", "lr", "minibatch"):
        if len(getattr(settings, name)) != len(STAGES):
            raise InputError(f"cellpaintr: {name} has {len(getattr(settings, name))} values; give one for each of {', '.join(STAGES)}")
    if not any(settings.epochs):
        raise InputError("cellpaintr: epochs are 0 in all stages, so there is nothing to fit; give some, or a run")
    earlier: Earlier | None = None
    for stage, epochs, lr, size in zip(STAGES, settings.epochs, settings.lr, settings.minibatch, strict=True):
        if not epochs:
            continue
        chosen = CellPaintrSettings(
            stage=stage,
            by=settings.by,
            tokens=settings.tokens,
            width=settings.width,
            depth=settings.depth,
            mlp_width=4 * settings.width,
            minibatch=size,
        )
        prepared = begun(prepare, chosen, profiles, earlier, seed=settings.seed)
        out = folder / stage
        runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts})
        loop = LoopSettings(epochs=epochs, seed=settings.seed, optim=OptimSettings(lr=lr, warmup=10, clip_norm=1.0))
        fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
        earlier = Earlier.read(out)
    assert earlier is not None
    return earlier
