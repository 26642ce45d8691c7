"""A graph with other edges in which every node keeps as many as it had: the control for how connected a perturbation is.

    edges (a, b) and (c, d)  ->  (a, d) and (c, b),    where neither joins a node to itself nor is there already

Maslov and Sneppen 2002. `SWAPS` swaps an edge are tried; a weight goes along with its edge. Shuffling the nodes instead gives a
perturbation the degree of another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SWAPS = 10
"""Swaps that are tried for each edge."""


def rewired(weights: npt.NDArray[np.float64], /, *, seed: int) -> npt.NDArray[np.float64]:
    """Weights of a graph with the same number of edges at every node.

    Parameters
    ----------
    weights
        (nodes, nodes), symmetric, zero diagonal.
    seed
        Of the swaps.

    Returns
    -------
    npt.NDArray[np.float64]
        (nodes, nodes), symmetric, zero diagonal: the same weights on other edges.

    """
    rng = np.random.default_rng(seed)
    ends = [list(pair) for pair in np.argwhere(np.triu(weights, 1) != 0).tolist()]
    present = {(a, b) for a, b in ends}
    of_edge = [float(weights[a, b]) for a, b in ends]
    if len(ends) < 2:
        return weights.copy()
    chosen = rng.integers(len(ends), size=(SWAPS * len(ends), 2)).tolist()
    turned = (rng.random(len(chosen)) < 0.5).tolist()
    for (i, j), turn in zip(chosen, turned, strict=True):
        (a, b), (c, d) = ends[i], ends[j][:: -1 if turn else 1]
        new = [(min(a, d), max(a, d)), (min(c, b), max(c, b))]
        if len({a, b, c, d}) < 4 or new[0] in present or new[1] in present:
            continue
        present -= {(min(a, b), max(a, b)), (min(c, d), max(c, d))}
        present |= set(new)
        ends[i], ends[j] = list(new[0]), list(new[1])
    made = np.zeros_like(weights)
    for (a, b), weight in zip(ends, of_edge, strict=True):
        made[a, b] = made[b, a] = weight
    return made
