"""Kernel PCA on the negative controls of all batches, then each batch centred and scaled by its own controls.

    y = coordinates of k(x, controls) along the principal components of the controls' centred kernel matrix
    z = (y - mean_b) / sd_b                         mean and sd of batch b's controls

Lu et al., CellCLIP, appendix C.3; kernels linear, polynomial (degree 3) and RBF, of which they took the best for each method. Here
the kernel is a setting, chosen on other wells than those that are scored. Schoelkopf et al. 1998.

Kernels are scikit-learn's. Its `KernelPCA` is not used: what was fitted has to be stored as arrays and applied again without a pickle.

Departures: gamma is 1 / (features x variance of the controls), so that it does not depend on a feature's unit. Components whose eigenvalue
is below 1e-8 of the largest are dropped, since scaling by the controls would raise their noise to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from impasto import wells
from impasto.correction.base import Array, Floats, new_features
from impasto.correction.per_group import By, Group, On, PerGroup
from impasto.correction.standardize import CentreAndSpread
from impasto.schema import InputError
from impasto.settings import Settings

Kernel = Literal["linear", "poly", "rbf"]
_DEGREE = 3
_LEAST = 1e-8


class KernelPcaSettings(Settings):
    """Kernel, number of components, and the batches that are scaled apart."""

    method: Literal["kernel_pca"] = "kernel_pca"
    by: By = Field("plate", description="What is centred and scaled by its own controls: plate, batch or source.")
    kernel: Kernel = Field("linear", description="linear, poly (degree 3) or rbf.")
    components: int | None = Field(None, ge=1, description="How many components; all that the controls show, where left out.")


@dataclass(frozen=True, kw_only=True)
class KernelPca(PerGroup[KernelPcaSettings, CentreAndSpread]):
    """Kernel PCA after its fit.

    Attributes
    ----------
    controls
        (n, features) the negative controls.
    means
        (n,) the means of their kernel.
    directions
        (n, k).

    """

    name: ClassVar[str] = "kernel_pca"
    settings_class: ClassVar[type[Settings]] = KernelPcaSettings
    settings: KernelPcaSettings
    learned: dict[str, CentreAndSpread]
    controls: Array
    means: Array
    directions: Array

    @classmethod
    def reference_of(cls, _: Settings, /) -> On:
        return "controls"

    @classmethod
    def needed(cls, obs: pd.DataFrame, settings: KernelPcaSettings, /) -> wells.Flags:
        return cls.may_teach(obs, settings) & wells.negative(obs)

    @classmethod
    def bytes_of_fit(cls, rows: int, width: int, _: KernelPcaSettings, /) -> int:
        return rows * width * 12 + 3 * rows**2 * 8  # the controls in both precisions; their kernel, centred, and its eigenvectors

    @classmethod
    def begin(cls, groups: Mapping[str, Group], settings: KernelPcaSettings, keys: tuple[str, ...], /) -> Self:
        controls = np.concatenate([group.reference for group in groups.values()]).astype(np.float64)
        matrix = kernel_matrix(controls, controls, settings.kernel)
        means = matrix.mean(axis=0)
        eigenvalues, vectors = np.linalg.eigh(matrix - means - means[:, None] + means.mean())
        if eigenvalues.max() <= 1e-12 * np.abs(matrix).max():
            raise InputError("kernel_pca: the negative controls do not vary at all; they cannot tell nuisance from signal")
        keep = np.flatnonzero(eigenvalues > _LEAST * eigenvalues.max())[::-1][: settings.components]
        directions = vectors[:, keep] / np.sqrt(eigenvalues[keep])
        return cls(settings=settings, keys=keys, learned={}, controls=controls, means=means, directions=directions)

    def learn(self, _: Floats, reference: Floats, /) -> CentreAndSpread:
        coordinates = self.coordinates(reference)
        return CentreAndSpread(coordinates.mean(axis=0), np.maximum(coordinates.std(axis=0), 1e-9))

    def apply(self, values: Floats, learned: CentreAndSpread, /) -> Array:
        return np.asarray((self.coordinates(values) - learned.centre) / learned.spread)

    def features(self, _: pd.DataFrame, /) -> pd.DataFrame:
        return new_features(self.name, self.directions.shape[1])

    def coordinates(self, values: Floats, /) -> Array:
        """Coordinates of rows along the components, before any batch is scaled.

        Parameters
        ----------
        values
            (n, features) rows.

        Returns
        -------
        Array
            (n, k) of float64. The coordinates.

        """
        matrix = kernel_matrix(values.astype(np.float64), self.controls, self.settings.kernel)
        return np.asarray((matrix - matrix.mean(axis=1, keepdims=True) - self.means + self.means.mean()) @ self.directions)


def kernel_matrix(left: Array, controls: Array, kernel: Kernel, /) -> Array:
    """The kernel of rows with the controls.

    Parameters
    ----------
    left
        (n, features) rows.
    controls
        (m, features); their variance sets gamma.
    kernel
        `linear`, `poly` or `rbf`.

    Returns
    -------
    Array
        (n, m) of float64. The kernel matrix.

    """
    from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel

    if kernel == "linear":
        return np.asarray(linear_kernel(left, controls))
    gamma = 1 / (controls.shape[1] * max(float(controls.var()), 1e-12))
    if kernel == "poly":
        return np.asarray(polynomial_kernel(left, controls, degree=_DEGREE, gamma=gamma, coef0=1))
    return np.asarray(rbf_kernel(left, controls, gamma=gamma))
