"""Sizes: of an encoder small enough for a test, and of any net in parameters."""

from __future__ import annotations

from torch import nn

TINY = {"size": 32, "patch": 8, "width": 24, "depth": 2, "heads": 3}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
