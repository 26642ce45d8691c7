"""Graph Laplacian: perturbations that biology relates strongly shall look alike.

    L = tr(F^T (D - W) F) = 1/2 sum_ij w_ij ||f_i - f_j||^2,    D_ii = sum_j w_ij

with one row of F a perturbation (the mean over its images in the minibatch) and the weights w of the relational graph. Integrating
Biological Knowledge for Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.2.

`symmetric` takes I - D^-1/2 W D^-1/2 instead of D - W, so that a hub counts no more than others; a node without an edge adds nothing.

Departures: Proposition 3.1 says that this loss shrinks the distances within a perturbation. Its proof maximises <f_i, f_j> "under
fixed energy"; the printed loss does not fix it. With unit nodes it does not see the spread at all, and with plain means of unit images
it lowers ||f_i||, which is more spread. `held` keeps the energy at one,

    L = sum_i D_ii - sum_ij w_ij <f_i, f_j>

the form the proof is about: equal to the printed loss for unit nodes, and least, for plain means of unit images, only where the images
of a perturbation agree. tests/losses/test_graph_laplacian.py shows all three.
"""

from __future__ import annotations

import torch
from torch import Tensor


def graph_laplacian(features: Tensor, weights: Tensor, /, *, symmetric: bool = False, held: bool = False) -> Tensor:
    """The weighted sum of squared distances of related nodes (section 3.2.2).

    Parameters
    ----------
    features
        Features of the nodes (nodes, width).
    weights
        (nodes, nodes), symmetric, none negative, zero diagonal.
    symmetric
        Whether the normalised Laplacian is taken, so that a hub counts no more than others.
    held
        Whether the energy of each node is held at one, as the proof of Proposition 3.1 asks.

    Returns
    -------
    Tensor
        The loss, a scalar.

    """
    degree = weights.sum(dim=1)
    if symmetric:
        # A node without an edge has degree 0 and no weight to scale.
        root = torch.where(degree > 0, degree, torch.ones_like(degree)).rsqrt()
        weights = root[:, None] * weights * root
        degree = (degree > 0).to(features.dtype)
    energy = torch.ones_like(degree) if held else features.square().sum(dim=1)
    return (degree * energy).sum() - (weights * (features @ features.T)).sum()
