"""CellPainTR as a trainable method: three stages of one model.

    cwmm    L = L_masked                      source tokens rest at zero
    intra   L = L_masked + L_supcon           minibatches of one source; the first epoch moves the source tokens only
    inter   L = L_masked + L_supcon           minibatches of mixed sources

CellPainTR, section 3.2, Eqs. 9 to 11, appendix A. Values are set to zero where missing and clipped per feature between two
quantiles of the training wells.

Departures: after clipping each feature is divided by its root mean square, so that Eq. 9 weighs features alike (`unit_scale`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from impasto.losses.masked_features import masked_features
from impasto.losses.supcon import supcon
from impasto.nets.encoders.hyena_transformer import FeatureHead, HyenaTransformer, SourceForm
from impasto.nets.trunk import Recompute
from impasto.sampling.settings import SplitSettings
from impasto.settings import Settings
from impasto.training.gather import gather
from impasto.training.method import Method, Minibatch, Step


class CellPaintrSettings(Settings):
    """The model, the stage, the data. Defaults are the paper's; a laptop wants `tokens = "group"` and less width."""

    name: Literal["cellpaintr"] = "cellpaintr"
    stage: Literal["cwmm", "intra", "inter"] = "cwmm"
    by: str = "auto"
    """The column whose values have a source token each; `auto`: see `sources.column`."""
    source: SourceForm = "token"
    """`token`: one behind the features (Eq. 8); `every`: added to each feature token; `scale`: a scale and a shift of each."""
    tokens: Literal["feature", "group"] = "feature"
    """A token a feature (the paper), or a token a compartment x channel x measure group."""
    adapter: Literal["feature", "shared"] = "feature"
    mixer: Literal["hyena", "attention"] = "hyena"
    width: int = 256
    depth: int = 4
    mlp_width: int = 1024
    order: int = 2
    filter_order: int = 64
    heads: int = 8
    dropout: float = 0.1
    recompute: Recompute = "nothing"
    """What the backward pass computes again instead of keeping it (docs/measured/benchmarks_images.csv)."""
    masked: list[float] = Field(default_factory=lambda: [0.05, 0.4])
    temperature: float = 0.07
    quantile: float = 0.01
    unit_scale: bool = True
    minibatch: int = 16
    hand: int = 4
    """Wells of one label that go into a minibatch together, in stages intra and inter."""
    source_first: int = 1
    """Epochs of stage intra that train the source tokens only."""
    only_new_sources: bool = False
    """Train the tokens of sources that the earlier run did not know, and nothing else."""
    split: SplitSettings = SplitSettings(validation=0.0, test=0.0)
    """What is held out where the profiles carry no `split` column."""


@dataclass(frozen=True)
class Wells(Minibatch):
    """N wells.

    Attributes
    ----------
    values
        (N, L) with zeros for missing ones.
    masked
        (N, L) True for a masked value.
    source
        (N,) codes of sources.
    label
        (N,) codes of labels.
    unit
        (N,) their rows, in training.

    """

    values: Tensor
    masked: Tensor
    source: Tensor
    label: Tensor
    unit: Tensor | None = None

    @property
    def size(self) -> int:
        return len(self.values)


def token_name(source: str) -> str:
    """The name of a source's token among the weights: readable, and without the dots that separate weights' names.

    Parameters
    ----------
    source
        The name of a source.

    Returns
    -------
    str
        `of ` and the name, its special characters percent-encoded.

    """
    return "of " + quote(source, safe=" ").replace(".", "%2E")


class CellPaintr(Method):
    """The trainable model.

    Parameters
    ----------
    settings
        Of the stage.
    lists
        The features of each token.
    groups
        The channel x compartment group of each feature.
    sources
        Names of the sources, in the order of their codes.

    """

    low: Tensor
    high: Tensor
    scale: Tensor
    groups: Tensor

    def __init__(self, settings: CellPaintrSettings, *, lists: list[list[int]], groups: list[int], sources: list[str]) -> None:
        super().__init__()
        self.settings = settings
        self.net = HyenaTransformer(
            lists,
            width=settings.width,
            depth=settings.depth,
            mlp_width=settings.mlp_width,
            adapter=settings.adapter,
            mixer=settings.mixer,
            order=settings.order,
            filter_order=settings.filter_order,
            heads=settings.heads,
            dropout=settings.dropout,
            recompute=settings.recompute,
            source=settings.source,
        )
        self.head = FeatureHead(self.net.tokens)
        # At zero a source changes nothing in the forms `every` and `scale`.
        wide = 2 * settings.width if settings.source == "scale" else settings.width
        self.sources = nn.ParameterDict({token_name(s): nn.Parameter(torch.zeros(wide)) for s in sources})
        # In the order of `sources`, which is that of their codes; the dictionary sorts its keys.
        self.source_names = [token_name(s) for s in sources]
        self.register_buffer("low", torch.full((len(groups),), -torch.inf))
        self.register_buffer("high", torch.full((len(groups),), torch.inf))
        self.register_buffer("scale", torch.ones(len(groups)))
        self.register_buffer("groups", torch.tensor(groups), persistent=False)

    def scaled(self, values: Tensor, /) -> Tensor:
        """Clip and scale values. Zeros, which may be missing values, stay zero.

        Parameters
        ----------
        values
            (N, L).

        Returns
        -------
        Tensor
            (N, L). In the unit that the model reads.

        """
        return torch.where(values == 0, values, values.clamp(self.low, self.high) / self.scale)

    def encode(self, values: Tensor, masked: Tensor | None, source: Tensor, /) -> tuple[Tensor, Tensor]:
        """Run the trunk over wells.

        Parameters
        ----------
        values
            (N, L) scaled values.
        masked
            (N, L) True for a masked value, or None.
        source
            (N,) codes of sources.

        Returns
        -------
        cls : Tensor
            (N, width). The CLS vectors.
        tokens : Tensor
            (N, T, width). The feature tokens.

        """
        tokens = torch.stack([self.sources[name] for name in self.source_names])
        encoded: tuple[Tensor, Tensor] = self.net(values, masked, tokens[source])
        return encoded

    def embed(self, minibatch: Wells, /) -> Tensor:
        return self.encode(self.scaled(minibatch.values), minibatch.masked, minibatch.source)[0]

    def before_epoch(self, number: int, /) -> None:
        if self.settings.stage == "intra" and not self.settings.only_new_sources:
            for name, weight in self.named_parameters():
                # Without a gradient the optimiser does not decay a weight either.
                weight.requires_grad_(name.startswith("sources.") or number >= self.settings.source_first)

    def forward(self, minibatch: Wells, /) -> Step:
        values = self.scaled(minibatch.values)
        cls, tokens = self.encode(values, minibatch.masked, minibatch.source)
        # Eq. 9 averages over the whole minibatch, whichever rank holds which of its wells.
        predicted, true, masked = gather(self.head(tokens)), gather(values), gather(minibatch.masked)
        terms = {"masked_features": masked_features(predicted, true, masked, self.groups)}
        h = gather(functional.normalize(cls, dim=1))
        if self.settings.stage != "cwmm":
            terms["supcon"] = supcon(h, gather(minibatch.label), temperature=self.settings.temperature)
        return Step(terms=terms, embeddings={"profile": h}, monitors={"masked_share": masked.float().mean()})
