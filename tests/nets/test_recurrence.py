"""Hyena's recurrence against the double sum; its gradient, whatever rows and channels go together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nets.by_hand import double_sum
from torch import Tensor

from impasto.nets import recurrence as recurrences
from impasto.nets.recurrence import circle, recurrence


def on_circle(h: Tensor, length: int) -> Tensor:
    """A filter by offset -(L - 1) .. L - 1, laid on a circle with offset 0 first."""
    points = circle(length)
    laid = torch.zeros(len(h), points, dtype=h.dtype)
    for offset in range(-(length - 1), length):
        laid[:, offset % points] = h[:, offset + length - 1]
    return laid


def long_convolution(u: Tensor, h: Tensor) -> Tensor:
    """Eq. 4 alone: one gate that is always open, projections that change nothing."""
    _, channels, length = u.shape
    one, none = torch.eye(channels, dtype=u.dtype), torch.zeros(channels, dtype=u.dtype)
    w_in, b_in = torch.cat([one, 0 * one]), torch.cat([none, none + 1])
    short = torch.tensor([0.0, 1.0, 0.0], dtype=u.dtype).expand(2 * channels, 3)
    return recurrence(u.transpose(1, 2), None, w_in, b_in, short, one, none, [on_circle(h, length)]).transpose(1, 2)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 17), st.integers(0, 2**31))
def test_the_long_convolution_is_the_double_sum(batch: int, channels: int, length: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    u = torch.randn(batch, channels, length, generator=rng, dtype=torch.float64)
    h = torch.randn(channels, 2 * length - 1, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(long_convolution(u, h), double_sum(u, h), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cached", [2**18, 64, 1])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_right_whatever_rows_and_channels_go_together(cached: int, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrences, "CACHED", cached)
    torch.manual_seed(0)
    mask = torch.tensor([[True] * 5, [True, False, True, True, False]]) if masked else None
    shapes = [(2, 5, 3), (9, 3), (9,), (9, 3), (3, 3), (3,), (3, circle(5))]
    x, *weights, h = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    assert torch.autograd.gradcheck(lambda x, *some: recurrence(x, mask, *some[:5], [None, some[5]]), (x, *weights, h))


def test_a_filter_of_the_wrong_length_is_refused() -> None:
    one, none = torch.eye(2), torch.zeros(2)
    with pytest.raises(ValueError, match="need"):
        recurrence(torch.zeros(1, 5, 2), None, torch.cat([one, one]), torch.zeros(4), torch.ones(4, 3), one, none, [torch.zeros(2, 5)])
