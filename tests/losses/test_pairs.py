"""The contract of a loss of pairs: a plain function learns its scale, a PairLoss is taken as it is."""

from __future__ import annotations

import pytest
import torch

from impasto.losses import LOSSES
from impasto.losses.pairs import PairLoss, Pairs, pair_loss


def pairs() -> Pairs:
    return Pairs(torch.eye(3), 2 * torch.eye(3), torch.tensor(5.0), torch.tensor(-1.0), torch.full((3, 3), 1 / 3))


def test_a_plain_function_is_given_both_sides_and_the_scale() -> None:
    made = pair_loss(lambda p, q, scale: p.sum() + 10 * q.sum() + 100 * scale)
    assert float(made.value(pairs())) == 3 + 60 + 500
    assert (made.scale, made.learns_scale, made.has_bias, dict(made.monitors(pairs()))) == (14.3, True, False, {})


def test_a_pair_loss_is_itself() -> None:
    own = PairLoss(lambda given: given.bias + given.targets.sum(), scale=2.0, learns_scale=False, has_bias=True)
    assert pair_loss(own) is own
    assert float(own.value(pairs())) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "scale", "learns_scale", "has_bias"),
    [
        ("clip", 14.3, True, False),
        ("cloob", 14.3, False, False),
        ("cwcl", 14.3, True, False),
        ("s2l", 10.0, True, True),
        ("sigclip", 10.0, True, True),
    ],
)
def test_each_of_the_papers_says_what_it_begins_with(name: str, scale: float, learns_scale: bool, has_bias: bool) -> None:
    loss = pair_loss(LOSSES[name])
    assert (loss.scale, loss.learns_scale, loss.has_bias) == (scale, learns_scale, has_bias)
