"""CrossChannelFormer: reasons across channels over one pooled profile a channel.

    [cls, mu^1 + chn^1, ..., mu^C + chn^C] -> transformer -> cls -> projection

Lu et al., CellCLIP, Eq. 4: C + 1 tokens, pre-norm blocks. The paper's trunk has the width of the profiles (DINOv2-G: 1536,
340 M parameters, 12 layers, 8 heads, MLP x4); `width` projects first (512 gives 38 M), the choice for a CPU.
"""

from __future__ import annotations

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

    """

    no_decay = ("cls", "channels")

    def __init__(
        self, *, channels: int, profile_width: int, width: int | None, out: int, depth: int, heads: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        inner = width or profile_width
        self.project_in = nn.Linear(profile_width, inner) if width else nn.Identity()
        self.cls = nn.Parameter(torch.empty(inner))
        self.channels = nn.Parameter(torch.empty(channels, inner))
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.channels, std=0.02)
        self.trunk = Trunk(width=inner, depth=depth, mixer=lambda: Attention(width=inner, heads=heads, dropout=dropout), dropout=dropout)
        self.project_out = nn.Linear(inner, out)

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
        tokens = self.project_in(pooled) + self.channels
        tokens = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], dim=1)
        return self.project_out(self.trunk(tokens)[:, 0])
