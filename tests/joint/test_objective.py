"""The objective of the towers: each loss with the scale and bias it learns, and what is logged beside it."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from impasto.joint.objective import Objective
from impasto.joint.settings import LossSettings, TwoTowersSettings
from impasto.losses import LOSSES
from impasto.losses.clip import clip
from impasto.losses.cloob import cloob
from impasto.losses.cwcl import cwcl, entropy_share, weights
from impasto.losses.s2l import s2l
from impasto.losses.sigclip import sigclip
from impasto.losses.soft_sigclip import answers, soft_sigclip
from impasto.nets.pooling import POOLINGS
from impasto.schema import InputError

P, Q = (functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(s)), dim=1) for s in (0, 1))
POOLED = torch.randn(6, 2, 3, generator=torch.Generator().manual_seed(2))
SCALE, BIAS = torch.tensor(7.0), torch.tensor(-3.0)
EXPECTED = {
    "clip": clip(P, Q, SCALE),
    "cloob": cloob(P, Q, SCALE),
    "cwcl": cwcl(P, Q, SCALE, weights(POOLED, centre=True, sharpness=4.0, top=3)),
    "s2l": s2l(P, Q, SCALE, BIAS),
    "soft_sigclip": soft_sigclip(P, Q, SCALE, BIAS, answers(P)),
    "sigclip": sigclip(P, Q, SCALE, BIAS),
}


def objective(**changes: object) -> Objective:
    return Objective(LossSettings.read(changes, where="test"))


@pytest.mark.parametrize("loss", EXPECTED)
def test_it_is_the_loss_that_is_named(loss: str) -> None:
    found, monitors = objective(loss=loss, scale=7.0, bias=-3.0, centre=True, sharpness=4.0, top=3)(P, Q, POOLED)
    torch.testing.assert_close(found, EXPECTED[loss])
    assert float(monitors["scale"].detach()) == pytest.approx(7.0)
    torch.testing.assert_close(monitors["target_entropy_share"], entropy_share(weights(POOLED, centre=True, sharpness=4.0, top=3)))


@pytest.mark.parametrize("loss", EXPECTED)
def test_it_learns_its_scale_but_for_cloob_and_its_bias_where_it_has_one(loss: str) -> None:
    made = objective(loss=loss)
    assert float(made.log_scale.detach().exp()) == pytest.approx(10.0 if loss in ("sigclip", "soft_sigclip", "s2l") else 14.3)
    learned = {name for name, p in made.named_parameters() if p.requires_grad}
    assert learned == (set() if loss == "cloob" else {"log_scale"}) | ({"bias"} if loss in ("sigclip", "soft_sigclip", "s2l") else set())
    assert set(made.no_decay) >= learned


def test_the_scale_never_passes_a_hundred() -> None:
    made = objective(loss="clip")
    with torch.no_grad():
        made.log_scale.fill_(math.log(1000.0))
    found, monitors = made(P, Q, POOLED)
    torch.testing.assert_close(found, clip(P, Q, torch.tensor(100.0)))
    assert float(monitors["scale"].detach()) == 100.0


def test_soft_answers_are_counted_among_the_pairs_of_different_perturbations() -> None:
    near = torch.eye(6)
    near[1] = functional.normalize(near[0] + 0.05 * near[1], dim=0)
    _, monitors = objective(loss="s2l")(near, Q.repeat(1, 2)[:, :6], POOLED)
    assert float(monitors["soft_answers"]) == pytest.approx(2 / 30)
    _, none = objective(loss="s2l")(torch.eye(6), Q.repeat(1, 2)[:, :6], POOLED)
    assert float(none["soft_answers"]) == 0.0


def test_a_function_given_in_python_is_a_loss_like_those_that_are_named() -> None:
    made = Objective(LossSettings(scale=2.0), loss=lambda p, q, scale: scale * (p * q).sum())
    found, monitors = made(P, Q, POOLED)
    torch.testing.assert_close(found, 2.0 * (P * Q).sum())
    assert {name for name, p in made.named_parameters() if p.requires_grad} == {"log_scale"}
    assert set(monitors) == {"scale", "target_entropy_share"}


def test_names_of_losses_and_poolings_come_from_their_families() -> None:
    with pytest.raises(InputError, match=rf"unknown loss 'clop' \(did you mean 'clip'\?\); allowed: {', '.join(LOSSES)}$"):
        objective(loss="clop")
    with pytest.raises(InputError, match=f"unknown pooling 'sum'; allowed: {', '.join(POOLINGS)}$"):
        TwoTowersSettings.read({"pooling": "sum"}, where="test")
