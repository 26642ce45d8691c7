"""The two towers on simulated profiles: every part can be chosen, trains, and comes back from disk; molecules are embedded."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch

from impasto import runs
from impasto.joint import perturbation, two_towers
from impasto.joint.feed import BagFeed
from impasto.joint.space import Space
from impasto.joint.two_towers import TwoTowersSettings
from impasto.nets.encoders import text
from impasto.sampling.splits import SplitSettings
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate
from impasto.training.loop import LoopSettings, fit
from impasto.training.optim import OptimSettings

SMALL = {"width": 16, "out": 8, "depth": 1, "heads": 2, "minibatch": 8, "molecule_width": 16, "bits": 256, "split": {"validation": 0.2}}


@pytest.fixture(scope="module")
def profiles() -> anndata.AnnData:
    return simulate(Plan(perturbations=40, mechanisms=4, noise=0.5, strength=2.0), seed=3)[0]


def settings(**changes: object) -> TwoTowersSettings:
    return TwoTowersSettings.read({"perturbation": "molecule", **SMALL, **changes}, where="test")


def trained(profiles: anndata.AnnData, out: Path, *, epochs: int = 2, **changes: object) -> Space:
    chosen = settings(**changes)
    prepared = two_towers.prepare(chosen, profiles, seed=0)
    loop = LoopSettings(epochs=epochs, optim=OptimSettings(lr=2e-3, clip_norm=1.0))
    runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts, "profiles": "simulated"})
    fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
    return Space.load(out)


@pytest.mark.parametrize("loss", ["clip", "cwcl", "cloob", "sigclip", "s2l"])
def test_every_loss_trains(profiles: anndata.AnnData, tmp_path: Path, loss: str) -> None:
    before = profiles.X.copy()
    space = trained(profiles, tmp_path, loss=loss)
    scale = float(space.method.objective.log_scale.detach().exp())
    start = 10.0 if loss in ("sigclip", "s2l") else 14.3
    assert (scale == pytest.approx(start, rel=1e-6)) == (loss == "cloob")
    np.testing.assert_array_equal(profiles.X, before)


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling": "kmeans"},
        {"pooling": "hierarchical", "molecule": "residual"},
        {"profile_tower": "residual", "pooling": "mean", "depth": 6},
        {"molecule": "message_passing"},
        {"group_by": ["plate", "well"], "pooling": "mean"},
    ],
    ids=str,
)
def test_every_part_trains_and_comes_back_from_disk(profiles: anndata.AnnData, tmp_path: Path, changes: dict[str, object]) -> None:
    space = trained(profiles, tmp_path, **changes)
    embedded = space.embed(profiles)
    consensus = embedded.obs["level"] == "perturbation"
    assert (embedded.obs.loc[consensus, "modality"] == "profile").sum() == (embedded.obs["modality"] == "perturbation").sum() == 40
    np.testing.assert_allclose(np.linalg.norm(embedded.X, axis=1), 1.0, rtol=1e-5)
    treated = embedded.obs[embedded.obs["modality"] == "perturbation"].iloc[0]
    row = int(embedded.obs_names.get_loc(treated.name))
    np.testing.assert_allclose(space.smiles(treated["smiles"]), embedded.X[row], atol=1e-6)
    assert np.linalg.norm(space.smiles("CCCCBr")) == pytest.approx(1.0, rel=1e-5)


def test_a_molecule_run_reads_no_text_and_refuses_bad_molecules(profiles: anndata.AnnData, tmp_path: Path) -> None:
    space = trained(profiles, tmp_path, epochs=1)
    with pytest.raises(InputError, match="was trained on molecules and reads no text"):
        space.text("a sentence")
    with pytest.raises(InputError, match="'C1CC' is not a SMILES"):
        space.smiles("C1CC")
    nameless = profiles.copy()
    nameless.obs = nameless.obs.drop(columns="smiles")
    with pytest.raises(InputError, match="40 perturbations have no SMILES"):
        two_towers.prepare(settings(), nameless, seed=0)


def test_molecules_of_unseen_compounds_are_found_and_shuffled_links_are_not(profiles: anndata.AnnData, tmp_path: Path) -> None:
    """On these simulated plates a compound's rings say what it does, so a held-out molecule can be placed."""
    many = simulate(Plan(perturbations=80, mechanisms=4, noise=0.3, strength=3.0), seed=5)[0]

    def score(table: anndata.AnnData, out: Path) -> float:
        chosen = settings(split=SplitSettings(validation=0.3, test=0.0).model_dump(), width=32, out=32, minibatch=16)
        prepared = two_towers.prepare(chosen, table, seed=1)
        loop = LoopSettings(epochs=8, optim=OptimSettings(lr=4e-3, clip_norm=1.0))
        fit(prepared.method, prepared.feed, settings=loop, out=out)
        with torch.no_grad():
            found = prepared.validate(prepared.method.eval())
        return found["score"] / found["chance"]

    shuffled = many.copy()
    names = sorted(shuffled.obs["smiles"].dropna().unique())
    other = dict(zip(names, np.random.default_rng(1).permutation(names), strict=True))
    shuffled.obs["smiles"] = shuffled.obs["smiles"].map(other)
    assert score(many, tmp_path / "true") > 1.6
    assert score(shuffled, tmp_path / "shuffled") < 1.3


def test_wells_of_one_compound_never_meet_unless_asked(profiles: anndata.AnnData) -> None:
    for apart in (True, False):
        feed = two_towers.prepare(settings(group_by=["plate", "well"], apart=apart), profiles, seed=0).feed
        treated = two_towers.without_controls(profiles).obs["perturbation"].to_numpy()
        met = 0
        for number in range(3):
            rows = feed.epoch(number)
            assert sorted(np.concatenate(rows)) == list(range(len(feed.members)))
            for minibatch in rows:
                names = [treated[feed.members[i][0]] for i in minibatch]
                met += len(names) - len(set(names))
        assert (met == 0) == apart
    assert [list(r) for r in feed.epoch(1)] == [list(r) for r in feed.epoch(1)]


def test_one_inchikey_is_one_perturbation(profiles: anndata.AnnData, tmp_path: Path) -> None:
    twice = profiles.copy()
    names = twice.obs["perturbation"].astype(str)
    first, second = sorted(n for n in names.unique() if n != "DMSO")[:2]
    twice.obs["inchikey"] = names.where(names != second, first)
    twice.obs.loc[twice.obs["perturbation"] == second, "smiles"] = twice.obs.loc[twice.obs["perturbation"] == first, "smiles"].iloc[0]
    embedded = trained(twice, tmp_path, epochs=1).embed(twice)
    assert (embedded.obs["modality"] == "perturbation").sum() == 39


def test_a_compound_that_was_trained_on_is_known_under_another_name(profiles: anndata.AnnData, tmp_path: Path) -> None:
    keyed = profiles.copy()
    keyed.obs["inchikey"] = "KEY-" + keyed.obs["perturbation"].astype(str)
    space = trained(keyed, tmp_path, epochs=1)
    renamed = keyed.copy()
    renamed.obs["perturbation"] = "OTHER-" + keyed.obs["perturbation"].astype(str)
    before, after = space.embed(keyed).obs, space.embed(renamed).obs
    assert after["split"].tolist() == before["split"].tolist()
    assert {"train", "validation", "test"} == set(after["split"])
    assert len(space.facts["split_digest"]) == 64


@pytest.fixture(scope="module")
def _text_model() -> None:
    try:
        text.load("minilm")
    except InputError as error:
        pytest.skip(f"the packaged text model cannot be fetched: {error}")


@pytest.mark.usefixtures("_text_model")
def test_the_top_layers_of_the_text_model_learn_and_the_others_stay(profiles: anndata.AnnData, tmp_path: Path) -> None:
    few = profiles[np.isin(profiles.obs["perturbation"].astype(str), sorted(profiles.obs["perturbation"].astype(str).unique())[:12])].copy()
    before = {k: v.clone() for k, v in text.load("minilm").model.state_dict().items()}
    space = trained(few, tmp_path, epochs=1, perturbation="text", text_training="top", text_top=1, details=[])
    moved = {k for k, v in space.method.perturbation_tower.encoder.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved
    assert all(k.startswith("encoder.layer.5.") for k in moved)  # the mean of tokens passes the pooler by
    sentence = "A cell painting image of cells treated with something."
    np.testing.assert_allclose(space.text(sentence), space.text(sentence))
    with pytest.raises(InputError, match="has 6 layers, so its last 9 cannot be trained"):
        two_towers.prepare(settings(perturbation="text", text_training="top", text_top=9), few, seed=0)


@pytest.mark.usefixtures("_text_model")
def test_a_minibatch_of_texts_is_as_long_as_its_longest() -> None:
    chosen = settings(perturbation="text", text_training="whole")
    tokens = perturbation.of_texts(["short", "a much longer sentence about cells and stains", "short"], chosen)
    ids, mask = tokens.take(torch.tensor([0, 2]))
    assert ids.shape == mask.shape
    assert mask.all()
    assert tokens.take(torch.tensor([1]))[0].shape[1] > ids.shape[1]


def test_profiles_alone_make_bags_without_perturbations() -> None:
    feed = BagFeed(torch.randn(6, 2, 3), None, [np.array([0, 1]), np.array([2])], minibatch=2, bag=None, seed=0)
    (whole,) = feed.whole()
    assert whole.perturbation == ()
    assert whole.mask.tolist() == [[True, True], [True, False]]
