"""The validation score of two towers: the mean reciprocal rank of the right partner, both ways, among held-out perturbations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional


def consensus(embeddings: Tensor, numbers: npt.NDArray[np.intp], /) -> Tensor:
    """The unit mean of the embeddings of each perturbation.

    Parameters
    ----------
    embeddings
        (groups, out).
    numbers
        (groups,), the perturbation of each group, numbered from 0.

    Returns
    -------
    Tensor
        Unit rows (perturbations, out).

    """
    where = torch.as_tensor(numbers, device=embeddings.device)
    return functional.normalize(embeddings.new_zeros(int(numbers.max()) + 1, embeddings.shape[1]).index_add(0, where, embeddings), dim=1)


def reciprocal_rank(profiles: Tensor, perturbations: Tensor, /) -> dict[str, float]:
    """How early each profile finds its perturbation and each perturbation its profile.

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings (n, out); row i of both is one perturbation.

    Returns
    -------
    dict[str, float]
        `score`, the mean of 1 / rank over both directions, ties counted half; `chance`, that of an order that knows nothing.

    """
    similarity = profiles @ perturbations.T
    own = similarity.diagonal()
    # Ties count half: a constant model scores as chance, not as perfect.
    ranks = [1 + (s > own[:, None]).sum(1) + 0.5 * ((s == own[:, None]).sum(1) - 1) for s in (similarity, similarity.T)]
    reciprocal = float(torch.cat([1.0 / r for r in ranks]).mean())
    n = len(own)
    return {"score": reciprocal, "chance": sum(1.0 / k for k in range(1, n + 1)) / n}
