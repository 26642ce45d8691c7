"""CellPainTR's three stages one after the other on the profiles of `impasto correct`, and tokens for sources that come later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import anndata
import torch
from torch import Tensor

from impasto import runs, schema, wells
from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.schema import InputError
from impasto.training.earlier import Earlier, begun
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings, OptimSettings

STAGES: tuple[Literal["cwmm", "intra", "inter"], ...] = ("cwmm", "intra", "inter")


_WARMUP = 10
"""Steps of the warm-up, and no more than a quarter of a short training."""


def stages(profiles: anndata.AnnData, settings: CellPaintrCorrectorSettings, /) -> Earlier:
    """Train the three stages, each from the one before.

    Parameters
    ----------
    profiles
        Wells to learn from.
    settings
        Epochs, learning rates and minibatches, three of each.

    Returns
    -------
    Earlier
        The last stage.

    Raises
    ------
    InputError
        The settings do not fit three stages.

    """
    for name in ("epochs", "lr", "minibatch"):
        if len(getattr(settings, name)) != len(STAGES):
            raise InputError(f"cellpaintr: {name} has {len(getattr(settings, name))} values; give one for each of {', '.join(STAGES)}")
    if not any(settings.epochs):
        raise InputError("cellpaintr: epochs are 0 in all stages, so there is nothing to fit; give some, or a run")
    earlier: Earlier | None = None
    with runs.scratch() as folder:
        for stage, epochs, lr, size in zip(STAGES, settings.epochs, settings.lr, settings.minibatch, strict=True):
            if not epochs:
                continue
            chosen = CellPaintrSettings(
                stage=stage,
                by=settings.by,
                source=settings.source,
                tokens=settings.tokens,
                width=settings.width,
                depth=settings.depth,
                mlp_width=4 * settings.width,
                minibatch=size,
            )
            prepared = begun(prepare.METHOD, chosen, profiles, earlier, seed=settings.seed)
            out = folder / stage
            runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts})
            steps = epochs * len(prepared.feed.epoch(0))
            optim = OptimSettings(lr=lr, warmup=min(_WARMUP, steps // 4), clip_norm=1.0)
            loop = LoopSettings(epochs=epochs, seed=settings.seed, optim=optim)
            fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
            earlier = Earlier.read(out)
    assert earlier is not None
    return earlier


def with_new_sources(
    profiles: anndata.AnnData, earlier: Earlier, settings: CellPaintrCorrectorSettings, /
) -> tuple[list[str], Mapping[str, Tensor]]:
    """The same model with a token for each source of these profiles. No other weight moves.

    Parameters
    ----------
    profiles
        Rows of new sources.
    earlier
        The model.
    settings
        `new_epochs`, `lr` and `seed`.

    Returns
    -------
    sources : list[str]
        The names of all sources, old and new.
    weights : Mapping[str, Tensor]
        The weights of the model with its new tokens.

    """
    if schema.SPLIT in profiles.obs and wells.held_out(profiles.obs).all():
        # Sources that are held out as a whole are learned from their own rows, as by every corrector.
        profiles = profiles.copy()
        del profiles.obs[schema.SPLIT]
    still = earlier.method["stage"] == "cwmm"  # where all tokens rest at zero, a new one does too
    changes = {
        "stage": "intra" if still else earlier.method["stage"],
        "only_new_sources": True,
        "split": {"validation": 0.0, "test": 0.0},
    }
    chosen = CellPaintrSettings.read({**earlier.method, **changes}, where="cellpaintr")
    prepared = begun(prepare.METHOD, chosen, profiles, earlier, seed=settings.seed)
    loop = LoopSettings(epochs=0 if still else settings.new_epochs, seed=settings.seed, optim=OptimSettings(lr=settings.lr[1]))
    with runs.scratch() as folder:
        fit(prepared.method, prepared.feed, settings=loop, out=folder)
    return prepared.facts["sources"], prepared.method.state_dict()


def opened(method: str, facts: str, weights: Mapping[str, object], /) -> Earlier:
    """A fitted model as an earlier run.

    Parameters
    ----------
    method
        Its settings, as JSON.
    facts
        Its facts, as JSON.
    weights
        Its weights by name, float64.

    Returns
    -------
    Earlier
        With weights of float32.

    """
    tensors = {name: torch.as_tensor(values).float() for name, values in weights.items()}
    return Earlier(Path("cellpaintr"), json.loads(method), json.loads(facts), tensors)
