"""A pretrained DINOv2 (S, B, L) as the start of our own ViT on named channels.

    patch weights   sum over red, green, blue of W, by the number of channels: C equal planes give what one gray picture gave
    positions       interpolated to the grid of the views, bicubic
    q, k, v         joined; LayerScale multiplied into the output of the attention and of the MLP
    norms           of epsilon 1e-6

Oquab et al. 2024. For a gray picture shown in all channels, the net begins with the tokens of the published model (to 1e-6). A teacher of the
method is copied from it then. DINOv2-G has another MLP (SwiGLU) and is refused. So are registers, which our ViT does not have.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.nets import lora, patches
from impasto.nets.encoders import opened, weights
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.encoders.vit import ViT
from impasto.nets.teacher import Teacher
from impasto.schema import InputError

_SIZES = {"width": "hidden_size", "depth": "num_hidden_layers", "heads": "num_attention_heads", "patch": "patch_size"}


def begin(method: Any, settings: EncoderSettings, /) -> dict[str, str]:
    """Put pretrained weights into the encoder of an untrained method, and into the teachers that copy it.

    Parameters
    ----------
    method
        With a part `encoder`; changed in place.
    settings
        Of the encoder: which weights, and whether it learns by LoRA.

    Returns
    -------
    dict[str, str]
        What a record says of the weights; empty where there are none.

    Raises
    ------
    InputError
        Where there is no such model, or it is not of the encoder's sizes.

    """
    if settings.start is None:
        return {}
    encoder = method.encoder
    packaged = settings.start in weights.WEIGHTS
    source = opened.model(
        str(weights.folder(settings.start)) if packaged else settings.start,
        code="",
        accept_licence=False,
        packaged=", ".join(name for name, one in weights.WEIGHTS.items() if one.role == "vision"),
    )
    _refuse_other_sizes(source.model, settings, encoder)
    encoder.load_state_dict(of_dinov2(source.model.state_dict(), channels=encoder.channels, side=encoder.positions.side))
    if settings.lora:
        lora.attach(encoder, rank=settings.lora)
    for part in method.modules():
        if isinstance(part, Teacher) and "encoder" in part.net:
            part.net["encoder"] = copy.deepcopy(encoder).requires_grad_(requires_grad=False)
    return {"name": settings.start, "sha256": source.sha256, **({"commit": source.commit} if source.commit else {})}


def _refuse_other_sizes(model: nn.Module, settings: EncoderSettings, encoder: nn.Module) -> None:
    config: Any = model.config
    if getattr(config, "model_type", "") != "dinov2" or config.use_swiglu_ffn:
        kind = "DINOv2 with SwiGLU" if getattr(config, "use_swiglu_ffn", False) else getattr(config, "model_type", type(model).__name__)
        raise InputError(f"encoder.start = {settings.start!r} is a {kind}; allowed: DINOv2 S, B or L without registers")
    if not isinstance(encoder, ViT):
        raise InputError(f"encoder.start fills a vit, and this encoder is a {settings.name}; set name = 'vit', or leave start out")
    other = {own: getattr(config, theirs) for own, theirs in _SIZES.items() if getattr(config, theirs) != getattr(settings, own)}
    if other:
        lines = ", ".join(f"{name} = {value}" for name, value in other.items())
        raise InputError(f"encoder.start = {settings.start!r} has other sizes than this encoder; set {lines} in [stage.method.encoder]")
    if config.mlp_ratio != 4:
        raise InputError(f"encoder.start = {settings.start!r} has an MLP of {config.mlp_ratio} times its width; allowed: 4")


def of_dinov2(state: dict[str, Tensor], /, *, channels: int, side: int) -> dict[str, Tensor]:
    """The weights of a `transformers` DINOv2 under the names and in the form of our ViT.

    Parameters
    ----------
    state
        Name -> tensor, of a `Dinov2Model`.
    channels
        How many stains our ViT reads.
    side
        Of its grid of patches.

    Returns
    -------
    dict[str, Tensor]
        Name -> tensor, of a `ViT`.

    """
    kernel = state["embeddings.patch_embeddings.projection.weight"]  # (width, 3, patch, patch)
    positions = state["embeddings.position_embeddings"][0]
    made = {
        "project.weight": (kernel.sum(dim=1, keepdim=True) / channels).expand(-1, channels, -1, -1).flatten(1).clone(),
        "project.bias": state["embeddings.patch_embeddings.projection.bias"],
        "cls": state["embeddings.cls_token"][0, 0] + positions[0],
        "positions.grid": _regridded(positions[1:], side),
        "trunk.norm.weight": state["layernorm.weight"],
        "trunk.norm.bias": state["layernorm.bias"],
    }
    depth = sum(name.endswith(".layer_scale1.lambda1") for name in state)
    for number in range(depth):
        made |= _block(state, f"encoder.layer.{number}", f"trunk.blocks.{number}")
    return made


def _block(state: dict[str, Tensor], theirs: str, own: str) -> dict[str, Tensor]:
    made = {}
    after_attention, after_mlp = state[f"{theirs}.layer_scale1.lambda1"], state[f"{theirs}.layer_scale2.lambda1"]
    for part in ("weight", "bias"):
        made[f"{own}.norm_mixer.{part}"] = state[f"{theirs}.norm1.{part}"]
        made[f"{own}.norm_mlp.{part}"] = state[f"{theirs}.norm2.{part}"]
        made[f"{own}.mixer.qkv.{part}"] = torch.cat([state[f"{theirs}.attention.{one}_proj.{part}"] for one in "qkv"])
        made[f"{own}.mlp.0.{part}"] = state[f"{theirs}.mlp.fc1.{part}"]
    made[f"{own}.mixer.out.weight"] = after_attention[:, None] * state[f"{theirs}.attention.o_proj.weight"]
    made[f"{own}.mixer.out.bias"] = after_attention * state[f"{theirs}.attention.o_proj.bias"]
    made[f"{own}.mlp.3.weight"] = after_mlp[:, None] * state[f"{theirs}.mlp.fc2.weight"]
    made[f"{own}.mlp.3.bias"] = after_mlp * state[f"{theirs}.mlp.fc2.bias"]
    return made


def _regridded(positions: Tensor, side: int) -> Tensor:
    """Positions of a square grid on another one, (side * side, width)."""
    before = patches.side_of(len(positions))
    if before == side:
        return positions.clone()
    square = positions.T.reshape(1, -1, before, before)
    there = functional.interpolate(square, size=(side, side), mode="bicubic", align_corners=False, antialias=False)
    return there.flatten(2)[0].T.contiguous()
