"""CellPainTR for `impasto correct`: a trained run applied (`run`), or the three stages fitted in one go on the profiles given.

The equations are in method.py. In one go, sizes and rates are a laptop's: tokens for groups of features, a narrow trunk, larger
learning rates than the paper's for its hundreds of thousands of wells. Use `impasto train` with recipes/cellpaintr.toml to choose
them, to hold wells out, and to resume.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import anndata
import numpy as np

from impasto.correction import absent
from impasto.correction.base import Array, Corrector
from impasto.correction.cellpaintr import sources
from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from impasto.correction.cellpaintr.trained import Trained


@dataclass(frozen=True, kw_only=True)
class CellPaintrCorrector(Corrector[CellPaintrCorrectorSettings]):
    """The model as what can be stored.

    Attributes
    ----------
    method
        The settings of the model, as JSON.
    facts
        The facts of its run, as JSON.
    weights
        Its weights by name, float64.

    """

    name: ClassVar[str] = "cellpaintr"
    settings_class: ClassVar[type[Settings]] = CellPaintrCorrectorSettings
    reads_absent: ClassVar[bool] = True
    settings: CellPaintrCorrectorSettings
    method: str
    facts: str
    weights: dict[str, Array]

    # What needs torch is imported where it is used: the settings of all correctors are read without it.
    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: CellPaintrCorrectorSettings, /) -> Self:
        from impasto.correction.cellpaintr import in_one_go, trained

        run = trained.read(settings.run) if settings.run is not None else in_one_go.stages(profiles, settings)
        return cls(settings=settings, method=json.dumps(run.method), facts=json.dumps(run.facts), weights=_arrays(run.weights))

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        from impasto.correction.cellpaintr.attributions import top_features

        model = self.model()
        corrected = model.correct(profiles)
        if self.settings.top_features:
            corrected.obs["top_features"] = top_features(model, profiles, top=self.settings.top_features)
        return corrected

    def extend_table(self, profiles: anndata.AnnData, /) -> Self:
        """The same model with a token for each new source, learned from that source's own wells. No other weight moves (D.3).

        Parameters
        ----------
        profiles
            Rows of known and new sources.

        Returns
        -------
        Self
            This one, where no source is new.

        """
        facts = json.loads(self.facts)
        new = ~np.isin(sources.names(profiles.obs, facts), facts["sources"])
        if not new.any():
            return self
        from impasto.correction.cellpaintr import in_one_go

        earlier = in_one_go.opened(self.method, self.facts, self.weights)
        own, _ = absent.with_all(profiles[new].copy(), facts["features"], reader=self.name)
        known, weights = in_one_go.with_new_sources(own, earlier, self.settings)
        return replace(self, facts=json.dumps({**facts, "sources": known}), weights=_arrays(weights))

    def features_of_fit(self) -> tuple[str, ...]:
        return tuple(json.loads(self.facts)["features"])

    def seen_in_fit(self) -> tuple[str, ...]:
        return tuple(json.loads(self.facts)["sources"])

    def model(self) -> Trained:
        """The model with its weights.

        Returns
        -------
        Trained
            Ready to correct.

        """
        from impasto.correction.cellpaintr import in_one_go
        from impasto.correction.cellpaintr.trained import Trained

        earlier = in_one_go.opened(self.method, self.facts, self.weights)
        return Trained.rebuilt(earlier.method, earlier.facts, earlier.weights, where=self.name)


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.double().numpy() for name, tensor in weights.items()}
