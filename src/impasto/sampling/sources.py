"""Minibatches that hold several wells of each label: from one source, or from all sources mixed.

CellPainTR, section 3.2: intra-source minibatches teach what a compound looks like within a laboratory. Inter-source minibatches teach that
it is the same compound everywhere. A contrast needs positives. So the wells of a label come in groups of up to `hand` wells, from as many
sources as there are, and a minibatch is filled group by group. Each row comes once an epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.intp]


def one_source(sources: Codes, labels: Codes, /, *, size: int, hand: int, seed: Sequence[int]) -> list[Rows]:
    """The minibatches of an epoch, each from one source, in a seeded order.

    Parameters
    ----------
    sources, labels
        (n,) codes of each row.
    size
        About how many rows a minibatch has.
    hand
        The most wells of one label that come together.
    seed
        Of the order.

    Returns
    -------
    list[Rows]
        The rows of each minibatch.

    """
    rng = np.random.default_rng(seed)
    minibatches = []
    for source in np.unique(sources):
        of_source = np.flatnonzero(sources == source)
        minibatches += [
            of_source[part]
            for part in mixed_sources(sources[of_source], labels[of_source], size=size, hand=hand, seed=[*seed, int(source)])
        ]
    return [minibatches[i] for i in rng.permutation(len(minibatches))]


def mixed_sources(sources: Codes, labels: Codes, /, *, size: int, hand: int, seed: Sequence[int]) -> list[Rows]:
    """The minibatches of an epoch over all sources, never fewer than two rows where there are two.

    Parameters
    ----------
    sources, labels
        (n,) codes of each row.
    size
        About how many rows a minibatch has.
    hand
        The most wells of one label that come together.
    seed
        Of the order.

    Returns
    -------
    list[Rows]
        The rows of each minibatch.

    """
    rng = np.random.default_rng(seed)
    hands = []
    for label in np.unique(labels):
        in_turn = _in_turn(sources, np.flatnonzero(labels == label), rng)
        # Hands of nearly equal length, and no well alone where its label has two.
        hands += np.array_split(in_turn, max(1, min(-(-len(in_turn) // hand), len(in_turn) // 2)))
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
