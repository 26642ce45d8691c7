"""Heads have the layers that are asked for."""

from __future__ import annotations

from torch import nn

from impasto.nets.heads import head


def test_heads_have_the_layers_that_are_asked_for() -> None:
    widths = [(m.in_features, m.out_features) for m in head([384, 2048, 2048, 256]) if isinstance(m, nn.Linear)]
    assert widths == [(384, 2048), (2048, 2048), (2048, 256)]
    assert isinstance(head([4, 5, 6], last_norm=True)[-1], nn.BatchNorm1d)
    assert isinstance(head([4, 5, 6])[-1], nn.Linear)
