"""scVI: the latent of a variational autoencoder that knows the batch of every row (Lopez et al. 2018), by scvi-tools (extra `scvi`).

    z = mean of q(z | x, batch),   x >= 0: each feature less its smallest value in the fit, nothing below 0

Arevalo et al. 2024 run it among their correctors; scVI is made for counts. Here the likelihood is normal, since profiles are no counts.

Departures: a batch that the fit did not see is refused: scVI has no number for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import anndata
import numpy as np
import pandas as pd
from pydantic import Field

from impasto import wells
from impasto.correction.base import Array, Floats, new_features, with_values
from impasto.correction.known_batches import OfKnownBatches
from impasto.correction.per_group import By
from impasto.schema import InputError
from impasto.settings import Settings

_BATCH = "batch_of_scvi"


class ScviSettings(Settings):
    """What a batch is, the width of the latent, and how long it is trained."""

    method: Literal["scvi"] = "scvi"
    by: By = Field("batch", description="What a batch is: plate, batch or source.")
    width: int = Field(30, ge=1, description="Numbers of a corrected profile.")
    epochs: int = Field(50, ge=1, description="Epochs of the training.")
    seed: int = Field(0, description="Of weights and minibatches.")


@dataclass(frozen=True, kw_only=True)
class Scvi(OfKnownBatches[ScviSettings]):
    """scVI after its fit.

    Attributes
    ----------
    batches
        The names of the batches, in the order of their numbers.
    smallest
        (features,) the smallest value of each feature.
    weights
        Of the net, by name.

    """

    name: ClassVar[str] = "scvi"
    without: ClassVar[str] = "which has no number"
    settings_class: ClassVar[type[Settings]] = ScviSettings
    settings: ScviSettings
    batches: tuple[str, ...]
    smallest: Array
    weights: dict[str, Array]

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: ScviSettings, /) -> Self:
        values = wells.finite(profiles, task=cls.name)
        codes, names, keys = cls.batches_of_fit(profiles.obs, settings)
        smallest = values.min(axis=0).astype(np.float64)
        with _quiet(settings.seed) as scvi:
            model = _model(scvi, _shifted(values, smallest), [names[code] for code in codes], names, settings)
            model.train(max_epochs=settings.epochs, accelerator="cpu", enable_progress_bar=False, logger=False, enable_checkpointing=False)
            weights = {name: tensor.detach().double().numpy() for name, tensor in model.module.state_dict().items()}
        return cls(
            settings=settings,
            batches=tuple(names),
            keys=keys,
            feature_names=tuple(profiles.var_names),
            smallest=smallest,
            weights=weights,
        )

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        import torch

        values = self.values_of(profiles)
        of_rows = [self.batches[number] for number in self.batches_of(profiles.obs)]
        with _quiet(self.settings.seed) as scvi:
            # Behind the rows stands one of each batch, so that all batches have the numbers of the fit.
            shifted = _shifted(values, self.smallest)
            whole = np.concatenate([shifted, np.repeat(shifted.mean(axis=0, keepdims=True), len(self.batches), axis=0)])
            model = _model(scvi, whole, [*of_rows, *self.batches], list(self.batches), self.settings)
            known = model.module.state_dict()
            model.module.load_state_dict({name: torch.as_tensor(value).to(known[name].dtype) for name, value in self.weights.items()})
            model.module.eval()  # batch norm by what the fit saw, not by these rows
            model.is_trained_ = True
            latent = np.asarray(model.get_latent_representation())[: len(values)]
        return with_values(profiles, latent, var=new_features(self.name, latent.shape[1]))

    def seen_in_fit(self) -> tuple[str, ...]:
        return self.batches


def _shifted(values: Floats, smallest: Array) -> Floats:
    return np.maximum(values - smallest, 0).astype(np.float32)


def _model(scvi: Any, values: Floats, of_rows: list[str], batches: list[str], settings: ScviSettings) -> Any:
    """The untrained net for these rows."""
    named = pd.Categorical(of_rows, categories=batches)
    data = anndata.AnnData(X=values, obs=pd.DataFrame({_BATCH: named}, index=[str(row) for row in range(len(values))]))
    scvi.model.SCVI.setup_anndata(data, batch_key=_BATCH)
    return scvi.model.SCVI(data, n_latent=settings.width, gene_likelihood="normal")


@contextmanager
def _quiet(seed: int) -> Iterator[Any]:
    """scvi-tools, seeded; it warns of its own dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import scvi
        except ImportError:
            raise InputError("scVI needs the extra: pip install 'impasto[scvi]'; or choose another method") from None
        scvi.settings.seed = seed
        yield scvi
