"""What a run reads of a perturbation."""

from __future__ import annotations

import pytest
import torch
from tests.joint.towers import settings

from impasto.joint import perturbation


@pytest.mark.usefixtures("_text_model")
def test_a_minibatch_of_texts_is_as_long_as_its_longest() -> None:
    chosen = settings(perturbation="text", text_training="whole")
    tokens = perturbation.of_texts(["short", "a much longer sentence about cells and stains", "short"], chosen)
    ids, mask = tokens.take(torch.tensor([0, 2]))
    assert ids.shape == mask.shape
    assert mask.all()
    assert tokens.take(torch.tensor([1]))[0].shape[1] > ids.shape[1]
