"""Which values are hidden: the same share of every channel x compartment group, among the values that are not zero.

CellPainTR, section 3.2 (channel-wise masked morphology): one share a minibatch, applied uniformly within each group; zeros stay,
since a true zero and a missing value look alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def share(*, low: float, high: float, seed: Sequence[int]) -> float:
    """The share of a minibatch that is hidden.

    Parameters
    ----------
    low, high
        Ends of the uniform distribution.
    seed
        Of the draw.

    Returns
    -------
    float
        A share in [low, high].

    """
    return float(np.random.default_rng(seed).uniform(low, high))


def draw(values: npt.NDArray[np.floating], groups: npt.NDArray[np.intp], /, *, share: float, seed: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which values are hidden.

    In each row and group, of n values that are not zero, share x n are hidden. That is rounded up or down at random, so that small groups
    have their part.

    Parameters
    ----------
    values
        (rows, features).
    groups
        (features,) codes.
    share
        The share of a group.
    seed
        Of the draw.

    Returns
    -------
    npt.NDArray[np.bool_]
        (rows, features), True where hidden.

    """
    rng = np.random.default_rng(seed)
    masked = np.zeros(values.shape, dtype=bool)
    order_of_chance = np.where(values != 0, rng.random(values.shape), np.inf)
    for group in np.unique(groups):
        columns = np.flatnonzero(groups == group)
        chance = order_of_chance[:, columns]
        hidden = np.floor(share * np.isfinite(chance).sum(axis=1) + rng.random(len(values)))
        place = chance.argsort(axis=1).argsort(axis=1)
        masked[:, columns] = place < hidden[:, None]
    return masked
