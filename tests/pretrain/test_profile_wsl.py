"""WSL on profiles: which wells are a class, and the loss written out."""

from __future__ import annotations

import math

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from impasto import profiles as tables
from impasto.pretrain import profile_wsl
from impasto.pretrain.profile_wsl import ProfileWslSettings
from impasto.schema import InputError

SMALL = {"width": 8, "depth": 1, "heads": 2, "out": 6, "dropout": 0.0, "minibatch": 4}


def table() -> anndata.AnnData:
    names = [f"emb_{channel}_{n:04d}" for channel in ("DNA", "ER") for n in range(3)]
    obs = pd.DataFrame(
        {"perturbation": ["b", "a", "a", "b", "DMSO", None], "control_type": ["trt"] * 4 + ["negcon", "trt"]}, index=list("012345")
    )
    values = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32) * [1, 2, 3, 4, 5, 6]
    return anndata.AnnData(values.astype(np.float32), obs=obs, var=tables.describe_features(names))


def test_treated_wells_are_classes_and_no_others() -> None:
    assert profile_wsl.class_names(table().obs, ["perturbation"]).tolist() == ["b", "a", "a", "b", "", ""]


def test_the_loss_is_the_smoothed_cross_entropy_over_values_standardised_by_what_is_trained_on() -> None:
    made = profile_wsl.prepare(ProfileWslSettings.read({**SMALL, "smoothing": 0.1, "clip_values": 4.0}, where="t"), table(), seed=0)
    assert made.facts["classes"] == ["a", "b"]
    minibatch = made.feed.minibatch(np.array([0, 1, 2, 3]), epoch=0)
    clipped = np.clip(tables.dense(table())[:4].reshape(4, 2, 3), -4, 4)
    method = made.method.eval()
    np.testing.assert_allclose(method.mean, clipped.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(method.spread, clipped.std(axis=0), rtol=1e-5)
    given = torch.tensor((clipped - clipped.mean(axis=0)) / clipped.std(axis=0))
    scores = method.classifier(method.encoder(given)).detach().double().tolist()
    total = 0.0
    for row, own in zip(scores, [1, 0, 0, 1], strict=True):
        log_p = [s - math.log(sum(map(math.exp, row))) for s in row]
        total -= 0.9 * log_p[own] + 0.1 * sum(log_p) / 2
    assert float(method(minibatch).terms["cross_entropy"].detach()) == pytest.approx(total / 4, rel=1e-5)


def test_one_class_is_none_to_tell_apart() -> None:
    one = table()[[1, 2, 4]].copy()
    with pytest.raises(InputError, match="1 class of perturbation is left"):
        profile_wsl.prepare(ProfileWslSettings.read(SMALL, where="t"), one, seed=0)


def test_what_a_recipe_leaves_out_is_as_documented() -> None:
    assert ProfileWslSettings().model_dump() == {
        "name": "profile_wsl",
        "classes": ["perturbation"],
        "only": {},
        "blocks": "channel",
        "width": 64,
        "depth": 2,
        "heads": 4,
        "out": 64,
        "dropout": 0.1,
        "smoothing": 0.0,
        "clip_values": 10.0,
        "minibatch": 64,
    }
