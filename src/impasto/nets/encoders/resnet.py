"""ResNet on any number of channels: He et al. 2016, the 18- and 50-layer nets, without their classifier.

The stem is a 7 x 7 convolution of stride 2 over all C channels and a max pooling; the mean over places is the representation.
*Departures*: none from the paper; the stride of a bottleneck lies in its 3 x 3 convolution, as is usual since.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_STAGES = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}


class _Residual(nn.Module):
    """x + f(x), then ReLU; f is two 3 x 3 convolutions, or 1 x 1, 3 x 3, 1 x 1 with four times the width at its end."""

    def __init__(self, before: int, width: int, *, stride: int, bottleneck: bool) -> None:
        super().__init__()
        after = 4 * width if bottleneck else width
        sizes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        if not bottleneck:
            sizes = [(before, width, 3, stride), (width, width, 3, 1)]
        layers: list[nn.Module] = []
        for given, made, kernel, step in sizes:
            layers += [nn.Conv2d(given, made, kernel, stride=step, padding=kernel // 2, bias=False), nn.BatchNorm2d(made), nn.ReLU()]
        self.path = nn.Sequential(*layers[:-1])
        self.short: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.short = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, maps: Tensor, /) -> Tensor:
        return functional.relu(self.short(maps) + self.path(maps))


class ResNet(nn.Module):
    """Images (N, C, H, W) -> vectors (N, 512) with 18 layers, (N, 2048) with 50."""

    tokens = 0

    def __init__(self, *, channels: int, layers: int = 50) -> None:
        super().__init__()
        bottleneck = layers >= 50
        self.channels = channels
        self.first = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.stem = nn.Sequential(nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        blocks: list[nn.Module] = []
        before = 64
        for stage, count in enumerate(_STAGES[layers]):
            for number in range(count):
                width = 64 * 2**stage
                blocks.append(_Residual(before, width, stride=2 if stage and not number else 1, bottleneck=bottleneck))
                before = 4 * width if bottleneck else width
        self.blocks = nn.Sequential(*blocks)
        self.width = before
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def represent(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """One vector an image (N, width). A convolution cannot skip patches, so `keep` must be None."""
        if keep is not None:
            raise ValueError("a ResNet has no patches to drop; use a ViT, or drop = 0")
        weight = self.first.weight if channels is None else self.first.weight[:, channels]
        maps = functional.conv2d(images, weight, stride=2, padding=3)
        return self.blocks(self.stem(maps)).mean(dim=(2, 3))

    def forward(self, images: Tensor, /) -> Tensor:
        return self.represent(images)
