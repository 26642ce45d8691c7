"""The feed of views: each perturbation once a pass, and which sites are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.pretrain.small import SMALL

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.view_feed import ViewFeed


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


class Pixels:
    """Sites of one channel, each of its own even light."""

    channels = ("DNA",)

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.full((1, 24, 24), number / 10)


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
        anchor, target = shown.unit[n].item() / 10, shown.partner[n].item() / 10
        torch.testing.assert_close(shown.anchor[n], torch.full((1, 32, 32), anchor))
        torch.testing.assert_close(shown.target[n], torch.full((1, 32, 32), target))
        torch.testing.assert_close(shown.focal[n], torch.full((2, 1, 16, 16), anchor))
    again, later = with_focal.minibatch(rows[1:2], epoch=2), with_focal.minibatch(rows, epoch=3)
    torch.testing.assert_close(again.noise[0], shown.noise[1])
    assert not torch.equal(later.noise, shown.noise)
