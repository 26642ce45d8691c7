"""The settings of the methods with two towers: what `[stage.method]` of a recipe may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from impasto import schema
from impasto.families import named_in
from impasto.losses import LOSSES
from impasto.nets.pooling import POOLINGS
from impasto.sampling.settings import SplitSettings
from impasto.settings import Settings


class PerturbationSettings(Settings):
    """What is read of a perturbation, the tower that reads it, and the width of the joint space."""

    out: int = 128
    dropout: float = 0.2
    perturbation: Literal["text", "molecule"] = "text"
    text: str = "minilm"
    text_pooling: Literal["mean", "cls"] = "mean"
    text_training: Literal["frozen", "top", "whole"] = "frozen"
    """frozen: read once and kept; top: the last `text_top` layers are trained; whole: all are."""
    text_top: int = 2
    text_limit: int | None = None
    """The most tokens of a text; None: as many as the text model reads."""
    template: str = "painting"
    details: list[str] = Field(default_factory=lambda: [schema.SMILES, schema.GENE, schema.MOA])
    molecule: Literal["mlp", "residual", "message_passing", "vectors"] = "mlp"
    """The first two read a fingerprint of `bits`, the third the graph of atoms and bonds, the last `molecule_vectors`."""
    molecule_vectors: Path | None = Field(
        default=None,
        description="For molecule = 'vectors': a table with a column smiles and the numbers of each molecule, of a net that does not ship.",
    )
    bits: int = 8192
    molecule_width: int = 256


class LossSettings(Settings):
    """The loss, and what it begins with."""

    loss: Annotated[str, named_in(LOSSES)] = Field(default="cwcl", description=f"One of {', '.join(LOSSES)}.")
    centre: bool = False
    sharpness: float | None = None
    top: int | None = None
    scale: float | None = None
    """1/tau at the start; 14.3, and 10 for sigclip, soft_sigclip and s2l. Learned as log(scale), at most 100; held fixed by cloob."""
    bias: float = -10.0
    """Of sigclip, soft_sigclip and s2l, at the start."""


class TwoTowersSettings(PerturbationSettings, LossSettings):
    """Parts and sizes. The defaults train in about a minute on two CPU cores; the paper's are in recipes/."""

    name: Literal["two_towers"] = "two_towers"
    blocks: str = "channel"
    group_by: list[str] = Field(default_factory=lambda: [schema.PERTURBATION])
    """What makes a bag: perturbation (at one dose), plate and perturbation, plate and well..."""
    apart: bool = True
    """Bags of one compound (any dose, any name of it) never share a minibatch, so that they are not each other's negatives."""
    pooling: Annotated[str, named_in(POOLINGS)] = Field(default="gated_attention", description=f"One of {', '.join(POOLINGS)}.")
    profile_tower: Literal["cross_channel_former", "residual"] = "cross_channel_former"
    width: int | None = 128
    """Of the profile tower; 0 is the width of the profiles themselves, as in the paper."""
    published: bool = False
    """Whether the CrossChannelFormer is built as that of the published weights: CLIP's norms and activation, no bias at its exit."""
    depth: int = 2
    """Blocks of the profile tower: of attention, or residual ones."""
    heads: int = 4
    clip_values: float = 10.0
    targets: Literal["as_they_are", "standardised"] = "as_they_are"
    """Which pooled profiles CWCL's targets are taken from: as they are (the paper's), or standardised by the training wells."""
    new_channels: Literal["refuse", "leave_out", "begin"] = "refuse"
    """What becomes of a channel that an earlier run, from which this one starts, does not know."""
    minibatch: int = 64
    bag: int | None = 8
    split: SplitSettings = SplitSettings()
