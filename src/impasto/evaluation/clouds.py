"""The wells of a table as clouds of points: one row a well, or as many cells of each, in principal components about their plate."""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation.distance import scores_of_components
from impasto.progress import say

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Clouds:
    """The wells of a table, each with as many rows.

    Attributes
    ----------
    obs
        One row a well.
    rows
        (wells, r) the rows of each that are compared.

    """

    obs: pd.DataFrame
    rows: Rows

    @classmethod
    def of(cls, profiles: anndata.AnnData, /, *, cells: int, seed: int) -> Clouds:
        """The wells of a table of wells, sites or cells; rows without a well each stand for themselves.

        Parameters
        ----------
        profiles
            n rows.
        cells
            How many rows a well at most.
        seed
            Of the rows that are taken.

        Returns
        -------
        Clouds
            The wells; those with fewer rows than nine of ten wells have are left out.

        """
        obs = profiles.obs
        if schema.WELL not in obs or obs[schema.WELL].isna().any():
            return cls(obs, np.arange(len(obs))[:, None])
        plate, _ = wells.plates(obs)
        well = pd.factorize(pd.Series(plate).astype(str) + " " + obs[schema.WELL].astype(str).to_numpy(), sort=False)[0]
        counts = np.bincount(well)
        size = max(1, min(cells, int(np.quantile(counts, 0.1))))
        # Shuffled first, so that the rows taken from a well are drawn at random; in order again within the well.
        order = np.random.default_rng(seed).permutation(len(obs)) if counts.max() > 1 else np.arange(len(obs))
        order = order[np.argsort(well[order], kind="stable")]
        place = np.arange(len(order)) - (np.cumsum(counts) - counts)[well[order]]
        kept = order[(place < size) & (counts[well[order]] >= size)].reshape(-1, size)
        if counts.max() > 1:
            few = int((counts < size).sum())
            say(f"{size} rows of each of {len(kept)} wells are compared; {few} wells with fewer rows are left out")
        kept = kept[np.argsort(kept[:, 0], kind="stable")]
        return cls(obs.iloc[kept[:, 0]], kept)

    def points(self, values: npt.NDArray[np.floating], plate: Rows, used: npt.NDArray[np.bool_], /, *, components: int) -> Numbers | None:
        """The rows of each well in principal components, about the mean of their plate.

        Parameters
        ----------
        values
            (n, features) of all rows.
        plate
            (wells,) codes.
        used
            (wells,) treated wells and controls; the others are zero.
        components
            How many at most.

        Returns
        -------
        Numbers | None
            (wells, r, d) the points; None where nothing varies.

        """
        flat = values[self.rows[used].ravel()].astype(np.float64)
        of_row = np.repeat(plate[used], self.rows.shape[1])
        for code in np.unique(of_row):
            own = of_row == code
            flat[own] -= flat[own].mean(axis=0)
        flat[:, np.abs(flat).max(axis=0) <= 1e-6 * np.maximum(np.abs(values).max(axis=0), 1e-30)] = 0
        if not flat.any():
            return None
        scored = scores_of_components(flat.astype(np.float32), min(components, flat.shape[1]))
        points = np.zeros((len(plate), self.rows.shape[1], scored.shape[1]))
        points[used] = scored.reshape(-1, self.rows.shape[1], scored.shape[1])
        return points
