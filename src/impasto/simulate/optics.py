"""How a plate was stained and imaged: no shift of an embedding takes this out, since it bends what is seen of the cells.

Five things differ between batches, between the plates of a batch and between the wells of a plate, each by a strength of the plan. They are
the focus, the grain, the slope of the light, and for each stain its background and its response. The response is the power that light
follows: a stain that saturates flattens a cell, one that does not sharpens it. The shifts of three levels add up, in sd. Where all
strengths are 0, plates are painted without any of this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter

from impasto import schema
from impasto.simulate.plan import Plan

_BLUR, _GRAIN, _SLOPE, _BACKGROUND, _SPREAD, _RESPONSE = 2.5, 0.5, 0.3, 0.05, 0.9, 0.35
_SALT = 90
Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Optics:
    """The optics of one well.

    Attributes
    ----------
    blur
        Sd in pixels of a site of 256.
    grain
        Of the noise, 1 as usual.
    slope
        (2,), of the light along rows and columns.
    background, response
        Of each stain (stains,).

    """

    blur: float
    grain: float
    slope: Pixels
    background: Pixels
    response: Pixels

    def seen(self, planes: Pixels, /, *, scale: float) -> Pixels:
        """The light of cells as this well shows it.

        Parameters
        ----------
        planes
            (stains, H, W).
        scale
            Pixels of a site over 256.

        Returns
        -------
        Pixels
            (stains, H, W).

        """
        bent = np.clip(planes, 0, None) ** self.response[:, None, None]
        blurred = np.stack([gaussian_filter(plane, self.blur * scale) for plane in bent])
        y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in planes.shape[1:])
        light = 1 + self.slope[0] * y[:, None] + self.slope[1] * x[None, :]
        return np.asarray((blurred + self.background[:, None, None]) * np.clip(light, 0.1, None), dtype=np.float32)


def of_wells(plan: Plan, where: pd.DataFrame, /, *, stains: int, seed: int) -> list[Optics] | None:
    """The optics of each well.

    Parameters
    ----------
    plan
        Sizes and strengths.
    where
        One row a well, from `layout.wells`.
    stains
        How many.
    seed
        Of the shifts.

    Returns
    -------
    list[Optics] | None
        One for each well; None where the plan has no such differences.

    """
    levels = ((schema.BATCH, plan.batch_optics), (schema.PLATE, plan.plate_optics), (None, plan.well_optics))
    if not any(size for _, size in levels):
        return None
    shift = np.zeros((len(where), 4 + 2 * stains), dtype=np.float64)
    for salt, (word, size) in enumerate(levels):
        codes = np.arange(len(where)) if word is None else pd.factorize(where[word], sort=True)[0]
        shift += size * np.random.default_rng([seed, _SALT + salt]).normal(size=(codes.max() + 1, shift.shape[1]))[codes]
    return [_optics(row, stains) for row in shift]


def _optics(shift: npt.NDArray[np.float64], stains: int) -> Optics:
    background, response = shift[4 : 4 + stains], shift[4 + stains :]
    return Optics(
        blur=_BLUR * abs(float(shift[0])),
        grain=float(np.exp(_GRAIN * shift[1])),
        slope=(_SLOPE * shift[2:4]).astype(np.float32),
        background=(_BACKGROUND * np.exp(_SPREAD * background)).astype(np.float32),
        response=np.exp(_RESPONSE * response).astype(np.float32),
    )
