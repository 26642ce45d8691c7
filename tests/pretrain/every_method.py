"""Every image-only method on every encoder, small, over the ranks that torch.distributed starts: `python every_method.py OUT [gloo]`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn
from transformers import ResNetConfig, ResNetModel

from impasto import devices
from impasto.methods import METHODS
from impasto.nets.encoders import image, resnet
from impasto.pretrain.images import Facts, ImageMethod
from impasto.pretrain.view_feed import Views
from impasto.training.loop import Rows, fit
from impasto.training.settings import LoopSettings, OptimSettings

FACTS = Facts(["DNA", "ER", "Mito"], [0.2, 0.4, 0.3], [0.1, 0.3, 0.2], ["a", "b"])
TRANSFORMER = {"patch": 8, "width": 24, "depth": 1, "heads": 3}
ENCODERS = {name: {"name": name, **TRANSFORMER} for name in ("vit", "channel_vit", "ca_mae")} | {"resnet": {"name": "resnet", "layers": 18}}
NAMES = ("msn", "simclr", "byol", "moco_v3", "mae", "crop_mae", "wsl")
HEADS = {"msn": {"prototypes": 16, "out": 8, "hidden": 16}, "simclr": {"out": 8, "hidden": 16}}
HEADS |= {name: {"out": 8, "hidden": 16} for name in ("byol", "moco_v3")}
HEADS |= {name: {"decoder_width": 24, "decoder_depth": 1, "decoder_heads": 3} for name in ("mae", "crop_mae")}
ALL = [(name, encoder) for name in NAMES for encoder in ENCODERS if encoder != "resnet" or name not in ("mae", "crop_mae")]


class SmallResNet(resnet.ResNet):
    """The same net with two blocks: what it is made of matters here, not its size."""

    def __init__(self, *, channels: int, layers: int) -> None:
        nn.Module.__init__(self)
        sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
        self.channels, self.width = channels, 16
        self.net = ResNetModel(ResNetConfig(num_channels=channels, **sizes))


def made(name: str, encoder: str) -> ImageMethod:
    """An untrained method, always with the same weights."""
    chosen = {**HEADS.get(name, {}), **({"drop": 0.0} if (name, encoder) == ("msn", "resnet") else {})}
    if name == "crop_mae":
        chosen["drop"] = 0.75
    settings = METHODS[name].settings.read(
        {"name": name, "encoder": ENCODERS[encoder], "views": {"size": 32, "focal": 1, "focal_size": 16}, **chosen}, where="test"
    )
    torch.manual_seed(0)
    with mock.patch.object(image, "ResNet", SmallResNet):
        method: ImageMethod = METHODS[name].build(settings, FACTS)
    # Rounding of float32 would be blown up by AdamW, which divides by the size of a gradient.
    return method.double()


class Random:
    """Views of random light: a function of the row."""

    def __init__(self, method: ImageMethod, *, focal: bool) -> None:
        self.tokens, self.focal = max(1, method.encoder.tokens), int(focal)

    def epoch(self, number: int, /) -> Sequence[Rows]:
        return list(np.random.default_rng(number).permutation(12).reshape(2, 6))

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Views:
        made = [self._row(int(row), epoch) for row in rows]
        return Views(*(torch.stack([one[i] for one in made]) for i in range(4)), *[torch.as_tensor(rows % 2)] * 3)

    def _row(self, row: int, epoch: int) -> tuple[torch.Tensor, ...]:
        random = torch.Generator().manual_seed(1000 * epoch + row)
        shapes = [(3, 32, 32), (3, 32, 32), (self.focal, 3, 16, 16), (self.tokens,)]
        return tuple(torch.rand(*shape, generator=random, dtype=torch.float64) for shape in shapes)


def main(out: Path) -> None:
    # Each of the trainings collects garbage before it: the libraries are not looked through each time.
    gc.freeze()
    for name, encoder in ALL:
        method = made(name, encoder)
        loop = LoopSettings(epochs=1, optim=OptimSettings(lr=1e-4, clip_norm=1.0))
        fit(method, Random(method, focal=name == "msn"), settings=loop, out=out / f"{name}-{encoder}")


if __name__ == "__main__":
    devices.place()
    main(Path(sys.argv[1]))
