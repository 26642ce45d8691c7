"""The feed of views: each perturbation once a pass, and which sites are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.pretrain.small import SMALL

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.view_feed import ViewFeed
from impasto.schema import InputError


def test_a_feed_shows_each_perturbation_once_a_pass_and_says_which_sites(ingested: Path) -> None:
    trainable = METHODS["msn"]
    settings = trainable.settings.read({"name": "msn", "minibatch": 3, "prototypes": 4, "out": 4, "hidden": 4, **SMALL}, where="t")
    sites = Sites.read(ingested)
    made = trainable.prepare(settings, sites, seed=0)
    parts = made.feed.epoch(0)
    assert [len(part) for part in parts] == [3] * (len(made.feed.pairs) // 3)
    assert len(set(np.concatenate(parts).tolist())) == 3 * len(parts)
    assert [p.tolist() for p in parts] == [p.tolist() for p in made.feed.epoch(0)] != [p.tolist() for p in made.feed.epoch(1)]
    shown = made.feed.minibatch(parts[0], epoch=0)
    assert shown.focal.shape[1:] == (2, 5, 16, 16)
    assert shown.anchor.shape[1:] == shown.target.shape[1:] == (5, 32, 32)
    names = sites.table["perturbation"].to_numpy()
    for group, anchor, target in zip(shown.group.tolist(), shown.unit.tolist(), shown.partner.tolist(), strict=True):
        assert names[anchor] == names[target] == made.facts["perturbations"][group]
    assert made.facts["split"] == {"train": made.facts["perturbations"]}


def test_channels_are_sampled_a_number_first_and_then_which(ingested: Path) -> None:
    trainable = METHODS["wsl"]
    chosen = {"name": "wsl", "minibatch": 4, "sample_channels": True, **SMALL}
    chosen["encoder"] = {"name": "channel_vit", "patch": 8, "width": 12, "depth": 1, "heads": 2}
    feed = trainable.prepare(trainable.settings.read(chosen, where="t"), Sites.read(ingested), seed=0).feed
    counts: list[int] = []
    for epoch in range(60):
        shown = feed.minibatch(np.arange(4), epoch=epoch).shown
        assert shown.shape == (4, 5)
        counts += shown.sum(dim=1).tolist()
    assert set(counts) == {1, 2, 3, 4, 5}
    assert max(np.bincount(counts)[1:]) < 2 * min(np.bincount(counts)[1:])
    assert torch.equal(feed.minibatch(np.arange(4), epoch=3).shown, feed.cuts(np.arange(4), epoch=3).to(torch.device("cpu")).shown)
    for values in ({"name": "wsl"}, {"name": "byol", "encoder": chosen["encoder"]}):
        wrong = METHODS[str(values["name"])]
        settings = wrong.settings.read({**SMALL, "sample_channels": True, **values}, where="t")
        with pytest.raises(InputError, match="sample_channels needs an encoder with tokens of each channel"):
            wrong.prepare(settings, Sites.read(ingested), seed=0)


class Pixels:
    """Sites of one channel, each of its own even light."""

    channels = ("DNA",)

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.full((1, 24, 24 + number % 2), number, dtype=torch.uint8)


def test_views_are_cut_from_their_own_sites_and_focal_crops_from_the_anchor(ingested: Path) -> None:
    sites = Sites.read(ingested)
    trainable = METHODS["msn"]
    settings = trainable.settings.read({"name": "msn", "minibatch": 3, "prototypes": 4, "out": 4, "hidden": 4, **SMALL}, where="t")
    pairs = trainable.prepare(settings, sites, seed=0).feed.pairs
    with_focal, without = (ViewFeed(Pixels(), pairs, settings, tokens=7, focal=focal, seed=5) for focal in (True, False))
    rows = np.arange(3)
    shown, plain = with_focal.minibatch(rows, epoch=2), without.minibatch(rows, epoch=2)
    assert plain.focal.shape == (3, 0, 1, 16, 16)
    assert shown.focal.shape == (3, 2, 1, 16, 16)
    assert shown.noise.shape == (3, 7)
    for n in range(3):
        anchor, target = shown.unit[n].item() / 255, shown.partner[n].item() / 255
        torch.testing.assert_close(shown.anchor[n], torch.full((1, 32, 32), anchor))
        torch.testing.assert_close(shown.target[n], torch.full((1, 32, 32), target))
        torch.testing.assert_close(shown.focal[n], torch.full((2, 1, 16, 16), anchor))
    there = with_focal.cuts(rows, epoch=2).to(torch.device("cpu"))  # as a GPU makes them
    for name in ("anchor", "target", "focal", "noise", "group", "unit", "partner"):
        torch.testing.assert_close(getattr(there, name), getattr(shown, name), atol=1e-5, rtol=0)
    assert (there.images, shown.images, plain.images) == (12, 12, 6)
    assert plain.focal.shape == without.cuts(rows, epoch=2).to(torch.device("cpu")).focal.shape
    again, later = with_focal.minibatch(rows[1:2], epoch=2), with_focal.minibatch(rows, epoch=3)
    torch.testing.assert_close(again.noise[0], shown.noise[1])
    assert not torch.equal(later.noise, shown.noise)
