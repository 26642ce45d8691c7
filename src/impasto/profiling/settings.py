"""Which encoder turns sites into profiles, and how it is read. No torch here: the command line is made from these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from impasto.profiling import ENCODERS
from impasto.settings import Settings


class EncoderSettings(Settings):
    """An encoder by name, and how it is read."""

    encoder: str = Field(
        default="efficientnet_lite0",
        description=f"{', '.join(ENCODERS)}, the folder of a run, or a model of the hub.",
    )
    layer: int = Field(default=-1, description="Of a Hugging Face model: which hidden layer.")
    pooling: Literal["cls", "mean"] = Field(default="cls", description="Of a Hugging Face model: cls, or mean over patches.")
    size: int = Field(default=224, description="Of a Hugging Face model: pixels a side.")
    nucleus: float = Field(default=30.0, description="Of cp_measure: the diameter of a nucleus in pixels.")
    runtime: Literal["torch", "openvino"] = Field(
        default="torch", description="torch, or openvino: faster on a CPU, transformers with 8-bit weights (extra openvino)."
    )
    seed: int = Field(default=0, description="Of the encoder with random weights.")


def of_identity(encoder: Mapping[str, Any], /) -> EncoderSettings:
    """The settings that make an encoder again.

    Parameters
    ----------
    encoder
        What profiles record of it (`identity.Identity.encoder`).

    Returns
    -------
    EncoderSettings
        The settings.

    """
    settings = encoder.get("settings") or {}
    _, random, seed = str(encoder.get("sha256", "")).partition("random weights, seed ")
    return EncoderSettings(
        encoder=str(encoder.get("path") or encoder.get("name")),
        layer=-1 if encoder.get("layer") is None else int(encoder["layer"]),
        pooling="mean" if encoder.get("readout") == "mean" else "cls",
        size=int(encoder.get("size") or 224),
        nucleus=float(settings.get("nucleus", 30.0)),
        seed=int(seed) if random else 0,
    )
