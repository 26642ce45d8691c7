"""The frame of image-only methods: the light of each channel, the feed of views, channels by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.pretrain.small import FACTS, built, standardised, views

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.images import Facts
from impasto.schema import InputError

SMALL = {
    "encoder": {"patch": 8, "width": 12, "depth": 1, "heads": 2},
    "views": {"size": 32, "focal": 2, "focal_size": 16},
    "pairs": {"lonely": "same-well"},
}


def test_light_is_standardised_by_the_channel_and_embeddings_are_the_encoders() -> None:
    method, image = built("wsl").eval(), views().anchor
    torch.testing.assert_close(method.light(image), standardised(image))
    only = torch.tensor([1])
    torch.testing.assert_close(method.light(image[:, 1:], only), standardised(image)[:, 1:])
    torch.testing.assert_close(method.embed(image), method.encoder.represent(standardised(image)))
    assert Facts.of({**FACTS.__dict__, "sites": 3}) == FACTS


def test_a_feed_shows_each_perturbation_once_a_pass_and_says_which_sites(ingested: Path) -> None:
    trainable = METHODS["msn"]
    settings = trainable.settings.read({"name": "msn", "minibatch": 3, "prototypes": 4, "out": 4, "hidden": 4, **SMALL}, where="t")
    sites = Sites.read(ingested)
    made = trainable.prepare(settings, sites, seed=0)
    parts = made.feed.epoch(0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(made.feed.pairs)))
    assert [p.tolist() for p in parts] == [p.tolist() for p in made.feed.epoch(0)] != [p.tolist() for p in made.feed.epoch(1)]
    shown = made.feed.minibatch(parts[0], epoch=0)
    assert shown.focal.shape[1:] == (2, 5, 16, 16)
    assert shown.anchor.shape[1:] == shown.target.shape[1:] == (5, 32, 32)
    names = sites.table["perturbation"].to_numpy()
    for group, anchor, target in zip(shown.group.tolist(), shown.unit.tolist(), shown.partner.tolist(), strict=True):
        assert names[anchor] == names[target] == made.facts["perturbations"][group]
    assert made.facts["split"] == {"train": made.facts["perturbations"]}


def test_a_channel_that_is_not_there_is_a_sentence(ingested: Path) -> None:
    settings = METHODS["wsl"].settings.read({"name": "wsl", "channels": ["DNAA"], **SMALL}, where="t")
    with pytest.raises(InputError, match=r"no channel 'DNAA' \(did you mean 'DNA'\?\)"):
        METHODS["wsl"].prepare(settings, Sites.read(ingested), seed=0)
