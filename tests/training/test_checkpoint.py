"""Weights are put back by name, every mismatch a sentence, unless the names were said to begin anew."""

from __future__ import annotations

from pathlib import Path

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


def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    """Weights, the moments of AdamW, the random state (dropout) and the place: three steps equal two, a kill, and one."""

    def net() -> tuple[nn.Module, torch.optim.Optimizer]:
        made = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
        return made, torch.optim.AdamW(made.parameters(), lr=0.1)

    def step(module: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        module(torch.ones(8, 3)).square().mean().backward()
        optimiser.step()

    torch.manual_seed(0)
    one, first = net()
    assert not checkpoint.exists(tmp_path)
    for number in range(3):
        if number == 2:
            checkpoint.save(tmp_path, method=one, optimiser=first, place={"step": 2, "best": 0.25})
        step(one, first)
    torch.manual_seed(99)
    other, second = net()
    assert checkpoint.load(tmp_path, method=other, optimiser=second) == {"step": 2, "best": 0.25}
    step(other, second)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_tied_weights_are_kept_and_another_model_is_refused(tmp_path: Path) -> None:
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    optimiser = torch.optim.AdamW(tied.parameters())
    checkpoint.save(tmp_path, method=tied, optimiser=optimiser, place={})
    checkpoint.load(tmp_path, method=tied, optimiser=optimiser)
    with pytest.raises(InputError, match=r"weight '0\.bias' is not part of this model"):
        checkpoint.load(tmp_path, method=nn.Linear(2, 2), optimiser=optimiser)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(bad: float) -> None:
    weights = {name: tensor.clone() for name, tensor in model().state_dict().items()}
    name = sorted(weights)[1]
    weights[name].view(-1)[-1] = bad
    with pytest.raises(InputError, match=f"runs/a: weight '{name}' holds values that are not finite"):
        checkpoint.put(model(), weights, where="runs/a")
