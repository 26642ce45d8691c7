"""Few-shot material: channels by name, absent ones as their mean, whole views, and what begins anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata
import numpy as np
import pytest
import torch

from impasto import identity
from impasto.plates.sites import Sites
from impasto.pretrain import few_shot, profile_wsl, views
from impasto.pretrain.images import Facts
from impasto.pretrain.profile_wsl import ProfileWslSettings
from impasto.schema import InputError
from impasto.simulate import profiles as simulated
from impasto.simulate.plan import Plan
from impasto.training.earlier import Earlier

SMALL: dict[str, Any] = {"width": 8, "depth": 1, "heads": 2, "out": 8, "minibatch": 8}


class Pixels(SimpleNamespace):
    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.stack([torch.full((2, 2), 10.0 * number + place) for place in range(len(self.channels))])


def test_channels_are_those_of_the_run_and_absent_ones_hold_their_mean() -> None:
    facts = Facts(["ER", "GFP", "DNA"], [5.0, 6.0, 7.0], [1.0, 1.0, 1.0], perturbations=[])
    filled = few_shot._Filled(Pixels(channels=["DNA", "ER"]), facts)
    assert filled.place == [1, -1, 0]
    assert filled[2][:, 0, 0].tolist() == [21.0, 6.0, 20.0]
    assert filled[2].shape == (3, 2, 2)
    same = few_shot._Filled(Pixels(channels=["ER", "GFP", "DNA"]), facts)
    assert same[1][:, 0, 0].tolist() == [10.0, 11.0, 12.0]


@pytest.fixture(scope="module")
def profiles() -> anndata.AnnData:
    return simulated.simulate(Plan(batches=1, plates=2, perturbations=6, mechanisms=3, controls=4), seed=0)[0]


@pytest.fixture(scope="module")
def earlier(profiles: anndata.AnnData) -> Earlier:
    settings = ProfileWslSettings.read({"name": "profile_wsl", **SMALL}, where="test")
    made = profile_wsl.prepare(settings, profiles, seed=0)
    weights = {name: value.clone() for name, value in made.method.state_dict().items()}
    for name in weights:
        if name.startswith("encoder."):
            weights[name] = weights[name] + 0.25
    return Earlier(Path("run"), {"name": "profile_wsl", **settings.model_dump(mode="json")}, made.facts, weights)


def test_the_encoder_begins_with_the_weights_of_the_run_and_the_classifier_anew(profiles: anndata.AnnData, earlier: Earlier) -> None:
    material = few_shot.Profiles(profiles, {"minibatch": 8}, earlier, where="test")
    shown = np.flatnonzero(material.names != "")[:8]
    prepared = material.prepared(shown, seed=1)
    before = {name: value.clone() for name, value in prepared.method.state_dict().items()}
    material.begin(prepared)
    after = prepared.method.state_dict()
    for name in after:
        if name.startswith("encoder.") or name in ("mean", "spread"):
            assert torch.equal(after[name], earlier.weights[name]), name
        elif name.startswith("classifier."):
            assert torch.equal(after[name], before[name]), name
    assert set(prepared.facts["classes"]) == {str(name) for name in material.names[shown]}
    scores = material.scores(prepared.method, np.arange(5))
    assert scores.shape == (5, len(prepared.facts["classes"]))
    one = material.scores(prepared.method, np.array([3]))
    np.testing.assert_allclose(scores[3], one[0], atol=1e-5)


def test_features_are_matched_by_name_and_missing_ones_refused(profiles: anndata.AnnData, earlier: Earlier) -> None:
    shuffled = few_shot.Profiles(profiles[:, ::-1].copy(), {}, earlier, where="test")
    plain = few_shot.Profiles(profiles, {}, earlier, where="test")
    assert torch.equal(shuffled.values, plain.values)
    with pytest.raises(InputError, match="features"):
        few_shot.Profiles(profiles[:, 1:].copy(), {}, earlier, where="test")
    wrong = Earlier(Path("run"), {"name": "wsl"}, {}, {})
    with pytest.raises(InputError, match="run holds a wsl model; on profiles, start from a profile_wsl run"):
        few_shot.Profiles(profiles, {}, wrong, where="test")


def test_profiles_of_another_encoder_are_not_fine_tuned(profiles: anndata.AnnData, earlier: Earlier) -> None:
    facts = {**earlier.facts, "identity": identity.Identity({"name": "dinov2_s14", "layer": 6}).record()}
    of_run = dataclasses.replace(earlier, facts=facts)
    other = profiles.copy()
    identity.put(other, identity.Identity({"name": "dinov2_s14", "layer": -1}))
    with pytest.raises(InputError, match=r"layer 6, that of the profiles is dinov2_s14 layer -1 \(they differ in layer first: 6, -1\)"):
        few_shot.Profiles(other, {}, of_run, where="test")


def test_without_an_earlier_run_nothing_is_put_in(profiles: anndata.AnnData) -> None:
    material = few_shot.Profiles(profiles, SMALL, None, where="test")
    prepared = material.prepared(np.flatnonzero(material.names != "")[:8], seed=1)
    before = {name: value.clone() for name, value in prepared.method.state_dict().items()}
    material.begin(prepared)
    assert all(torch.equal(value, before[name]) for name, value in prepared.method.state_dict().items())
    again = material.prepared(np.flatnonzero(material.names != "")[:8], seed=1)
    assert all(torch.equal(value, before[name]) for name, value in again.method.state_dict().items())


TINY: dict[str, Any] = {"minibatch": 4, "encoder": {"patch": 8, "width": 12, "depth": 1, "heads": 2}, "views": {"size": 16}}


def test_images_without_a_run_begin_untrained_with_the_light_of_the_sites(ingested: Path) -> None:
    sites = Sites.read(ingested)
    rows = list(range(len(sites)))
    material = few_shot.Images(sites, TINY, None, among=rows, where="test")
    assert material.known.channels == sites.channels
    assert material.known.mean == pytest.approx(material.pictures.mean)
    assert material.known.spread == pytest.approx(material.pictures.spread)
    assert (material.settings.pairs.wells, material.settings.pairs.epoch, material.settings.pairs.controls) == ("single", "sites", False)
    shown = np.flatnonzero(material.names != "")[:6]
    prepared = material.prepared(shown, seed=1)
    assert set(prepared.facts["classes"]) == set(material.names[np.intersect1d(shown, material.pictures.readable)])
    method: Any = prepared.method.eval()
    assert method.mean.tolist() == pytest.approx(list(material.pictures.mean))
    asked = np.array(material.pictures.readable[:3])
    with torch.no_grad():
        whole = views.render([material.pictures[int(row)] for row in asked], [few_shot._WHOLE] * 3, size=16)
        expected = method.classifier(method.embed(whole))
    np.testing.assert_allclose(material.scores(method, asked), expected, atol=1e-5)


def test_images_with_a_run_have_its_encoder_its_size_and_its_light(ingested: Path) -> None:
    sites = Sites.read(ingested)
    untrained = few_shot.Images(sites, TINY, None, among=[0], where="test")
    settings = untrained.settings.model_dump(mode="json")
    facts = {"channels": sites.channels[::-1], "mean": [0.3] * 5, "spread": [0.2] * 5, "perturbations": ["a"]}
    earlier = Earlier(Path("run"), settings, facts, {})
    chosen = {"minibatch": 8, "views": {"size": 99, "focal": 3}}
    material = few_shot.Images(sites, chosen, earlier, among=[0, 1], where="test")
    assert (material.settings.views.size, material.settings.views.focal, material.settings.minibatch) == (16, 3, 8)
    assert material.settings.encoder == untrained.settings.encoder
    assert (material.known.channels, material.known.mean) == (sites.channels[::-1], [0.3] * 5)
    number = material.pictures.readable[0]
    there = material.pictures[number]
    order = [material.pictures.channels.index(name) for name in sites.channels[::-1]]
    assert torch.equal(material.filled[number], there[order])
