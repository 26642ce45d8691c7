"""Which encoder turns sites into profiles, and how it is read. No torch here: the command line is made from these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from impasto.devices import DeviceSettings
from impasto.nets.encoders.reading import Call, Input, Normalise, Readout
from impasto.plates.crops import Way
from impasto.profiling import ENCODERS
from impasto.settings import Shown


class EncoderSettings(DeviceSettings):
    """An encoder by name, and how it is read."""

    encoder: str = Field(
        default="efficientnet_lite0",
        description=f"{', '.join(ENCODERS)}, the folder of a run, a model of the hub (ORG/MODEL or ORG/MODEL@COMMIT), or a card (.toml).",
    )
    layer: list[int] = Field(
        default_factory=list,
        description="Of a Hugging Face model: which hidden layers, one after the other; by default -1, the last after its norm.",
    )
    readout: Readout | None = Field(
        default=None, description="Of a Hugging Face model or a run: which tokens; its class token by default, where there is one."
    )
    size: int | None = Field(default=None, ge=1, description="Pixels a side that a net sees (default: 224).")
    input: Input | None = Field(
        default=None,
        description="Of a Hugging Face model: each channel alone as RGB (gray3, the default) or as one plane (gray1), a stack of channels "
        "in the model's order, or a set of any channels.",
    )
    order: list[str] = Field(default_factory=list, description="Of a stack or a set: the channels of these images, in the model's order.")
    normalise: Normalise | None = Field(default=None, description="Of a Hugging Face model: how light is scaled (gray3: imagenet).")
    crops: Way = Field(
        default="cover",
        description="cover: squares of the short side; grid: of the encoder's size, native pixels; random: five of these, seeded; squash: "
        "the whole site squeezed.",
    )
    instances: bool = Field(default=False, description="One row a crop, instead of the mean over a site's crops.")
    code: str = Field(default="", description="Of a model that has code of its own: ORG/MODEL@COMMIT of the code to run.")
    accept_licence: bool = Field(default=False, description="The licence of that code and its weights is accepted.")
    call: Annotated[Call, Shown("nowhere")] = Field(default="forward", description="The function of a model that gives its embedding.")
    licence: Annotated[str, Shown("nowhere")] = Field(default="", description="Of the weights, as a card tells it.")
    nucleus: float = Field(default=30.0, description="Of cp_measure: the diameter of a nucleus in pixels.")
    runtime: Literal["torch", "openvino"] = Field(
        default="torch", description="torch, or openvino: faster on a CPU, transformers with 8-bit weights (extra openvino)."
    )
    seed: int = Field(default=0, description="Of the encoder with random weights, and of random crops.")


def of_identity(encoder: Mapping[str, Any], /) -> EncoderSettings:
    """The settings that make an encoder again. Code that a model brings is not accepted by them: only its user can.

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
    name = str(encoder.get("path") or encoder.get("name"))
    commit = encoder.get("commit")
    # Profiles of version 0.1.0 record no crops: sites were squeezed then.
    crops = encoder.get("crops") or {"way": "squash"}
    packaged = name in ENCODERS
    layer = encoder.get("layer")
    read: dict[str, Any] = {
        "layer": [] if layer is None else [int(one) for one in (layer if isinstance(layer, list | tuple) else [layer])],
        "readout": encoder.get("readout"),
    }
    if not packaged and not encoder.get("path"):
        read |= {"size": encoder.get("size"), "input": encoder.get("input"), "normalise": encoder.get("normalise")}
        read |= {"order": list(encoder.get("order") or []), "code": str(encoder.get("code") or "")}
    elif encoder.get("input") and encoder.get("size") != 224:
        read["size"] = encoder.get("size")
    return EncoderSettings(
        encoder=f"{name}@{commit}" if commit else name,
        **{key: value for key, value in read.items() if value not in (None, "", [])},
        crops=crops["way"],
        instances=bool(crops.get("instances", False)),
        nucleus=float(settings.get("nucleus", 30.0)),
        seed=int(seed) if random else int(crops.get("seed", 0)),
        precision=encoder.get("precision", "auto"),
    )
