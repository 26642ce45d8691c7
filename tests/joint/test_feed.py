"""Minibatches of bags."""

from __future__ import annotations

import numpy as np
import torch

from impasto.joint.feed import BagFeed


def test_profiles_alone_make_bags_without_perturbations() -> None:
    feed = BagFeed(torch.randn(6, 2, 3), None, [np.array([0, 1]), np.array([2])], minibatch=2, bag=None, seed=0)
    (whole,) = feed.whole()
    assert whole.perturbation == ()
    assert whole.mask.tolist() == [[True, True], [True, False]]
