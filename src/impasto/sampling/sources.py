"""Minibatches that hold several wells of each label: from one source, or from all sources mixed.

CellPainTR, section 3.2: intra-source minibatches teach what a compound looks like within a laboratory, inter-source ones that it is
the same compound everywhere. A contrast needs positives, so wells are dealt in hands: up to `hand` wells of one label, from as
many sources as there are, and a minibatch is filled hand by hand. Every row comes once an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.intp]


def one_source(sources: Codes, labels: Codes, /, *, size: int, hand: int, seed: Sequence[int]) -> list[Rows]:
    """The minibatches of an epoch, each from one source, in a seeded order."""
    rng = np.random.default_rng(seed)
    minibatches = []
    for source in np.unique(sources):
        mine = np.flatnonzero(sources == source)
        minibatches += [mine[part] for part in mixed_sources(sources[mine], labels[mine], size=size, hand=hand, seed=[*seed, int(source)])]
    return [minibatches[i] for i in rng.permutation(len(minibatches))]


def mixed_sources(sources: Codes, labels: Codes, /, *, size: int, hand: int, seed: Sequence[int]) -> list[Rows]:
    """The minibatches of an epoch over all sources, about `size` rows each, never fewer than two where there are two."""
    rng = np.random.default_rng(seed)
    hands = []
    for label in np.unique(labels):
        dealt = _in_turn(sources, np.flatnonzero(labels == label), rng)
        # Hands of nearly equal length, and no well alone where its label has two.
        hands += np.array_split(dealt, max(1, min(-(-len(dealt) // hand), len(dealt) // 2)))
    hands = [hands[i] for i in rng.permutation(len(hands))]
    minibatches: list[list[Rows]] = [[]]
    filled = 0
    for one in hands:
        if filled and filled + len(one) > size:
            minibatches.append([])
            filled = 0
        minibatches[-1].append(one)
        filled += len(one)
    if len(minibatches) > 1 and filled < size / 2:
        # A last minibatch of a few rows would be a contrast with few negatives.
        last = minibatches.pop()
        minibatches[-1] += last
    return [np.concatenate(parts) for parts in minibatches]


def _in_turn(sources: Codes, rows: Rows, rng: np.random.Generator) -> Rows:
    """Rows shuffled, the sources taking turns: the first rows come from as many sources as there are."""
    rows = rng.permutation(rows)
    turn = pd.Series(rows).groupby(sources[rows]).cumcount().to_numpy()
    first = rng.permutation(int(sources.max()) + 1)[sources[rows]]
    return rows[np.lexsort((first, turn))]
