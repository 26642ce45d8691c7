"""Hyena's recurrence between its two projections, a few rows and channels at a time: fast on a CPU, and little is kept.

    p = W_in x + b_in                                                 (N + 1) C channels: v, x^1 .. x^N
    s_t = w_- p_{t-1} + w_0 p_t + w_+ p_{t+1}                         each channel of its own
    y = W_out (x^N . (h^N * (x^{N-1} . (h^{N-1} * ( ... x^1 . (h^1 * v)))))) + b_out

CellPainTR, Eqs. 4 and 5; Poli et al. 2023. h * u is the sum over all s of h_{t-s} u_s, done by FFT over at least 2L - 1 points, so that
nothing wraps around.

Channels stand before tokens throughout: matrix products write and read that layout at no cost, and transforms and shifts run along
memory. Rows of that layout begin at multiples of 16 values, without which the products take almost twice the time. Of all that is
computed only p and the filters' spectra are kept for the backward pass, which goes through the rest again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

CACHED = 2**18
"""Values that are worked on together on a CPU: about what its second cache holds."""
ALIGNED = 16


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, mask: Tensor | None, w_in: Tensor, b_in: Tensor, short: Tensor, w_out: Tensor, b_out: Tensor, *filters: Any
    ) -> Tensor:
        batch, length, width = x.shape
        points = circle(length)
        spectra = {n: torch.fft.rfft(h) for n, h in enumerate(filters, start=1) if h is not None}
        projected = _rows_of(x, batch, len(w_in), length)
        output = torch.empty_like(x)
        for rows in _slices(batch, CACHED // (width * points), x.device):
            p, x_rows = projected[rows], x[rows]
            torch.bmm(_each(w_in, x_rows), x_rows.transpose(1, 2), out=p)
            p += b_in[:, None]
            if mask is not None:
                p *= mask[rows, None]
            y = _rows_of(x, len(p), width, length)
            for channels in _slices(width, CACHED // (len(p) * points), x.device):
                _run(p.view(len(p), -1, width, length), short.view(-1, width, 3), spectra, channels, points, out=y[:, channels])
            torch.baddbmm(b_out, y.transpose(1, 2), _each(w_out.T, x_rows), out=output[rows])
        ctx.count, ctx.filtered = len(filters), list(spectra)
        ctx.save_for_backward(x, mask, w_in, short, w_out, projected, *spectra.values())
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, mask, w_in, short, w_out, projected, *saved_spectra = ctx.saved_tensors
        batch, length, width = x.shape
        points = circle(length)
        spectra = dict(zip(ctx.filtered, saved_spectra, strict=True))
        conjugates = {n: s.conj().resolve_conj() for n, s in spectra.items()}
        above = gradients[0]
        weights = short.view(-1, width, 3)
        to_x, to_in, to_out, to_short = (torch.zeros_like(t) for t in (x, w_in, w_out, weights))
        to_bias = short.new_zeros(len(short))
        totals = {n: torch.zeros_like(s) for n, s in spectra.items()}
        for rows in _slices(batch, CACHED // (width * points), x.device):
            x_rows, above_rows = x[rows], above[rows]
            y, to_y, to_p = (_rows_of(x, len(x_rows), channels, length) for channels in (width, width, len(w_in)))
            p, to_parts = (t.view(len(x_rows), -1, width, length) for t in (projected[rows], to_p))
            torch.bmm(_each(w_out.T, x_rows), above_rows.transpose(1, 2), out=to_y)
            for channels in _slices(width, CACHED // (len(x_rows) * points), x.device):
                parts, waves, reads = _run(p, weights, spectra, channels, points, out=y[:, channels])
                down = to_y[:, channels]
                for n in range(ctx.count, -1, -1):
                    to_part = down * reads[n] if n else down
                    if n:
                        down = down * parts[n]
                    if n in waves:
                        spectrum = torch.fft.rfft(down, points)
                        totals[n][channels] += waves[n].conj_physical_().mul_(spectrum).sum(dim=0)
                        down = torch.fft.irfft(spectrum.mul_(conjugates[n][channels]), points)[..., :length]
                    _shifted(to_part, weights[n, channels].flip(1), out=to_parts[:, n, channels])
                    to_short[n, channels] += _by_shift(to_part, p[:, n, channels])
            if mask is not None:
                to_p *= mask[rows, None]
            to_bias += to_p.sum(dim=(0, 2))
            to_in += torch.bmm(to_p, x_rows).sum(dim=0)
            to_out += torch.bmm(y, above_rows).sum(dim=0).T
            torch.bmm(to_p.transpose(1, 2), _each(w_in, x_rows), out=to_x[rows])
        to_filters = (torch.fft.irfft(totals[n], points) if n in totals else None for n in range(1, ctx.count + 1))
        return to_x, None, to_in, to_bias, to_short.view_as(short), to_out, above.sum(dim=(0, 1)), *to_filters


def recurrence(
    x: Tensor,
    mask: Tensor | None,
    w_in: Tensor,
    b_in: Tensor,
    short: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    filters: Sequence[Tensor | None],
    /,
) -> Tensor:
    """The recurrence with its two projections (CellPainTR, Eqs. 4 and 5).

    Parameters
    ----------
    x
        Tokens (B, L, C).
    mask
        (B, L), False where a token is silent after the first projection too; None: none is.
    w_in, b_in
        First projection, ((N + 1) C, C) and ((N + 1) C,).
    short
        ((N + 1) C, 3), weights of the token before, the token here, the token after.
    w_out, b_out
        Last projection, (C, C) and (C,).
    filters
        One for each gate, in the order of x^1 .. x^N. Each is (C, circle(L)): offset 0 first, then 1 .. L - 1, zeros, and -(L - 1) .. -1.
        None where there is no convolution.

    Returns
    -------
    Tensor
        Tokens (B, L, C).

    Raises
    ------
    ValueError
        Where a filter has another shape.

    """
    for h in filters:
        if h is not None and h.shape != (x.shape[2], circle(x.shape[1])):
            raise ValueError(f"a filter has shape {tuple(h.shape)}; tokens {tuple(x.shape)} need {(x.shape[2], circle(x.shape[1]))}")
    output: Tensor = _Recurrence.apply(x, mask, w_in, b_in, short, w_out, b_out, *filters)  # type: ignore[no-untyped-call]
    return output


def _run(
    p: Tensor, short: Tensor, spectra: Mapping[int, Tensor], channels: slice, points: int, *, out: Tensor
) -> tuple[list[Tensor], dict[int, Tensor], list[Tensor]]:
    """Some channels of p (rows, N + 1, C, L) through all N steps, to `out`.

    Returns v, x^1 .. x^N; the spectrum of what each convolution reads, by step; v, and what each gate reads.
    """
    parts = [_shifted(p[:, n, channels], short[n, channels]) for n in range(len(short))]
    v = parts[0]
    waves, reads = {}, [v]
    for n, gate in enumerate(parts[1:], start=1):
        if n in spectra:
            waves[n] = torch.fft.rfft(v, points)
            v = torch.fft.irfft(waves[n] * spectra[n][channels], points)[..., : p.shape[3]]
        reads.append(v)
        v = torch.mul(gate, v, out=out if n == len(short) - 1 else None)
    return parts, waves, reads


def _shifted(u: Tensor, weights: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each channel of (rows, channels, L) with its own three weights (channels, 3): before, here, after; silence outside."""
    shifted = torch.mul(u, weights[:, 1:2], out=out)
    shifted[..., 1:].addcmul_(u[..., :-1], weights[:, :1])
    shifted[..., :-1].addcmul_(u[..., 1:], weights[:, 2:])
    return shifted


def _by_shift(above: Tensor, u: Tensor) -> Tensor:
    """The gradient of `_shifted` to its weights (channels, 3)."""
    pairs = ((above[..., 1:], u[..., :-1]), (above, u), (above[..., :-1], u[..., 1:]))
    return torch.stack([(a * b).sum(dim=(0, 2)) for a, b in pairs], dim=1)


def _each(weight: Tensor, rows: Tensor) -> Tensor:
    return weight.expand(len(rows), -1, -1)


def _rows_of(like: Tensor, batch: int, channels: int, length: int) -> Tensor:
    """Room for (batch, channels, length), every row of which begins at a multiple of `ALIGNED` values."""
    return like.new_empty(batch, channels, -(-length // ALIGNED) * ALIGNED)[..., :length]


def _slices(whole: int, most: int, device: torch.device) -> Iterator[slice]:
    """Up to `most` at a time on a CPU; elsewhere no cache is to be spared."""
    size = max(1, most) if device.type == "cpu" else whole
    return (slice(start, min(start + size, whole)) for start in range(0, whole, size))


def circle(length: int, /) -> int:
    """Points of the circle that filters are laid on: 2^k, 3, 5 or 7 times 2^k, where a CPU's transforms are fastest.

    Parameters
    ----------
    length
        L, in tokens.

    Returns
    -------
    int
        The least such number that is not below 2L - 1.

    """
    least = 2 * length - 1
    return min(odd << max(0, math.ceil(math.log2(least / odd))) for odd in (1, 3, 5, 7))
