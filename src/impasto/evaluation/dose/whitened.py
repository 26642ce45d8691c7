"""What the wells of dose curves measured, whitened by the noise of other compounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import wells
from impasto.evaluation import noise
from impasto.evaluation.dose.layout import Dosed

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
FOLDS = 5
"""Compounds stand in so many folds; the residuals of the other folds whiten."""
FEWEST_RESIDUALS = 20
"""From fewer no noise is estimated; features keep their scale."""


@dataclass(frozen=True)
class Whitened:
    """Wells about the controls of their plate, features at one scale, and the whitening of each fold of compounds.

    Attributes
    ----------
    values
        (n, features) wells about the mean of their plate's controls, in standard deviations of all measured wells; features that vary.
    fold_of
        Compound -> its fold.
    by_fold
        The factor of the noise of compounds outside each fold.

    """

    values: Numbers
    fold_of: dict[str, int]
    by_fold: list[Numbers]

    @classmethod
    def of(cls, values: Numbers, obs: pd.DataFrame, dosed: Dosed, /, *, seed: int) -> Whitened:
        """The wells of a table.

        Parameters
        ----------
        values
            (n, features) of all wells.
        obs
            Their annotation.
        dosed
            The wells with a dose, and the controls.
        seed
            Of the folds of compounds.

        Returns
        -------
        Whitened
            Wells about their controls, and one factor of noise a fold.

        """
        about, measured = np.zeros_like(values), np.zeros(len(values), dtype=bool)
        for plate, controls in dosed.controls.items():
            rows = dosed.plate == plate
            about[rows] = values[rows] - values[controls].mean(axis=0)
            measured |= rows
        spread = about[measured].std(axis=0)
        # Relative to the values, since a constant feature varies by rounding.
        varying = spread > 1e-9 * np.maximum(np.abs(values).max(axis=0), np.finfo(np.float32).tiny)
        scaled = about[:, varying] / spread[varying]
        names = sorted(dosed.rows_of)
        folds = min(FOLDS, len(names))
        assigned = np.random.default_rng(seed).permutation(len(names)) % folds
        fold_of = dict(zip(names, map(int, assigned), strict=True))
        rests, of = _residuals(scaled, wells.replicates(obs), dosed)
        fold = np.array([fold_of[name] for name in of], dtype=np.intp)
        return cls(scaled, fold_of, [_factor(rests[fold != number]) for number in range(folds)])

    def of_compound(self, name: str, rows: Rows, /) -> Numbers:
        """The wells of a compound, whitened by the noise of compounds of other folds.

        Parameters
        ----------
        name
            The compound.
        rows
            (m,) the wells that are wanted.

        Returns
        -------
        Numbers
            (m, features) whitened wells.

        """
        return noise.whitened(self.values[rows], self.by_fold[self.fold_of[name]])


def _residuals(scaled: Numbers, treatments: pd.Series, dosed: Dosed) -> tuple[Numbers, npt.NDArray[np.str_]]:
    """Residuals (m, features) of treatments with two wells or more, and the compound (m,) of each."""
    chosen = np.flatnonzero(dosed.usable)
    grouped = pd.Series(chosen).groupby(treatments.to_numpy(dtype=object)[chosen], sort=True)
    sets = [members.to_numpy() for _, members in grouped if len(members) > 1]
    if not sets:
        return np.zeros((0, scaled.shape[1])), np.zeros(0, dtype=str)
    return np.concatenate(noise.of_replicates(scaled, sets, dosed.plate)), dosed.compound[np.concatenate(sets)]


def _factor(residuals: Numbers) -> Numbers:
    """The factor of the noise; the identity from fewer than twenty residuals, and where no feature varies."""
    features = residuals.shape[1]
    return np.eye(features) if len(residuals) < FEWEST_RESIDUALS or not features else noise.shrunk_factor(residuals, features=features)
