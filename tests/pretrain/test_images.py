"""The frame of image-only methods: the light of each channel, the feed of views, channels by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.pretrain.small import FACTS, SMALL, built, standardised, views

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.images import Facts, normalised
from impasto.schema import InputError


def test_light_is_standardised_by_the_channel_and_embeddings_are_the_encoders() -> None:
    method, image = built("wsl").eval(), views().anchor
    torch.testing.assert_close(method.light(image), standardised(image))
    only = torch.tensor([1])
    torch.testing.assert_close(method.light(image[:, 1:], only), standardised(image)[:, 1:])
    torch.testing.assert_close(method.embed(image), method.encoder.represent(standardised(image)))
    assert Facts.of({**FACTS.__dict__, "sites": 3}) == FACTS


def test_light_is_standardised_by_each_image_where_it_is_asked_so() -> None:
    image = torch.rand(2, 3, 5, 4, dtype=torch.float64)
    image[1, 2] = 0.25
    found = normalised(image, torch.ones(3), torch.ones(3), how="image")
    for n in range(2):
        for c in range(3):
            plane = image[n, c]
            wanted = (plane - plane.mean()) / plane.std(correction=0) if plane.std() > 0 else torch.zeros_like(plane)
            torch.testing.assert_close(found[n, c], wanted)
    # Neither a gain nor an offset of a channel's light is seen any more.
    torch.testing.assert_close(normalised(0.5 * image + 0.1, torch.ones(3), torch.ones(3), how="image"), found)
    assert not torch.allclose(normalised(0.5 * image + 0.1, torch.ones(3), torch.ones(3), how="data"), image - 1)


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
