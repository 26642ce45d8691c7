"""Small image-only methods in float64, and a minibatch of views: what the wiring is written out with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from impasto.methods import METHODS
from impasto.pretrain.images import Facts
from impasto.pretrain.view_feed import Views

FACTS = Facts(["DNA", "ER"], [0.2, 0.4], [0.1, 0.3], ["a", "b", "c"])
ROWS = 5
SMALL = {
    "encoder": {"patch": 8, "width": 12, "depth": 1, "heads": 2},
    "views": {"size": 32, "focal": 2, "focal_size": 16},
    "pairs": {"lonely": "same-well"},
}


def built(name: str, **changes: Any) -> Any:
    """A method with heads and teachers that are not what they were copied from."""
    values = {
        "name": name,
        "encoder": {"patch": 8, "width": 12, "depth": 1, "heads": 2},
        "views": {"size": 32, "focal_size": 16},
        **changes,
    }
    torch.manual_seed(0)
    method = METHODS[name].build(METHODS[name].settings.read(values, where="test"), FACTS).double()
    if hasattr(method, "teacher"):
        with torch.no_grad():
            for weight in method.teacher.parameters():
                weight.add_(0.2 * torch.randn_like(weight))
    return method


def views(*, focal: int = 0, seed: int = 1) -> Views:
    """Five pairs of two channels; every part is another random number."""
    generator = torch.Generator().manual_seed(seed)

    def light(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    rows = torch.arange(ROWS)
    return Views(light(ROWS, 2, 32, 32), light(ROWS, 2, 32, 32), light(ROWS, focal, 2, 16, 16), light(ROWS, 16), rows % 3, rows, rows)


def standardised(image: Tensor) -> Tensor:
    """The light of each channel, less its mean in the training data, over its sd."""
    mean, spread = (torch.tensor(v, dtype=torch.float32).double()[:, None, None] for v in (FACTS.mean, FACTS.spread))
    return (image - mean) / spread


def rows_of(tensor: Tensor) -> list[list[float]]:
    return [[float(x) for x in row] for row in tensor.detach()]


def unit(row: list[float]) -> list[float]:
    length = sum(x * x for x in row) ** 0.5
    return [x / length for x in row]


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
