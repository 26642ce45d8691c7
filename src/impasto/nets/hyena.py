"""Hyena without direction: a token mixer whose cost grows as L log L, and in which every token hears every other.

    (h * u)_t = sum_{s=0}^{L-1} h_{t-s} u_s                       t - s runs from -(L-1) to L-1
    y = x^N . (h^N * (x^{N-1} . (h^{N-1} * ( ... x^1 . (h^1 * v)))))
    h_o = window(|o|) . FFN(positions(o)) + b [o = 0]             o = (t - s) / (L - 1), in [-1, 1]

CellPainTR, Eqs. 4 and 5 (papers' "recurrences" N + 1 = 3 projections); Poli et al. 2023 (implicit filter, exponential window, sine
activations, short convolution); Oh et al. 2023 (both directions). The convolution is done by FFT over at least 2L - 1 points, so
nothing wraps around, a few rows of the minibatch at a time: no complex array of a whole minibatch of long rows is ever held.

Departures: h^1 is the identity unless `whole`, as in Poli et al.'s own operator: N gates, N - 1 long convolutions. The window falls
with |o|: with o itself it would grow without bound on one side. The short convolution is centred. The
positional bands differ from each other. The filter is divided by the root of the summed squared window: the size of an output
then depends little on the number of tokens, so one setting serves 50 tokens and 3,257.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_CACHED = 2**20


class _LongConvolution(torch.autograd.Function):
    """y[b, c, t] = sum_s h[c, t - s + L - 1] u[b, c, s]; spectra are computed again in the backward pass instead of kept."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, h: Tensor) -> Tensor:
        ctx.save_for_backward(u, h)
        length = u.shape[-1]
        points = _points(2 * length - 1)
        spectrum = torch.fft.rfft(_wrapped(h, points))
        y = torch.empty_like(u)
        for rows in _parts(u, points):
            y[rows] = torch.fft.irfft(torch.fft.rfft(u[rows], points).mul_(spectrum), points)[..., :length]
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        u, h = ctx.saved_tensors
        length = u.shape[-1]
        points = _points(2 * length - 1)
        conjugate = torch.fft.rfft(_wrapped(h, points)).conj().resolve_conj()
        to_u = torch.empty_like(u)
        total = torch.zeros_like(conjugate)
        for rows in _parts(u, points):
            above = torch.fft.rfft(gradients[0][rows], points)
            total += (torch.fft.rfft(u[rows], points).conj() * above).sum(dim=0)
            to_u[rows] = torch.fft.irfft(above.mul_(conjugate), points)[..., :length]
        whole = torch.fft.irfft(total, points)
        # Offset 0 comes first, negative offsets stand at the end of the circle.
        return to_u, torch.cat([whole[:, points - length + 1 :], whole[:, :length]], dim=1)


def _points(least: int) -> int:
    """The smallest 2^k, 3, 5 or 7 times 2^k that is enough: lengths at which the transforms of a CPU are at their fastest."""
    return min(odd << max(0, math.ceil(math.log2(least / odd))) for odd in (1, 3, 5, 7))


def _parts(u: Tensor, points: int) -> list[slice]:
    """Rows that are transformed together: few enough for their spectra to stay in a processor's cache."""
    rows = max(1, _CACHED // (u.shape[1] * points))
    return [slice(start, start + rows) for start in range(0, len(u), rows)]


def _wrapped(h: Tensor, points: int) -> Tensor:
    """A filter (channels, 2L - 1), offsets -(L-1)..L-1, laid on a circle of `points` with offset 0 first."""
    length = (h.shape[1] + 1) // 2
    circle = h.new_zeros(len(h), points)
    circle[:, :length] = h[:, length - 1 :]
    circle[:, points - length + 1 :] = h[:, : length - 1]
    return circle


def long_convolution(u: Tensor, h: Tensor, /) -> Tensor:
    """Eq. 4 in both directions: inputs (batch, channels, L), filters (channels, 2L - 1) by offset -(L-1)..L-1."""
    if h.shape != (u.shape[1], 2 * u.shape[2] - 1):
        raise ValueError(f"filters have shape {tuple(h.shape)}; inputs {tuple(u.shape)} need {(u.shape[1], 2 * u.shape[2] - 1)}")
    found: Tensor = _LongConvolution.apply(u, h)  # type: ignore[no-untyped-call]
    return found


class Sine(nn.Module):
    """sin(w x)."""

    def __init__(self, frequency: float, /) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, x: Tensor, /) -> Tensor:
        return torch.sin(self.frequency * x)


class ImplicitFilter(nn.Module):
    """A filter of any length as a function of the offset: (width, 2L - 1) for L tokens."""

    no_decay = ("direct",)
    fall: Tensor

    def __init__(self, *, width: int, order: int = 64, bands: int = 2, frequency: float = 10.0) -> None:
        super().__init__()
        self.bands = bands
        self.ffn = nn.Sequential(
            nn.Linear(1 + 2 * bands, order),
            Sine(frequency),
            nn.Linear(order, order),
            Sine(frequency),
            nn.Linear(order, order),
            Sine(frequency),
            nn.Linear(order, width, bias=False),
        )
        self.direct = nn.Parameter(torch.randn(width))
        # Each channel forgets at its own rate: down to .01 at .3 of the length for the first, at 1.5 of it for the last.
        self.register_buffer("fall", torch.linspace(-math.log(0.01) / 0.3, -math.log(0.01) / 1.5, width), persistent=False)

    def forward(self, length: int, /) -> Tensor:
        offset = torch.linspace(-1, 1, 2 * length - 1, dtype=self.direct.dtype, device=self.direct.device)
        waves = math.pi * offset[:, None] * torch.arange(1, self.bands + 1, dtype=offset.dtype, device=offset.device)
        found = self.ffn(torch.cat([offset[:, None], waves.cos(), waves.sin()], dim=1)).T
        window = torch.exp(-self.fall[:, None].to(offset.dtype) * offset.abs())
        found = found * window / window.square().sum(dim=1, keepdim=True).sqrt()
        return torch.cat([found[:, : length - 1], found[:, length - 1 : length] + self.direct[:, None], found[:, length:]], dim=1)


class Hyena(nn.Module):
    """The operator over tokens (batch, L, width); `mask` (batch, L) is True where a token is real, others are silent.

    `order` is the number N of gates; `whole` adds the innermost convolution h^1, as Eq. 5 is printed.
    """

    def __init__(self, *, width: int, order: int = 2, filter_order: int = 64, frequency: float = 10.0, whole: bool = False) -> None:
        super().__init__()
        if order < 2 and not whole:
            raise ValueError(f"order {order} without `whole` has no long convolution; use 2 or more")
        self.order, self.whole = order, whole
        self.project_in = nn.Linear(width, (order + 1) * width)
        self.short = nn.Parameter(torch.empty((order + 1) * width, 3))
        nn.init.uniform_(self.short, -(3**-0.5), 3**-0.5)
        filters = order if whole else order - 1
        self.filters = nn.ModuleList(ImplicitFilter(width=width, order=filter_order, frequency=frequency) for _ in range(filters))
        self.project_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        if mask is not None:
            tokens = tokens * mask[:, :, None]
        # Channels before tokens from here on: Fourier transforms and shifts then run along memory.
        projected = self.project_in.weight @ tokens.transpose(1, 2) + self.project_in.bias[:, None]
        if mask is not None:
            projected = projected * mask[:, None, :]
        v, *gates = short_convolution(projected, self.short).chunk(self.order + 1, dim=1)
        filters = iter(self.filters)
        for number, gate in enumerate(gates):
            if number or self.whole:
                v = long_convolution(v, next(filters)(tokens.shape[1]))
            v = gate * v
        return self.project_out(v.transpose(1, 2))


def short_convolution(u: Tensor, weights: Tensor, /) -> Tensor:
    """Each channel of (batch, channels, L) with its own three weights (channels, 3), centred: before, here, after."""
    return torch.nn.functional.conv1d(u, weights[:, None, :], padding=1, groups=len(weights))
