"""The settings of the two towers: what a recipe may leave out, and what it may not say."""

from __future__ import annotations

import pytest

from impasto.joint.image_towers import ImageTowersSettings
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


def test_what_a_recipe_leaves_out_is_as_documented() -> None:
    """Numbers of every recipe that says nothing else: one that moves moves the scores of everybody."""
    loss = {"loss": "cwcl", "centre": False, "sharpness": None, "top": None, "scale": None, "bias": -10.0}  # SigLIP begins at -10
    perturbation = {
        "out": 128,
        "dropout": 0.2,
        "perturbation": "text",
        "text": "minilm",
        "text_pooling": "mean",
        "text_training": "frozen",
        "text_top": 2,
        "text_limit": None,
        "template": "painting",
        "details": ["smiles", "gene", "moa"],
        "molecule": "mlp",
        "molecule_vectors": None,
        "bits": 8192,
        "molecule_width": 256,
    }
    towers = {
        "name": "two_towers",
        "blocks": "channel",
        "group_by": ["perturbation"],
        "apart": True,
        "pooling": "gated_attention",
        "profile_tower": "cross_channel_former",
        "width": 128,
        "published": False,
        "depth": 2,
        "heads": 4,
        "clip_values": 10.0,
        "targets": "as_they_are",
        "new_channels": "refuse",
        "minibatch": 64,
        "bag": 8,
        "split": {"by": "perturbation", "validation": 0.1, "test": 0.2, "file": None},
    }
    assert LossSettings().model_dump() == loss
    assert PerturbationSettings().model_dump() == perturbation
    assert TwoTowersSettings().model_dump() == loss | perturbation | towers
    image = ImageTowersSettings().model_dump()
    assert {key: image[key] for key in loss | perturbation} == loss | perturbation
    assert image["split"] == {"by": "perturbation", "validation": 0.0, "test": 0.2, "file": None}
