"""Views rendered by matrix products, many at a time: for a GPU, where a loop over views would wait for each.

    view = R_y P R_x^T,   R (size, pixels): the antialiasing triangle filter of a box, its blur, and its flips

R_y and R_x are sparse in truth, but a product with the whole picture is what a GPU does fastest. A half turn lets both run backwards, a
quarter turn transposes. All views of a picture are stacked, so no picture is copied for a view. In float16 a view is within .25 of 255 of
`render`'s; bfloat16 would be within 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.pretrain.render import gaussians, lit, reach_of, sd_in
from impasto.pretrain.views import View
from impasto.training.method import Minibatch


@dataclass(frozen=True)
class Boxes(Minibatch):
    """The numbers of N views as tensors, so that they move to a device together.

    Attributes
    ----------
    box
        (N, 4): top, left, height, width.
    turn, flip
        (N,).
    blur
        (N,), sd in pixels of the view.
    gain, offset
        (N, C).
    reach
        Of the widest blur, in pixels of the view.

    """

    box: Tensor
    turn: Tensor
    flip: Tensor
    blur: Tensor
    gain: Tensor
    offset: Tensor
    reach: int

    @property
    def size(self) -> int:
        return len(self.box)

    @classmethod
    def of(cls, views: Sequence[View], /, *, size: int, channels: int) -> Boxes:
        """The numbers of some views.

        Parameters
        ----------
        views
            N views.
        size
            Their side in pixels.
        channels
            How many stains.

        Returns
        -------
        Boxes
            On the CPU.

        """
        return cls(
            torch.tensor([[v.top, v.left, v.height, v.width] for v in views], dtype=torch.float32).reshape(-1, 4),
            torch.tensor([v.turn for v in views], dtype=torch.long),
            torch.tensor([v.flip for v in views], dtype=torch.bool),
            torch.tensor([sd_in(v, size) for v in views], dtype=torch.float32),
            torch.tensor([v.gain or (1.0,) * channels for v in views]).reshape(-1, channels),
            torch.tensor([v.offset or (0.0,) * channels for v in views]).reshape(-1, channels),
            max((reach_of(sd_in(v, size), size) for v in views), default=0),
        )


def render(pictures: Tensor, boxes: Boxes, /, *, size: int, dtype: torch.dtype) -> Tensor:
    """Equally many views of each picture.

    Parameters
    ----------
    pictures
        (M, C, H, W) uint8.
    boxes
        Of N views, N / M of each picture, picture after picture.
    size
        Side of a view in pixels.
    dtype
        Of the products.

    Returns
    -------
    Tensor
        (N, C, size, size) of float32, light from 0.

    """
    count, channels, height, width = pictures.shape
    top, left, tall, wide = boxes.box.unbind(1)
    half, quarter, flip = boxes.turn >= 2, (boxes.turn % 2).bool(), boxes.flip
    blur = gaussians(boxes.blur, size, reach=boxes.reach)
    down = (blur @ _filter(tall, top, height, size, half)).to(dtype)
    across = (blur @ _filter(wide, left, width, size, half ^ flip)).to(dtype)
    side_by_side = pictures.to(dtype).permute(0, 2, 1, 3).reshape(count, height, channels * width)
    rows = (down.view(count, -1, height) @ side_by_side).view(-1, size, channels, width)
    shown = (rows.transpose(1, 2).reshape(-1, channels * size, width) @ across.transpose(1, 2)).view(-1, channels, size, size).float()
    shown = torch.where(quarter[:, None, None, None], shown.transpose(2, 3).flip(2), shown)
    return lit(shown, boxes.gain, boxes.offset) / 255


def _filter(length: Tensor, start: Tensor, whole: int, size: int, backwards: Tensor) -> Tensor:
    """The antialiasing filter (N, size, whole) from `length` pixels, from `start` on, to `size` places, in this or in the other order."""
    step = (length / size)[:, None, None]
    place = torch.arange(size, device=length.device)[None, :, None] + 0.5
    place = torch.where(backwards[:, None, None], size - place, place) * step
    pixel = torch.arange(whole, device=length.device)[None, None, :] - start[:, None, None] + 0.5
    weight = (1 - ((pixel - place) / step.clamp_min(1.0)).abs()).clamp_min(0)
    weight = weight * ((pixel > 0) & (pixel < length[:, None, None]))
    return weight / weight.sum(dim=2, keepdim=True)
