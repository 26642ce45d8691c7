"""Graph contrast: each perturbation must find its relatives in the graph among all perturbations of the minibatch.

    L = mean_i -(1/|N(i)|) sum_{j in N(i)} log softmax_{k != i}(cos(f_i, f_k) / tau)_j

Integrating Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.2, with tau = .1. N(i) are the
nodes related to i by more than a threshold, or the `top` strongest of them: the paper leaves it open.

Departures: the printed equation lacks the minus sign. Its denominator runs over all nodes, i among them. cos(f_i, f_i) = 1 would only
weaken the contrast, so i is left out. The public code leaves e^0 of the self pair there, and weights all pairs by W instead of choosing
neighbours. Nodes without a neighbour in the minibatch are negatives of the others and ask nothing themselves. Where no node has a
neighbour, the loss is 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def neighbours(weights: Tensor, /, *, threshold: float = 0.0, top: int | None = None) -> Tensor:
    """Which nodes are neighbours.

    Weights equal to the last of the `top` count as well, so that the order of nodes never decides.

    Parameters
    ----------
    weights
        (nodes, nodes), symmetric.
    threshold
        A neighbour's weight is above it.
    top
        A neighbour is among so many largest weights of the row; None sets no limit.

    Returns
    -------
    Tensor
        (nodes, nodes), True for neighbours; no node is its own neighbour.

    """
    is_neighbour = weights > threshold
    if top is not None and top < weights.shape[1]:
        is_neighbour &= weights >= weights.topk(top, dim=1).values[:, -1:]
    is_neighbour.fill_diagonal_(False)
    return is_neighbour


def graph_contrast(features: Tensor, related: Tensor, /, *, temperature: float = 0.1) -> Tensor:
    """The cross entropy of each node with its neighbours, mean over the nodes that have one (section 3.2.2).

    Parameters
    ----------
    features
        Features of the nodes (nodes, width), of any length.
    related
        (nodes, nodes), True for neighbours, from `neighbours`.
    temperature
        tau.

    Returns
    -------
    Tensor
        The loss, a scalar in nats; 0 where no node has a neighbour.

    """
    unit = functional.normalize(features, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    similarity = (unit @ unit.T / temperature).masked_fill(itself, float("-inf"))
    log_share = functional.log_softmax(similarity, dim=1).masked_fill(itself, 0.0)
    number = related.sum(dim=1)
    asking = number > 0
    if not bool(asking.any()):
        return features.sum() * 0.0
    return -((related * log_share).sum(dim=1)[asking] / number[asking]).mean()
