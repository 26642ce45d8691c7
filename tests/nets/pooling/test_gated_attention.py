"""Gated attention is its equation written out."""

from __future__ import annotations

import math

import pytest
import torch

from impasto.nets.pooling.gated_attention import GatedAttention


def test_gated_attention_is_the_equation_written_out() -> None:
    torch.manual_seed(0)
    pooling = GatedAttention(width=4, hidden=3).double()
    values, mask = torch.randn(1, 3, 1, 4, dtype=torch.float64), torch.tensor([[True, True, False]])
    found = pooling(values, mask)[0, 0]
    state = {k: v.tolist() for k, v in pooling.state_dict().items()}

    def linear(name: str, x: list[float]) -> list[float]:
        return [
            sum(w * a for w, a in zip(row, x, strict=True)) + b
            for row, b in zip(state[f"{name}.weight"], state[f"{name}.bias"], strict=True)
        ]

    scores = []
    for k in range(2):
        z = values[0, k, 0].tolist()
        gated = [math.tanh(v) / (1 + math.exp(-u)) for v, u in zip(linear("value", z), linear("gate", z), strict=True)]
        scores.append(linear("score", gated)[0])
    a = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    expected = [sum(a[k] * float(values[0, k, 0, f]) for k in range(2)) for f in range(4)]
    assert found.tolist() == pytest.approx(expected)
