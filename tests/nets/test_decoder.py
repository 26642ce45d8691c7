"""The decoder of masked autoencoders: hidden places only, from what was seen."""

from __future__ import annotations

import torch
from tests.nets.sizes import TINY

from impasto.nets import patches
from impasto.nets.decoder import Decoder
from impasto.nets.encoders.vit import ViT


def test_a_decoder_predicts_the_hidden_tokens_only_from_what_was_seen() -> None:
    torch.manual_seed(0)
    net = ViT(channels=2, **TINY)
    decoder = Decoder(seen_width=24, tokens=16, token_pixels=128, width=16, depth=1, heads=2)
    keep, dropped = patches.split(torch.rand(2, 16), drop=0.75)
    seen = net(torch.randn(2, 2, 32, 32), keep)
    predicted = decoder(seen, keep, dropped)
    assert predicted.shape == (2, 12, 128)
    order = torch.randperm(12)
    torch.testing.assert_close(decoder(seen, keep, dropped[:, order]), predicted[:, order], rtol=1e-4, atol=1e-5)
    looking = Decoder(seen_width=24, tokens=16, token_pixels=128, width=16, depth=1, heads=2, beside=True)
    beside, elsewhere = torch.randn(2, 2, 17, 24)
    assert not torch.allclose(looking(seen, keep, dropped, beside), looking(seen, keep, dropped, elsewhere))
