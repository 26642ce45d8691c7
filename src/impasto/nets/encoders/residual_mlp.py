"""A residual multi-layer perceptron: a first layer, blocks x <- x + W gelu(V LN(x)), a last layer.

The towers of MolPhenix* (Fradkin et al. 2024; Lu et al., CellCLIP, appendix E): six blocks for profiles, one for molecules,
each with a linear layer behind, embeddings of 512.

Departures: neither paper gives the block; pre-norm with one hidden layer of the same width is used.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ResidualMLP(nn.Module):
    """A residual perceptron.

    Parameters
    ----------
    wide
        Numbers of a row of features.
    width
        Of the hidden layers.
    out
        Of an embedding.
    depth
        Residual blocks.
    dropout
        Of the input and in each block.

    """

    def __init__(self, *, wide: int, width: int, out: int, depth: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(wide, width), nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width))
            for _ in range(depth)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, /) -> Tensor:
        """Embed features.

        Parameters
        ----------
        features
            (N, ...), `wide` numbers a row.

        Returns
        -------
        Tensor
            (N, out).

        """
        hidden = self.first(self.dropout(features.flatten(1)))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.last(functional.gelu(hidden))
