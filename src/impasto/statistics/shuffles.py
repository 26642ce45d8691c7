"""Is it above chance? The same score with labels that were shuffled, so that they mean nothing.

p = (1 + #{shuffled score >= score}) / (1 + m),   m at most 999; drawing stops at 20 exceedances (Besag & Clifford 1991).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_SHUFFLES = 999
ENOUGH_EXCEEDANCES = 20


@dataclass(frozen=True)
class Chance:
    """What shuffled labels score.

    Attributes
    ----------
    p
        How often they score as high as the true ones. Never 0.
    mean
        Their mean score: what chance is.
    draws
        How many shuffles were made; 1 / (1 + draws) is the smallest p they could give.

    """

    p: float
    mean: float
    draws: int


def above_chance(
    score: float,
    shuffled: Callable[[np.random.Generator], float],
    /,
    *,
    seed: int,
    most: int = MOST_SHUFFLES,
    enough: int = ENOUGH_EXCEEDANCES,
) -> Chance:
    """Compare a score with those of shuffled labels.

    Parameters
    ----------
    score
        With the true labels.
    shuffled
        Draws one shuffle and gives its score. Labels move within whatever they were randomised in: class, plate or batch.
    seed
        Of the shuffles.
    most
        How many are drawn at most.
    enough
        After so many exceedances no more are drawn.

    Returns
    -------
    Chance
        With early stopping p is exceedances / draws, which is exact at the moment the last of these exceedances is drawn.

    """
    rng = np.random.default_rng(seed)
    total, exceeded = 0.0, 0
    for draws in range(1, most + 1):
        drawn = shuffled(rng)
        total += drawn
        # A tie to the last digit counts as exceeded: p errs on the safe side.
        exceeded += drawn >= score - 1e-12
        if exceeded == enough:
            return Chance(exceeded / draws, total / draws, draws)
    return Chance((1 + exceeded) / (1 + most), total / most, most)
