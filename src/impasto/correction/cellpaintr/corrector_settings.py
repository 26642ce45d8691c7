"""What `impasto correct --method cellpaintr` takes: a run to apply, or how to fit the three stages in one go. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from impasto.correction.cellpaintr import sources
from impasto.settings import Settings


class CellPaintrCorrectorSettings(Settings):
    """A run, or what to fit; with a run only `new_epochs`, `lr`, `seed` and `top_features` are read beside it."""

    method: Literal["cellpaintr"] = "cellpaintr"
    run: Path | None = Field(None, description="A trained run (impasto train) to apply; fitted in one go where left out.")
    by: str = Field(sources.AUTO, description="What has a token: source, batch, plate, or auto (the widest that holds several values).")
    source: Literal["token", "every", "scale"] = Field(
        "token", description="token: one behind the features (the paper); every: added to each feature's; scale: a scale and shift of each."
    )
    tokens: Literal["feature", "group"] = Field("group", description="One token a feature, or a compartment x channel x measure group.")
    width: int = Field(256, ge=1, description="Width of the model, which is the number of corrected features.")
    depth: int = Field(2, ge=1, description="Layers of the model.")
    epochs: list[int] = Field(default_factory=lambda: [10, 10, 20], description="Of stages cwmm, intra, inter; 0 leaves a stage out.")
    lr: list[float] = Field(default_factory=lambda: [1e-3, 3e-4, 3e-4], description="Learning rates of the three stages.")
    minibatch: list[int] = Field(default_factory=lambda: [64, 64, 128], description="Wells of a minibatch in the three stages.")
    new_epochs: int = Field(
        10, ge=0, description="Epochs of the token of a source that comes later, which is all that moves; 0 leaves it in the middle of all."
    )
    seed: int = Field(0, description="Seed of weights, minibatches and masks.")
    top_features: int = Field(
        0, ge=0, description="Features named in the column top_features: those that make a well differ most from its source's controls."
    )
