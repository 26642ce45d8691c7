"""ResNet on any number of channels: He et al. 2016, the 18-, 50- and 101-layer nets, without their classifier.

The net is `transformers.ResNetModel`: a 7 x 7 convolution of stride 2 over all C channels, a max pooling, four stages of residual blocks.
The mean over places is the representation. Batch norm is over the rows of one process, also under torchrun.
*Departures*: none from the paper; the stride of a bottleneck lies in its 3 x 3 convolution, as is usual since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from impasto.schema import InputError

_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Layers -> residual blocks of each stage."""
_PART = {0: "convolution", 1: "normalization"}


class ResNet(nn.Module):
    """Images (N, C, H, W) -> vectors (N, width).

    Parameters
    ----------
    channels
        C.
    layers
        18 (width 512), 50 or 101 (width 2048).

    """

    tokens = 0

    def __init__(self, *, channels: int, layers: int = 50) -> None:
        from transformers import ResNetConfig, ResNetModel

        super().__init__()
        wide = 1 if layers < 50 else 4
        widths = [wide * width for width in (64, 128, 256, 512)]
        kind = "basic" if wide == 1 else "bottleneck"
        self.channels, self.width = channels, widths[-1]
        self.net = ResNetModel(
            ResNetConfig(num_channels=channels, embedding_size=64, hidden_sizes=widths, depths=list(_BLOCKS[layers]), layer_type=kind)
        )

    def represent(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """One vector an image.

        Parameters
        ----------
        images
            (N, C, H, W); with `channels`, only those, in their order.
        keep
            None: a convolution cannot skip patches.
        channels
            The numbers of the channels that the images have.

        Returns
        -------
        Tensor
            (N, width).

        """
        if keep is not None:
            raise InputError("a ResNet has no patches to drop; use a ViT, or drop = 0")
        stem = self.net.embedder
        weight = stem.embedder.convolution.weight
        # The first convolution is a sum over channels, so those that are not there are left out of it.
        maps = functional.conv2d(images, weight if channels is None else weight[:, channels], stride=2, padding=3)
        maps = stem.pooler(stem.embedder.activation(stem.embedder.normalization(maps)))
        deep: Tensor = self.net.encoder(maps).last_hidden_state
        return deep.mean(dim=(2, 3))

    def forward(self, images: Tensor, /) -> Tensor:
        return self.represent(images)


def renamed(weights: Mapping[str, Tensor], /) -> dict[str, Tensor]:
    """Weights of runs of version 0.1.0 under the names of today.

    Parameters
    ----------
    weights
        Name -> tensor, of a whole method; a ResNet in it was spelled `encoder.first.weight`, `encoder.blocks.3.path.0.weight`.

    Returns
    -------
    dict
        The same tensors. What is no ResNet of that version keeps its name.

    """
    owners = [name.removesuffix("first.weight") for name in weights if name.endswith("first.weight") and weights[name].ndim == 4]
    names = {name: name for name in weights}
    for owner in owners:
        inside = [name.removeprefix(owner) for name in weights if name.startswith(owner)]
        if "stem.0.weight" not in inside or "blocks.0.path.0.weight" not in inside:
            continue
        firsts = _first_blocks(weights, owner)
        names |= {owner + name: owner + _name_of_today(name, firsts) for name in inside}
    return {names[name]: tensor for name, tensor in weights.items()}


def _first_blocks(weights: Mapping[str, Tensor], owner: str) -> list[int]:
    """The number of the first block of each stage: there the width of the block's inner maps is another than before."""
    numbers = sorted({int(n) for name in weights if (n := re.sub(rf"^{re.escape(owner)}blocks\.(\d+)\..*$", r"\1", name)).isdigit()})
    widths = [len(weights[f"{owner}blocks.{number}.path.0.weight"]) for number in numbers]
    return [number for number in numbers if not number or widths[number] != widths[number - 1]]


def _name_of_today(name: str, firsts: list[int]) -> str:
    if name == "first.weight":
        return "net.embedder.embedder.convolution.weight"
    if name.startswith("stem.0."):
        return "net.embedder.embedder.normalization." + name.removeprefix("stem.0.")
    block = re.fullmatch(r"blocks\.(\d+)\.(path|short)\.(\d+)\.(\w+)", name)
    if block is None:
        return name
    number, layer = int(block[1]), int(block[3])
    stage = sum(first <= number for first in firsts) - 1
    # A path held convolution, batch norm and ReLU in turn; a shortcut convolution and batch norm.
    inner = f"layer.{layer // 3}.{_PART[layer % 3]}" if block[2] == "path" else f"shortcut.{_PART[layer]}"
    return f"net.encoder.stages.{stage}.layers.{number - firsts[stage]}.{inner}.{block[4]}"
