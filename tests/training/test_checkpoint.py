"""Weights are put back by name, every mismatch a sentence, unless the names were said to begin anew."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from impasto.schema import InputError
from impasto.training import checkpoint


def model(*, extra: bool = False, width: int = 3) -> nn.Module:
    parts = {"body": nn.Linear(2, 4), "head": nn.Linear(4, width)}
    return nn.ModuleDict(parts | ({"extra": nn.Linear(1, 1)} if extra else {}))


def test_weights_are_taken_by_name() -> None:
    old, new = model(), model()
    checkpoint.put(new, old.state_dict(), where="old")
    assert all(torch.equal(new.state_dict()[k], v) for k, v in old.state_dict().items())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (model(), model(extra=True), "weight 'extra.bias' is missing"),
        (model(extra=True), model(), "weight 'extra.bias' is not part of this model"),
        (model(width=5), model(), r"weight 'head.bias' is of shape \(5,\), this model needs \(3,\)"),
    ],
)
def test_every_mismatch_is_a_sentence_unless_its_name_is_fresh(old: nn.Module, new: nn.Module, told: str) -> None:
    with pytest.raises(InputError, match=told):
        checkpoint.put(new, old.state_dict(), where="old")
    before = {k: v.clone() for k, v in new.state_dict().items()}
    checkpoint.put(new, old.state_dict(), where="old", fresh=("extra.*", "head.*"))
    after = new.state_dict()
    assert torch.equal(after["body.weight"], old.state_dict()["body.weight"])
    kept = [k for k in after if k not in old.state_dict() or old.state_dict()[k].shape != after[k].shape]
    assert all(torch.equal(after[k], before[k]) for k in kept)
