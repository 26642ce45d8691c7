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
