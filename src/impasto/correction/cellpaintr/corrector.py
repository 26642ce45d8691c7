"""CellPainTR for `impasto correct`: a trained run applied (`run`), or the three stages fitted in one go on the profiles given.

The equations are in method.py. In one go, sizes and rates are a laptop's: tokens for groups of features, a narrow trunk, larger
learning rates than the paper's for its hundreds of thousands of wells. Use `impasto train` with recipes/cellpaintr.toml to choose
them, to hold wells out, and to resume.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import anndata
import numpy as np
from pydantic import Field

from impasto import profiles as tables
from impasto import runs, schema
from impasto.correction.cellpaintr import prepare, trained
from impasto.correction.cellpaintr.attributions import top_features
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.correction.cellpaintr.trained import Trained
from impasto.correction.fitted import Array, Corrector
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.earlier import Earlier, begun
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings, OptimSettings
from impasto.wells import TRAIN

if TYPE_CHECKING:
    from torch import Tensor

STAGES: tuple[Literal["cwmm", "intra", "inter"], ...] = ("cwmm", "intra", "inter")


class CellPaintrCorrectorSettings(Settings):
    """A run, or what to fit; with a run only `new_epochs`, `lr`, `seed` and `top_features` are read beside it."""

    run: Path | None = None
    by: str = "auto"
    tokens: Literal["feature", "group"] = "group"
    width: int = 256
    depth: int = 2
    epochs: list[int] = Field(default_factory=lambda: [10, 10, 20])
    """Of stages cwmm, intra, inter; 0 leaves a stage out."""
    lr: list[float] = Field(default_factory=lambda: [1e-3, 3e-4, 3e-4])
    minibatch: list[int] = Field(default_factory=lambda: [64, 64, 128])
    new_epochs: int = 10
    """Of the token of a source that comes later, which begins in the middle of those known and is all that moves; 0 leaves it there."""
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
            return cls(settings, json.dumps(run.method), json.dumps(run.facts), _arrays(run.weights))
        with runs.scratch() as folder:
            last = _stages(profiles, settings, folder)
            return cls(settings, json.dumps(last.method), json.dumps(last.facts), _arrays(last.weights))

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        model = self.model()
        corrected = model.correct(profiles)
        if self.settings.top_features:
            corrected.obs["top_features"] = top_features(model, profiles, top=self.settings.top_features)
        return corrected

    def extended(self, profiles: anndata.AnnData, /) -> CellPaintrCorrector:
        """The same model with a token for each new source, learned from that source's own wells; no other weight moves (D.3)."""
        facts = json.loads(self.facts)
        tables.require(profiles, facts["by"], task=self.name)
        new = ~profiles.obs[facts["by"]].astype(str).isin(facts["sources"]).to_numpy()
        if not new.any():
            return self
        theirs = profiles[new].copy()
        if schema.SPLIT in theirs.obs and not (theirs.obs[schema.SPLIT].astype(str) == TRAIN).any():
            # Sources that are held out whole are met by their own rows, as every corrector meets them.
            del theirs.obs[schema.SPLIT]
        method = json.loads(self.method)
        still = method["stage"] == "cwmm"  # where all tokens rest at zero, a new one does too
        changes = {
            "stage": "intra" if still else method["stage"],
            "only_new_sources": True,
            "split": {"validation": 0.0, "test": 0.0},
        }
        chosen = CellPaintrSettings.read({**method, **changes}, where=self.name)
        earlier = Earlier(Path(self.name), method, facts, self._tensors())
        prepared = begun(prepare.METHOD, chosen, theirs, earlier, seed=self.settings.seed)
        loop = LoopSettings(
            epochs=0 if still else self.settings.new_epochs, seed=self.settings.seed, optim=OptimSettings(lr=self.settings.lr[1])
        )
        with runs.scratch() as folder:
            fit(prepared.method, prepared.feed, settings=loop, out=folder)
        weights = _arrays(prepared.method.state_dict())
        return replace(self, facts=json.dumps({**facts, "sources": prepared.facts["sources"]}), weights=weights)

    def met(self) -> tuple[str, ...]:
        return tuple(json.loads(self.facts)["sources"])

    def model(self) -> Trained:
        """The model with its weights."""
        return Trained.rebuilt(json.loads(self.method), json.loads(self.facts), self._tensors(), where=self.name)

    def _tensors(self) -> dict[str, Tensor]:
        import torch

        return {name: torch.as_tensor(np.asarray(v, dtype=np.float32)) for name, v in self.weights.items()}


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.double().numpy() for name, tensor in weights.items()}


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
        prepared = begun(prepare.METHOD, chosen, profiles, earlier, seed=settings.seed)
        out = folder / stage
        runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts})
        loop = LoopSettings(epochs=epochs, seed=settings.seed, optim=OptimSettings(lr=lr, warmup=10, clip_norm=1.0))
        fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
        earlier = Earlier.read(out)
    assert earlier is not None
    return earlier
