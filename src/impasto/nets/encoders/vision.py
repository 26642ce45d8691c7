"""Vision encoders by name: packaged, any Hugging Face vision model by folder or hub name, or random weights as the control.

Every encoder here takes images (N, 3, size, size) and gives embeddings (N, width); it is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from impasto.nets.encoders import efficientnet_lite0, weights
from impasto.schema import InputError

PACKAGED = ("efficientnet_lite0", "dinov2_s14", "random")
"""The encoders that need neither folder nor network."""
_TOGETHER = 6


@dataclass(frozen=True)
class VisionEncoder:
    """A frozen encoder with what a record must say of it.

    Attributes
    ----------
    name
        A packaged name, a folder or a hub name.
    net
        Images (N, 3, size, size) -> embeddings (N, width).
    size
        Side of an image in pixels.
    width
        Of an embedding.
    sha256
        Of the weights, or what stands for it.
    licence
        Of the weights.
    runtime
        `torch`, or what runs the net instead.

    """

    name: str
    net: nn.Module
    size: int
    width: int
    sha256: str
    licence: str
    layer: int | None = None
    """Which hidden layer of a transformers model is read; None: the net's own output."""
    readout: str | None = None
    """How patch tokens become one vector: cls or mean."""
    runtime: str = "torch"

    @torch.inference_mode()
    def __call__(self, images: Tensor, /) -> Tensor:
        """Embed images, without gradients.

        Parameters
        ----------
        images
            (N, 3, size, size), ImageNet-normalised.

        Returns
        -------
        Tensor
            (N, width).

        """
        # A few images at a time, channels last: the activations stay in a CPU's cache (measured: 9 ms an image instead of 38).
        few = torch.split(images, _TOGETHER) if images.device.type == "cpu" else (images,)
        return torch.cat([self.net(part.contiguous(memory_format=torch.channels_last)) for part in few])


class _HubModel(nn.Module):
    """A transformers vision model, read at one of its layers: the mean of its patch tokens, or its CLS token."""

    def __init__(self, model: nn.Module, *, layer: int, pooling: str) -> None:
        super().__init__()
        self.model, self.layer, self.pooling = model, layer, pooling

    def forward(self, images: Tensor, /) -> Tensor:
        states = self.model(pixel_values=images, output_hidden_states=True).hidden_states[self.layer]
        if states.ndim == 4:
            return states.mean(dim=(2, 3))
        return states[:, 0] if self.pooling == "cls" else states[:, 1:].mean(dim=1)


def load(name: str = "efficientnet_lite0", *, layer: int = -1, pooling: str = "cls", size: int = 224, seed: int = 0) -> VisionEncoder:
    """A vision encoder by name.

    Parameters
    ----------
    name
        `efficientnet_lite0`; `dinov2_s14` (the mean of its patch tokens after layer 6); `random` (the first, untrained); or a folder or hub
        name of a transformers vision model.
    layer
        Of a transformers model: which hidden layer is read.
    pooling
        Of a transformers model: `cls`, or `mean` over patches.
    size
        Of a transformers model: side of an image in pixels.
    seed
        Of random weights.

    Returns
    -------
    VisionEncoder
        The frozen encoder.

    Raises
    ------
    InputError
        Where there is no encoder of that name.

    """
    if name == "efficientnet_lite0":
        net = efficientnet_lite0.load().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return VisionEncoder(name, net, 224, net.width, weights.sha256(name), weights.WEIGHTS[name].licence)
    if name == "random":
        net = efficientnet_lite0.random(seed=seed).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return VisionEncoder(name, net, 224, net.width, f"random weights, seed {seed}", "none")
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    if name == "dinov2_s14":
        hub = _HubModel(AutoModel.from_pretrained(weights.folder(name), local_files_only=True), layer=6, pooling="mean").eval()
        known = weights.WEIGHTS[name]
        frozen = hub.requires_grad_(requires_grad=False)
        return VisionEncoder(name, frozen, size, 384, known.sha256, known.licence, layer=6, readout="mean")
    try:
        model = AutoModel.from_pretrained(name, local_files_only=Path(name).is_dir())
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"no encoder {name!r}: packaged are {', '.join(PACKAGED)}; as a folder or hub name it gave: {first}") from None
    hub = _HubModel(model, layer=layer, pooling=pooling).eval().requires_grad_(requires_grad=False)
    width = int(hub(torch.zeros(1, 3, size, size)).shape[1])
    return VisionEncoder(name, hub, size, width, _digest(name), "see the model's page", layer=layer, readout=pooling)


def _digest(name: str) -> str:
    from impasto import runs

    return runs.digest(Path(name)) if Path(name).is_dir() else f"hub: {name}"
