"""HyenaTransformer: the features of a well as tokens, one for CLS in front, one for the well's source behind.

    E_i = W_i c_i + b_i + M_i           feature i, its value c_i, its context M_i
    tokens = trunk([cls; E_1; ...; E_L; S_k])

    token    S_k stands behind the features (Eq. 8)
    every    E_i + S_k, and no token behind
    scale    E_i (1 + a_k) + s_k, with S_k = [a_k; s_k], and no token behind

CellPainTR, Eqs. 6 to 8, section 3.1. A masked value is replaced by a learned vector in the place of W_i c_i + b_i; M_i stays, so the net
knows which value it is asked for.

Departures: `every` and `scale` are ours; one source token among 3,257 moves CLS little. A token may stand for several features (a
compartment x channel x measure group). Then E_g is the sum of W_i c_i over its features, plus M_g, and a masked feature gives a learned
vector of its own. `shared` uses one W and b for all features. Instead of Hyena the trunk can mix by attention, to compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.nets.hyena import Hyena
from impasto.nets.trunk import Attention, Recompute, Trunk
from impasto.schema import InputError

SourceForm = Literal["token", "every", "scale"]
"""In which form the trunk reads a well's source."""


class FeatureTokens(nn.Module):
    """Values of features -> tokens, one for each list of features.

    Parameters
    ----------
    lists
        The features of each token; each feature stands in one list.
    width
        Of a token.
    adapter
        `feature` (a W and b for each, Eq. 6) or `shared` (one for all, for tokens of one feature each).

    """

    no_decay = ("weight", "bias", "mask", "context")
    members: Tensor
    real: Tensor

    def __init__(self, lists: Sequence[Sequence[int]], *, width: int, adapter: Literal["feature", "shared"] = "feature") -> None:
        super().__init__()
        if sorted(i for one in lists for i in one) != list(range(sum(map(len, lists)))):
            raise ValueError("`lists` must hold each feature once")
        widest = max(map(len, lists))
        self.single = widest == 1
        if adapter == "shared" and not self.single:
            raise InputError("a shared adapter gives all features of one token the same weight; use adapter 'feature'")
        padded = [[*one, *[one[0]] * (widest - len(one))] for one in lists]
        self.register_buffer("members", torch.tensor(padded), persistent=False)
        self.register_buffer("real", torch.tensor([[n < len(one) for n in range(widest)] for one in lists]), persistent=False)
        adapters = 1 if adapter == "shared" else len(lists)
        self.weight = nn.Parameter(torch.randn(adapters, widest, width) * widest**-0.5)
        self.bias = nn.Parameter(torch.zeros(adapters, width))
        self.mask = nn.Parameter(0.02 * torch.randn(1 if self.single else len(lists), widest, width))
        self.context = nn.Parameter(0.02 * torch.randn(len(lists), width))

    def forward(self, values: Tensor, masked: Tensor | None = None, /) -> Tensor:
        """The tokens of some wells.

        Parameters
        ----------
        values
            (N, L).
        masked
            (N, L), True where a value is hidden; None: none is.

        Returns
        -------
        Tensor
            (N, T, width).

        """
        tokens, widest = self.members.shape
        hidden = torch.zeros_like(values) if masked is None else masked.to(values.dtype)
        shown = (values * (1 - hidden))[:, self.members] * self.real
        hidden = hidden[:, self.members] * self.real
        if self.single:
            return shown * self.weight[:, 0] + (1 - hidden) * self.bias + hidden * self.mask[:, 0] + self.context
        # One small matrix product a token: (T, N, widest) @ (T, widest, width).
        both = torch.cat([shown, hidden], dim=2).transpose(0, 1)
        weights = torch.cat([self.weight, self.mask], dim=1).expand(tokens, 2 * widest, -1)
        return (both @ weights).transpose(0, 1) + self.bias + self.context


class FeatureHead(nn.Module):
    """Tokens -> the value of every feature: width-width-GELU-LayerNorm-1. The last step is a feature's own where tokens hold several.

    Parameters
    ----------
    tokens
        The module that made the tokens.

    """

    no_decay = ("weight", "bias")

    def __init__(self, tokens: FeatureTokens, /) -> None:
        super().__init__()
        count, widest = tokens.members.shape
        width = tokens.context.shape[1]
        self.body = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        readouts = 1 if tokens.single else count
        self.weight = nn.Parameter(torch.randn(readouts, width, widest) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(readouts, widest))
        # Where each feature's value stands among (token, place).
        flat = torch.empty(int(tokens.real.sum()), dtype=torch.long)
        places = torch.arange(count * widest).view(count, widest)
        flat[tokens.members[tokens.real]] = places[tokens.real]
        self.register_buffer("places", flat, persistent=False)
        self.places: Tensor

    def forward(self, tokens: Tensor, /) -> Tensor:
        """Predict the values.

        Parameters
        ----------
        tokens
            (N, T, width).

        Returns
        -------
        Tensor
            (N, L).

        """
        body = self.body(tokens)
        values = (body.transpose(0, 1) @ self.weight).transpose(0, 1) + self.bias
        return values.flatten(1)[:, self.places]


class HyenaTransformer(nn.Module):
    """The net of CellPainTR: features of wells -> CLS and feature tokens.

    Parameters
    ----------
    lists
        The features of each token; each feature stands in one list.
    width, depth, mlp_width, dropout
        Of the trunk; dropout acts on its input.
    adapter
        How values become tokens; see `FeatureTokens`.
    mixer
        `hyena` or `attention`.
    order, filter_order
        Of Hyena: its gates, and the hidden width of its filters.
    heads
        Of attention.
    recompute
        What the backward pass computes again; see `Trunk`.
    source
        In which form a well's source is read: `token`, `every` or `scale`.

    """

    no_decay = ("cls",)

    def __init__(
        self,
        lists: Sequence[Sequence[int]],
        *,
        width: int = 256,
        depth: int = 4,
        mlp_width: int = 1024,
        adapter: Literal["feature", "shared"] = "feature",
        mixer: Literal["hyena", "attention"] = "hyena",
        order: int = 2,
        filter_order: int = 64,
        heads: int = 8,
        dropout: float = 0.1,
        recompute: Recompute = "nothing",
        source: SourceForm = "token",
    ) -> None:
        super().__init__()
        self.tokens = FeatureTokens(lists, width=width, adapter=adapter)
        self.cls = nn.Parameter(0.02 * torch.randn(width))
        self.dropout, self.source = dropout, source

        def make() -> nn.Module:
            return Hyena(width=width, order=order, filter_order=filter_order) if mixer == "hyena" else Attention(width=width, heads=heads)

        self.trunk = Trunk(width=width, depth=depth, mixer=make, mlp_width=mlp_width, recompute=recompute)

    def forward(self, values: Tensor, masked: Tensor | None, source: Tensor, /) -> tuple[Tensor, Tensor]:
        """Embed wells.

        Parameters
        ----------
        values
            (N, L).
        masked
            (N, L), True where a value is hidden; None: none is.
        source
            (N, width), the vector of each well's source; (N, 2 width) in the form `scale`.

        Returns
        -------
        tuple[Tensor, Tensor]
            CLS (N, width) and feature tokens (N, T, width).

        """
        features = self.tokens(values, masked)
        if self.source == "every":
            features = features + source[:, None]
        elif self.source == "scale":
            scale, shift = source[:, None].chunk(2, dim=2)
            features = features * (1 + scale) + shift
        behind = [source[:, None]] if self.source == "token" else []
        whole = torch.cat([self.cls.expand(len(values), 1, -1), features, *behind], dim=1)
        whole = self.trunk(functional.dropout(whole, self.dropout, self.training))
        return whole[:, 0], whole[:, 1 : 1 + features.shape[1]]
