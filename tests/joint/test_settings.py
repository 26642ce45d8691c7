"""The settings of the two towers: what a recipe may leave out, and what it may not say."""

from __future__ import annotations

import pytest

from impasto.joint.settings import LossSettings, PerturbationSettings, TwoTowersSettings
from impasto.schema import InputError


def test_the_towers_take_what_the_loss_and_the_perturbation_take() -> None:
    own = set(TwoTowersSettings.model_fields)
    assert own > set(LossSettings.model_fields) | set(PerturbationSettings.model_fields)
    found = TwoTowersSettings.read({"loss": "s2l", "perturbation": "molecule", "split": {"validation": 0.2}}, where="test")
    assert (found.loss, found.perturbation, found.split.validation) == ("s2l", "molecule", 0.2)
    assert found.split.by == TwoTowersSettings().split.by


def test_lists_are_not_shared_between_settings() -> None:
    TwoTowersSettings().group_by.append("plate")
    assert TwoTowersSettings().group_by == ["perturbation"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"loss": "clipp"}, r"test, loss: unknown loss 'clipp' \(did you mean 'clip'\?\); allowed: .*clip, .*sigclip"),
        ({"poolin": "mean"}, r"test: unknown key 'poolin' \(did you mean 'pooling'"),
        ({"minibatch": 64.5}, "test: minibatch is 64.5, but input should be a valid integer"),
        ({"split": {"validaton": 0.1}}, r"test, split: unknown key 'validaton'"),
        ({"scale": float("inf")}, "test: scale is "),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        TwoTowersSettings.read(wrong, where="test")
