"""The feed of views: each perturbation once a pass, and which sites are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.pretrain.small import SMALL

from impasto.methods import METHODS
from impasto.plates.sites import Sites


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
