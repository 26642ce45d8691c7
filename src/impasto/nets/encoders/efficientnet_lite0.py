"""EfficientNet-Lite0: small, fast, and good at telling stains apart; the default frozen encoder.

Tan & Le 2019 (compound scaling of mobile inverted bottlenecks); the Lite variant has no squeeze-and-excitation and uses
ReLU6. 4.65 M parameters, ImageNet-1k, 1280-d after global average pooling. The names of the layers are those of the
published state dict.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from impasto.nets.encoders import weights

# (blocks, kernel, stride of the first, expansion, width) of each stage: Tan & Le, table 1, for Lite0.
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))


class _SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: at stride 2 the extra pixel goes right and below."""

    def forward(self, image: Tensor, /) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads: list[int] = []
        for size in (image.shape[3], image.shape[2]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return self._conv_forward(functional.pad(image, pads), self.weight, self.bias)


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class _Bottleneck(nn.Module):
    def __init__(self, inner: int, out: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inner * expansion
        self.expands, self.residual = expansion > 1, stride == 1 and inner == out
        if self.expands:
            self._expand_conv, self._bn0 = nn.Conv2d(inner, middle, 1, bias=False), _norm(middle)
        self._depthwise_conv, self._bn1 = _SameConv(middle, middle, kernel, stride, groups=middle, bias=False), _norm(middle)
        self._project_conv, self._bn2 = nn.Conv2d(middle, out, 1, bias=False), _norm(out)

    def forward(self, image: Tensor, /) -> Tensor:
        inner = functional.relu6(self._bn0(self._expand_conv(image))) if self.expands else image
        inner = functional.relu6(self._bn1(self._depthwise_conv(inner)))
        inner = self._bn2(self._project_conv(inner))
        return inner + image if self.residual else inner


class EfficientNetLite0(nn.Module):
    """RGB images (N, 3, H, W), ImageNet-normalised -> embeddings (N, 1280)."""

    width = 1280

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _SameConv(3, 32, 3, 2, bias=False), _norm(32)
        blocks: list[nn.Module] = []
        inner = 32
        for count, kernel, stride, expansion, out in _STAGES:
            for number in range(count):
                blocks.append(_Bottleneck(inner, out, kernel=kernel, stride=stride if number == 0 else 1, expansion=expansion))
                inner = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(inner, self.width, 1, bias=False), _norm(self.width)

    def forward(self, images: Tensor, /) -> Tensor:
        """Embed images.

        Parameters
        ----------
        images
            RGB (N, 3, H, W), ImageNet-normalised.

        Returns
        -------
        Tensor
            (N, 1280).

        """
        inner = functional.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            inner = block(inner)
        return functional.relu6(self._bn1(self._conv_head(inner))).mean(dim=(2, 3))


def load(path: Path | None = None) -> EfficientNetLite0:
    """The net with its published weights, in evaluation mode, without gradients.

    Parameters
    ----------
    path
        A folder with model.safetensors; the packaged weights by default.

    Returns
    -------
    EfficientNetLite0
        The frozen net.

    """
    state = load_file((path or weights.folder("efficientnet_lite0")) / "model.safetensors")
    net = EfficientNetLite0()
    # The classifier of ImageNet is the one part we leave out; anything else missing or new is an error.
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
    return net.eval().requires_grad_(requires_grad=False)


def random(*, seed: int) -> EfficientNetLite0:
    """The same net with random weights: the control that a pretrained encoder must beat.

    Weights are normal, with variance 2 / fan-in before a ReLU (He et al. 2015) and 1 / fan-in before none. So what differs between images
    reaches the last layer. torch's own start halves it at every layer, down to nothing.

    Parameters
    ----------
    seed
        Of the weights.

    Returns
    -------
    EfficientNetLite0
        The frozen net.

    """
    torch.manual_seed(seed)
    net = EfficientNetLite0()
    for name, part in net.named_modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="linear" if name.endswith("_project_conv") else "relu")
    return net.eval().requires_grad_(requires_grad=False)
