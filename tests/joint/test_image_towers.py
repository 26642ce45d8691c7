"""Two towers on painted plates: trained from recipe to search, held-out perturbations never shown, gradients of every part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto import profiles as tables
from impasto.atlas import search
from impasto.indexed import open_or_build
from impasto.joint import image_towers, perturbation
from impasto.joint.image_towers import ImageTowersSettings
from impasto.joint.space import Space
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.sites import Sites
from impasto.profiling.extract import ProfileSettings
from impasto.schema import InputError
from impasto.simulate import plates
from impasto.simulate.plan import Plan
from impasto.stages import ingest, profile, train
from impasto.stages.ingest import IngestSettings
from impasto.stages.train import TrainSettings

SMALL = {
    "name": "image_towers",
    "perturbation": "molecule",
    "loss": "cwcl",
    "minibatch": 4,
    "out": 8,
    "bits": 64,
    "molecule_width": 8,
    "encoder": {"name": "vit", "patch": 8, "width": 24, "depth": 1, "heads": 3},
    "views": {"size": 32, "focal": 0},
    "split": {"validation": 0.0, "test": 0.4},
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    plan = Plan(plates=1, perturbations=8, mechanisms=2, controls=2, pixels=32, cells=2)
    plates.write(plan, folder / "sim", seed=0, images=True)
    given = {"sources": [str(p) for p in sorted((folder / "sim" / "images").iterdir())], "platemap": [str(folder / "sim" / "platemap.csv")]}
    ingest.run(IngestSettings.read(given, where="test"), folder / "sites")
    return folder / "sites"


@pytest.fixture(scope="module")
def run(sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "model"
    train.run(TrainSettings(sites=sites, method=SMALL, loop={"epochs": 2}), out)
    return out


def test_held_out_perturbations_and_controls_are_never_shown(sites: Path) -> None:
    opened = Sites.read(sites)
    prepared = image_towers.prepare(ImageTowersSettings.read(SMALL, where="test"), opened, seed=1)
    names = opened.table["perturbation"].astype(str).to_numpy()
    shown = {names[int(i)] for rows in prepared.feed.epoch(0) for i in prepared.feed.minibatch(rows, epoch=0).unit}
    assert shown == set(prepared.facts["split"]["train"])
    assert len(prepared.facts["split"]["test"]) == 3
    assert not shown & set(prepared.facts["split"]["test"])
    rows = np.concatenate(prepared.feed.epoch(0))
    assert len(rows) == len(shown)  # one site of each: wells of one compound never meet


def test_every_part_learns(sites: Path) -> None:
    prepared = image_towers.prepare(ImageTowersSettings.read(SMALL, where="test"), Sites.read(sites), seed=0)
    prepared.method.train()
    prepared.method(prepared.feed.minibatch(prepared.feed.epoch(0)[0], epoch=0)).loss.backward()
    for part in ("encoder", "head", "perturbation_tower", "objective"):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in getattr(prepared.method, part).parameters()), part


def test_sites_go_through_the_encoder_and_the_heads(sites: Path, run: Path, tmp_path: Path) -> None:
    profile.VERB.run(ProfileSettings(images=sites, encoder=str(run)), tmp_path / "p.parquet")
    features = tables.read(tmp_path / "p.parquet")
    space = Space.load(run)
    embedded = space.embed(features)
    consensus = embedded.obs["level"] == "perturbation"
    assert (embedded.obs.loc[consensus, "modality"] == "profile").sum() == 8
    row = embedded.obs.index.get_loc(embedded.obs[embedded.obs["modality"] == "perturbation"].index[0])
    np.testing.assert_allclose(space.smiles(embedded.obs["smiles"].iloc[row]), embedded.X[row], atol=1e-6)
    # A perturbation's embedding is the mean of its sites'.
    name = embedded.obs["perturbation"].iloc[row]
    each = embedded.X[((embedded.obs["level"] == "well") & (embedded.obs["perturbation"] == name)).to_numpy()].mean(axis=0)
    whole = embedded.X[(consensus & (embedded.obs["modality"] == "profile") & (embedded.obs["perturbation"] == name)).to_numpy()][0]
    np.testing.assert_allclose(whole, each / np.linalg.norm(each), atol=1e-5)
    with pytest.raises(InputError, match="reads no text"):
        space.text("a sentence")


def test_what_it_embeds_is_what_it_trained(sites: Path, run: Path) -> None:
    space = Space.load(run)
    seen = torch.randn(5, 24)
    torch.testing.assert_close(space.method.embed_representation(seen), torch.nn.functional.normalize(space.method.head(seen), dim=1))


def test_a_run_on_images_answers_molecules_and_images(sites: Path, run: Path) -> None:
    index = open_or_build(run)
    found, _ = search.search(index, kind="smiles", query="CCCCBr", top=3)
    assert found["perturbation"].nunique() == 3
    found, how = search.search(index, kind="image", query=str(sites), top=3)
    assert found["rank"].tolist() == [1, 2, 3]
    assert "images" in how


def test_the_validation_part_is_scored_and_never_shown(sites: Path) -> None:
    opened = Sites.read(sites)
    chosen = ImageTowersSettings.read({**SMALL, "split": {"validation": 0.4, "test": 0.2}}, where="test")
    prepared = image_towers.prepare(chosen, opened, seed=1)
    held = prepared.facts["split"]["validation"]
    assert len(held) == 3
    names = opened.table["perturbation"].astype(str).to_numpy()
    assert not set(held) & {names[int(i)] for rows in prepared.feed.epoch(0) for i in prepared.feed.minibatch(rows, epoch=0).unit}
    method = prepared.method.eval()
    with torch.no_grad():
        found = prepared.validate(method)
        # By hand, from the frozen representation of whole sites: the rank of the own molecule among the three, both ways.
        profiles, molecules = [], []
        for name in sorted(held):
            rows = np.flatnonzero(names == name)
            images = [torch.from_numpy(np.stack([to_8_bit(plane) for plane in opened.image(int(row))])).float()[None] / 255 for row in rows]
            each = torch.cat([method.embed_representation(method.embed(image)) for image in images])
            profiles.append(torch.nn.functional.normalize(each.sum(0), dim=0))
            described = perturbation.describe(opened.table.iloc[rows[:1]], chosen).take(torch.arange(1))
            molecules.append(method.embed_perturbation(*described)[0])
    similarity = torch.stack(profiles) @ torch.stack(molecules).T
    ranks = [1 + int((s[i] > s[i, i]).sum()) for s in (similarity, similarity.T) for i in range(3)]
    assert found["score"] == pytest.approx(sum(1 / rank for rank in ranks) / 6)
    assert found["chance"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert image_towers.prepare(ImageTowersSettings.read(SMALL, where="test"), opened, seed=1).validate is None
