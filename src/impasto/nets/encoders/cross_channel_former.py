"""CrossChannelFormer: reasons across channels over one pooled profile a channel.

    [cls, mu^1 + chn^1, ..., mu^C + chn^C] -> transformer -> cls -> projection

Lu et al., CellCLIP, Eq. 4: C + 1 tokens, pre-norm blocks. The paper's trunk has the width of the profiles (DINOv2-G: 1536,
340 M parameters, 12 layers, 8 heads, MLP x4); `width` projects first (512 gives 38 M), the choice for a CPU.

The published weights belong to a trunk in CLIP's manner. Each token is normed after its channel embedding (`norm_channels`), and all are
before the first block (`norm_in`). The activation is x sigmoid(1.702 x), and the exit has no bias.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from impasto.nets.trunk import Attention, Trunk


class CrossChannelFormer(nn.Module):
    """Pooled profiles, one for each channel -> embeddings (CellCLIP, Eq. 4).

    Parameters
    ----------
    channels
        How many.
    profile_width
        Of a pooled profile.
    width
        Of the trunk; None or 0 takes the width of the profiles.
    out
        Of an embedding.
    depth, heads, dropout
        Of the trunk.
    norm_channels
        Whether the sum of profile and channel embedding is normed.
    norm_in
        Whether all tokens are normed before the first block.
    activation
        Of the trunk's MLPs.
    exit_bias
        Whether the projection out has a bias.

    """

    no_decay = ("cls", "channels")

    def __init__(
        self,
        *,
        channels: int,
        profile_width: int,
        width: int | None,
        out: int,
        depth: int,
        heads: int,
        dropout: float = 0.0,
        norm_channels: bool = False,
        norm_in: bool = False,
        activation: Callable[[], nn.Module] = nn.GELU,
        exit_bias: bool = True,
    ) -> None:
        super().__init__()
        inner = width or profile_width
        self.project_in = nn.Linear(profile_width, inner) if width else nn.Identity()
        self.cls = nn.Parameter(torch.empty(inner))
        self.channels = nn.Parameter(torch.empty(channels, inner))
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.channels, std=0.02)
        self.norm_channels = nn.LayerNorm(inner) if norm_channels else nn.Identity()
        self.norm_in = nn.LayerNorm(inner) if norm_in else nn.Identity()
        self.trunk = Trunk(
            width=inner,
            depth=depth,
            mixer=lambda: Attention(width=inner, heads=heads, dropout=dropout),
            dropout=dropout,
            activation=activation,
        )
        self.project_out = nn.Linear(inner, out, bias=exit_bias)

    def forward(self, pooled: Tensor, /) -> Tensor:
        """Embed pooled profiles.

        Parameters
        ----------
        pooled
            (N, C, profile_width).

        Returns
        -------
        Tensor
            (N, out).

        """
        tokens = self.norm_channels(self.project_in(pooled) + self.channels)
        tokens = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], dim=1)
        return self.project_out(self.trunk(self.norm_in(tokens))[:, 0])
