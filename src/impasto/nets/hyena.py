"""Hyena without direction: a token mixer whose cost grows as L log L, and in which every token hears every other.

    (h * u)_t = sum_{s=0}^{L-1} h_{t-s} u_s                       t - s runs from -(L-1) to L-1
    y = x^N . (h^N * (x^{N-1} . (h^{N-1} * ( ... x^1 . (h^1 * v)))))
    h_o = window(|o|) . FFN(positions(o)) + b [o = 0]             o = (t - s) / (L - 1), in [-1, 1]

CellPainTR, Eqs. 4 and 5 (papers' "recurrences" N + 1 = 3 projections); Poli et al. 2023 (implicit filter, exponential window, sine
activations, short convolution); Oh et al. 2023 (both directions). How the recurrence is run is in recurrence.py.

Departures: h^1 is the identity unless `whole`, as in Poli et al.'s own operator: N gates, N - 1 long convolutions. The window falls
with |o|: with o itself it would grow without bound on one side. The short convolution is centred. The
positional bands differ from each other. The filter is divided by the root of the summed squared window: the size of an output
then depends little on the number of tokens, so one setting serves 50 tokens and 3,257.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.nets.recurrence import circle, recurrence
from impasto.schema import InputError


class Sine(nn.Module):
    """sin(w x).

    Parameters
    ----------
    frequency
        w.

    """

    def __init__(self, frequency: float, /) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, x: Tensor, /) -> Tensor:
        """sin(w x) of each value.

        Parameters
        ----------
        x
            Of any shape.

        Returns
        -------
        Tensor
            Of the same shape.

        """
        return torch.sin(self.frequency * x)


class ImplicitFilter(nn.Module):
    """A filter of any length, as a function of the offset (Poli et al. 2023).

    Parameters
    ----------
    width
        Channels.
    order
        Hidden width of the function.
    bands
        Pairs of cosine and sine that describe an offset.
    frequency
        Of the sine activations.

    """

    no_decay = ("direct",)

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

    def forward(self, length: int, /) -> Tensor:
        """The filter for `length` tokens.

        Parameters
        ----------
        length
            L.

        Returns
        -------
        Tensor
            (width, circle(L)), laid on the circle of `recurrence`.

        """
        direct = self.direct
        offset, window = _circle(length, len(direct), direct.dtype, direct.device)
        waves = math.pi * offset[:, None] * torch.arange(1, self.bands + 1, dtype=offset.dtype, device=offset.device)
        hidden = self.ffn[:-1](torch.cat([offset[:, None], waves.cos(), waves.sin()], dim=1))
        # The last product is written channels first, as the window stands.
        return (self.ffn[-1].weight @ hidden.T) * window + functional.pad(direct[:, None], (0, len(offset) - 1))


@lru_cache(maxsize=4)
def _circle(length: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Offsets (points,) and the weight each channel gives them (width, points), its squares summing to 1: one for all layers and steps."""
    # The first call may be in inference mode; what the cache holds must serve in training too.
    with torch.inference_mode(False):
        offset = torch.zeros(circle(length), dtype=dtype, device=device)
        positive = torch.arange(length, dtype=dtype, device=device) / max(1, length - 1)
        offset[:length], offset[len(offset) - length + 1 :] = positive, -positive[1:].flip(0)
        # Each channel forgets at its own rate: down to .01 at .3 of the length for the first, at 1.5 of it for the last.
        fall = torch.linspace(-math.log(0.01) / 0.3, -math.log(0.01) / 1.5, width, dtype=dtype, device=device)
        window = torch.exp(-fall[:, None] * offset.abs())
        window[:, length : len(offset) - length + 1] = 0.0
        return offset, window / window.square().sum(dim=1, keepdim=True).sqrt()


class Hyena(nn.Module):
    """The operator over tokens (CellPainTR, Eqs. 4 and 5).

    Parameters
    ----------
    width
        Channels of a token.
    order
        The number N of gates.
    filter_order
        Hidden width of the filters' functions.
    frequency
        Of the filters' sine activations.
    whole
        Whether the innermost convolution h^1 is there, as Eq. 5 is printed.

    """

    def __init__(self, *, width: int, order: int = 2, filter_order: int = 64, frequency: float = 10.0, whole: bool = False) -> None:
        super().__init__()
        if order < 2 and not whole:
            raise InputError(f"order {order} without `whole` has no long convolution; use 2 or more")
        self.order, self.whole = order, whole
        self.project_in = nn.Linear(width, (order + 1) * width)
        self.short = nn.Parameter(torch.empty((order + 1) * width, 3))
        nn.init.uniform_(self.short, -(3**-0.5), 3**-0.5)
        filters = order if whole else order - 1
        self.filters = nn.ModuleList(ImplicitFilter(width=width, order=filter_order, frequency=frequency) for _ in range(filters))
        self.project_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        """Mix the tokens of each row.

        Parameters
        ----------
        tokens
            (batch, L, width).
        mask
            (batch, L), True where a token is real; the others are silent. None: all are real.

        Returns
        -------
        Tensor
            (batch, L, width).

        """
        length = tokens.shape[1]
        if mask is not None:
            tokens = tokens * mask[:, :, None]
        filters = [None] * (self.order - len(self.filters)) + [h(length) for h in self.filters]
        into, out = self.project_in, self.project_out
        return recurrence(tokens, mask, into.weight, into.bias, self.short, out.weight, out.bias, filters)
