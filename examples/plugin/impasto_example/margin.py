"""Margin: a pair must be more alike, by a margin, than either half is to any other pair.

    L = 1/2N(N-1) sum_i sum_{j != i} max(0, m - <p_i, q_i> + <p_i, q_j>) + max(0, m - <p_i, q_i> + <p_j, q_i>)

with unit rows p (profiles), q (perturbations) and the margin m = 0.2. Kiros et al. 2014.

Departures: the paper sums; here it is a mean, so that the minibatch does not change the learning rate. There is no scale to learn.
"""

from __future__ import annotations

from torch import Tensor

from impasto.losses.pairs import PairLoss


def margin(profiles: Tensor, perturbations: Tensor, /, *, width: float = 0.2) -> Tensor:
    """The loss of N >= 2 pairs, a scalar, from unit embeddings (N, features) twice."""
    similarity = profiles @ perturbations.T
    own, pairs = similarity.diagonal(), len(similarity)
    excess = (width - own[:, None] + similarity).clamp(min=0) + (width - own[None, :] + similarity).clamp(min=0)
    return (excess.sum() - excess.diagonal().sum()) / (2 * pairs * (pairs - 1))


MARGIN = PairLoss(lambda pairs: margin(pairs.profiles, pairs.perturbations), learns_scale=False)
"""Without a scale."""
