"""Cell-line tokens on any trunk: prepended, mixed, taken off; another line, another reading; unknown lines have tokens of their own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from impasto.nets.cell_line_tokens import LinesOfRows, attach
from impasto.nets.encoders.channel_vit import ChannelViT
from impasto.nets.encoders.vit import ViT
from impasto.nets.trunk import Attention, Trunk


def trunk(width: int = 8) -> Trunk:
    torch.manual_seed(0)
    return Trunk(width=width, depth=2, mixer=lambda: Attention(width=width, heads=2))


def test_the_trunk_sees_the_lines_tokens_and_gives_back_the_images() -> None:
    plain, lined = trunk(), trunk()
    lines_of_rows = LinesOfRows()
    lines = attach(lined, lines_of_rows, dim=3, width=8, tokens=2, drop=0.0)
    tokens = torch.randn(4, 5, 8)
    vectors, known = torch.randn(4, 3), torch.tensor([True, True, False, True])
    with lines_of_rows.of(vectors, known):
        found = lined(tokens)
    # The oracle: W h + b cut into two tokens, or the unknown ones, put before the others by hand.
    made = [(lines.project.weight @ vectors[i] + lines.project.bias).view(2, 8) if known[i] else lines.unknown for i in range(4)]
    by_hand = torch.stack([torch.cat([m, t]) for m, t in zip(made, tokens, strict=True)])
    torch.testing.assert_close(found, plain(by_hand)[:, 2:])
    assert found.shape == tokens.shape


def test_a_mask_grows_by_tokens_that_are_real() -> None:
    plain, lined = trunk(), trunk()
    lines_of_rows = LinesOfRows()
    lines = attach(lined, lines_of_rows, dim=3, width=8, tokens=1, drop=0.0)
    tokens, mask = torch.randn(2, 4, 8), torch.tensor([[True, True, False, False], [True] * 4])
    with lines_of_rows.of(torch.randn(2, 3), torch.ones(2, dtype=torch.bool)):
        before = torch.cat([lines(2), tokens], dim=1)
        found = lined(tokens, mask)
    torch.testing.assert_close(found, plain(before, torch.cat([torch.ones(2, 1, dtype=torch.bool), mask], dim=1))[:, 1:])


def test_rows_seen_several_times_keep_their_line_and_nothing_stays_told() -> None:
    lined, lines_of_rows = trunk(), LinesOfRows()
    lines = attach(lined, lines_of_rows, dim=3, width=8, tokens=1, drop=0.0)
    with lines_of_rows.of(torch.eye(3), torch.ones(3, dtype=torch.bool)):
        six = lines(6)
        assert torch.equal(six[0], six[1])
        assert not torch.equal(six[1], six[2])
    assert lines_of_rows.vectors is None
    torch.testing.assert_close(lines(2), lines.unknown.expand(2, -1, -1))


def test_some_rows_are_told_as_unknown_in_training_only() -> None:
    lined, lines_of_rows = trunk(), LinesOfRows()
    lines = attach(lined, lines_of_rows, dim=3, width=8, tokens=1, drop=0.5)
    with lines_of_rows.of(torch.randn(200, 3), torch.ones(200, dtype=torch.bool)):
        torch.manual_seed(0)
        share = (lines(200) == lines.unknown).all(dim=2).float().mean()
        assert 0.3 < float(share) < 0.7
        lines.eval()
        assert not (lines(200) == lines.unknown).all(dim=2).any()


@pytest.mark.parametrize("kind", [ViT, ChannelViT])
def test_an_encoder_with_tokens_keeps_its_weights_names_and_learns_them(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    encoder = kind(channels=2, size=16, patch=8, width=8, depth=1, heads=2)
    before = set(encoder.state_dict())
    lines_of_rows = LinesOfRows()
    attach(encoder.trunk, lines_of_rows, dim=3, width=8, tokens=2)
    assert set(encoder.state_dict()) - before == {f"trunk.lines.{n}" for n in ("project.weight", "project.bias", "unknown")}
    images = torch.rand(3, 2, 16, 16)
    with lines_of_rows.of(torch.randn(3, 3), torch.ones(3, dtype=torch.bool)):
        one = encoder.eval().represent(images)
    with lines_of_rows.of(torch.randn(3, 3), torch.ones(3, dtype=torch.bool)):
        other = encoder.represent(images)
        keep = torch.tensor([[0, 2]] * 3)
        assert encoder(images, keep).shape == (3, 3, 8)  # dropped patches are dropped with tokens too
        encoder.represent(images).square().sum().backward()
    assert not torch.allclose(one, other)
    assert encoder.trunk.lines.project.weight.grad.abs().sum() > 0
