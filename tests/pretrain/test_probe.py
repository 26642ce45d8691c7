"""The probe: perturbations that training does not see; wells find their replicates in other batches, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.pretrain.small import SMALL

from impasto.methods import METHODS
from impasto.plates.sites import Sites
from impasto.pretrain.probe import Probe, ProbeSettings
from impasto.schema import InputError


def probe(batch: list[int]) -> Probe:
    rows = np.arange(6, dtype=np.intp)
    return Probe(None, rows, np.array([0, 0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 0, 1]), np.array(batch), 16)  # type: ignore[arg-type]


def test_it_scores_wells_against_those_of_other_batches() -> None:
    # Wells 0 (two sites), 1 of perturbation 0 and 2 of perturbation 1 in the first batch; 3 (of 0) and 4 (of 1) in the second.
    embeddings = np.array([[0.0, 1.0], [2.0, 1.0], [0.9, 1.1], [5.0, -3.0], [1.2, 0.9], [4.0, -2.0]], dtype=np.float32)
    found = probe([0, 0, 0, 0, 1, 1]).scored(embeddings)
    wells = np.array([[1.0, 1.0], [0.9, 1.1], [5.0, -3.0], [1.2, 0.9], [4.0, -2.0]])
    scaled = (wells - wells.mean(axis=0)) / wells.std(axis=0)
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    group, batch, expected = [0, 0, 1, 0, 1], [0, 0, 0, 1, 1], []
    for query in range(5):
        others = sorted((n for n in range(5) if batch[n] != batch[query]), key=lambda n: -float(unit[query] @ unit[n]))
        hits = [n for n, other in enumerate(others, start=1) if group[other] == group[query]]
        expected.append(np.mean([(i + 1) / place for i, place in enumerate(hits)]))
    assert found["score"] == pytest.approx(np.mean(expected))
    # Random orders by hand: one of two right 3/4; of three, two right 29/36, one right 11/18.
    chances = [3 / 4, 3 / 4, 3 / 4, (1 + 1 + 7 / 12 * 1) / 3, 11 / 18]
    chances[3] = np.mean([np.mean([(i + 1) / p for i, p in enumerate(places)]) for places in ((1, 2), (1, 3), (2, 3))])
    assert found["chance"] == pytest.approx(np.mean(chances))


def test_with_one_batch_other_wells_are_asked() -> None:
    embeddings = np.array([[0.0, 1.0], [2.0, 1.0], [0.9, 1.1], [5.0, -3.0], [1.2, 0.9], [4.0, -2.0]], dtype=np.float32)
    assert probe([0] * 6).scored(embeddings)["score"] == pytest.approx(1.0)


def test_training_does_not_see_what_is_held_out(ingested: Path) -> None:
    trainable = METHODS["wsl"]
    settings = trainable.settings.read({"name": "wsl", "minibatch": 2, "probe": {"share": 0.4, "sites": 6}, **SMALL}, where="t")
    sites = Sites.read(ingested)
    made = trainable.prepare(settings, sites, seed=0)
    split = made.facts["split"]
    assert len(split["validation"]) == 3
    assert not set(split["validation"]) & set(split["train"])
    assert made.facts["perturbations"] == split["train"]
    names = sites.table["perturbation"].to_numpy()
    shown = {names[row] for rows in made.feed.pairs.members for row in rows}
    assert shown == set(split["train"])
    assert {names[row] for row in made.validate.sites} <= set(split["validation"])
    assert len(made.validate.sites) <= 6
    torch.manual_seed(0)
    scores = made.validate(made.method.eval())
    assert 0 < scores["score"] <= 1
    assert 0 < scores["chance"] < 1
    everything = trainable.settings.read({"name": "wsl", "minibatch": 2, "probe": {"share": 0.99}, **SMALL}, where="t")
    with pytest.raises(InputError, match="the probe would hold out"):
        trainable.prepare(everything, sites, seed=0)


def test_a_fifth_of_at_most_512_sites_is_probed() -> None:
    assert ProbeSettings().model_dump() == {"share": 0.2, "sites": 512}
