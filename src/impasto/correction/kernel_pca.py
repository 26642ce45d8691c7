"""Kernel PCA on the negative controls of all batches, then each batch centred and scaled by its own controls.

    y = coordinates of k(x, controls) along the principal components of the controls' centred kernel matrix
    z = (y - mean_b) / sd_b                         mean and sd of batch b's controls

Lu et al., CellCLIP, appendix C.3; kernels linear, polynomial (degree 3) and RBF, of which they took the best for each method. Here
the kernel is a setting, chosen on other wells than those that are scored. Schoelkopf et al. 1998.

Departures: gamma is 1 / (features x variance of the controls), so that it does not depend on a feature's unit; components whose
eigenvalue is below 1e-8 of the largest are dropped, since scaling by the controls would blow their noise up to one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, reference, unmet
from impasto.feature_names import EMBEDDING_GROUP
from impasto.settings import Settings

_DEGREE = 3


class KernelPcaSettings(Settings):
    """Kernel, number of components (all that the controls show, by default), and the batches that are scaled apart."""

    by: Literal["plate", "batch", "source"] = "plate"
    kernel: Literal["linear", "poly", "rbf"] = "linear"
    components: int | None = None


@dataclass(frozen=True)
class KernelPca(Corrector):
    """The controls (n, features), their kernel's means, the directions (n, k), and each batch's centre and spread (k,)."""

    name: ClassVar[str] = "kernel_pca"
    settings_class: ClassVar[type[Settings]] = KernelPcaSettings
    settings: KernelPcaSettings
    controls: Array
    means: Array
    directions: Array
    centre: dict[str, Array]
    spread: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> KernelPca:
        assert isinstance(settings, KernelPcaSettings)
        values = finite_values(profiles, task=cls.name)
        groups = each(profiles, settings.by, task=cls.name)
        chosen = [reference(profiles, rows, on="controls", group=group, task=cls.name) for group, rows in groups]
        controls = values[np.concatenate(chosen)]
        matrix = _kernel(controls, controls, settings.kernel)
        means = matrix.mean(axis=0)
        eigenvalues, vectors = np.linalg.eigh(matrix - means - means[:, None] + means.mean())
        keep = np.flatnonzero(eigenvalues > 1e-8 * eigenvalues.max())[::-1][: settings.components]
        return cls(settings, controls, means, vectors[:, keep] / np.sqrt(eigenvalues[keep]), {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        centre, spread = dict(self.centre), dict(self.spread)
        for group, rows in unmet(centre, profiles, self.settings.by, task=self.name):
            mine = self._coordinates(values[reference(profiles, rows, on="controls", group=group, task=self.name)])
            centre[group], spread[group] = mine.mean(axis=0), np.maximum(mine.std(axis=0), 1e-9)
        return replace(self, centre=centre, spread=spread)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        out = self._coordinates(finite_values(profiles, task=self.name))
        for group, rows in each(profiles, self.settings.by, task=self.name):
            centre = of_group(self.centre, group, task=self.name, by=self.settings.by)
            out[rows] = (out[rows] - centre) / self.spread[group]
        names = [f"kernel_pca_{number:04d}" for number in range(out.shape[1])]
        var = tables.describe_features(names).assign(group=EMBEDDING_GROUP)
        return anndata.AnnData(X=out.astype(np.float32), obs=profiles.obs.copy(), var=var, uns=dict(profiles.uns))

    def met(self) -> tuple[str, ...]:
        return tuple(self.centre)

    def _coordinates(self, values: Array) -> Array:
        matrix = _kernel(values, self.controls, self.settings.kernel)
        return np.asarray((matrix - matrix.mean(axis=1, keepdims=True) - self.means + self.means.mean()) @ self.directions)


def _kernel(left: Array, right: Array, kernel: str) -> Array:
    """Kernel matrix (n, m); `right` are the controls, whose variance sets gamma."""
    inner = left @ right.T
    if kernel == "linear":
        return inner
    gamma = 1 / (right.shape[1] * max(float(right.var()), 1e-12))
    if kernel == "poly":
        return np.asarray((gamma * inner + 1) ** _DEGREE)
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * inner
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0.0)))
