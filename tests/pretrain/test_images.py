"""The frame of image-only methods: the light of each channel, the feed of views, channels by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.pretrain.small import FACTS, SMALL, built, standardised, views

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.images import Facts
from impasto.schema import InputError


def test_light_is_standardised_by_the_channel_and_embeddings_are_the_encoders() -> None:
    method, image = built("wsl").eval(), views().anchor
    torch.testing.assert_close(method.light(image), standardised(image))
    only = torch.tensor([1])
    torch.testing.assert_close(method.light(image[:, 1:], only), standardised(image)[:, 1:])
    torch.testing.assert_close(method.embed(image), method.encoder.represent(standardised(image)))
    assert Facts.of({**FACTS.__dict__, "sites": 3}) == FACTS


def test_a_channel_that_is_not_there_is_a_sentence(ingested: Path) -> None:
    settings = METHODS["wsl"].settings.read({"name": "wsl", "channels": ["DNAA"], **SMALL}, where="t")
    with pytest.raises(InputError, match=r"no channel 'DNAA' \(did you mean 'DNA'\?\)"):
        METHODS["wsl"].prepare(settings, Sites.read(ingested), seed=0)


def test_a_run_remembers_the_light_the_sites_and_the_channels_that_it_was_made_of(ingested: Path) -> None:
    settings = METHODS["simclr"].settings.read({"name": "simclr", "channels": ["Mito", "DNA"], "minibatch": 4, **SMALL}, where="t")
    sites = Sites.read(ingested)
    made = METHODS["simclr"].prepare(settings, sites, seed=0)
    pictures = made.feed.pictures
    assert made.facts["channels"] == pictures.channels == ["Mito", "DNA"]
    assert made.facts["mean"] == pytest.approx(list(pictures.mean))
    assert made.facts["spread"] == pytest.approx(list(pictures.spread))
    light = torch.stack([pictures[number] for number in pictures.readable]).double() / 255
    assert made.facts["mean"] == pytest.approx(light.mean(dim=(0, 2, 3)).tolist(), rel=1e-5)
    assert made.facts["spread"] == pytest.approx(light.std(dim=(0, 2, 3), correction=0).tolist(), rel=1e-5)
    assert made.facts["sites"] == len(sites) - 1
    assert [entry["site"] for entry in made.facts["quarantine"]] == [bad["site"] for bad in pictures.bad]
    assert len(pictures.bad) == 1
    assert made.facts["parameters"] == sum(p.numel() for p in made.method.encoder.parameters())
    assert made.method.mean.tolist() == pytest.approx(made.facts["mean"])
