"""The two towers on simulated profiles: every part can be chosen, trains, and comes back from disk; a prior and tokens may be added."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pytest
import torch
from tests.joint.towers import settings, trained

from impasto import runs
from impasto.joint import two_towers
from impasto.joint.described import Features
from impasto.joint.feed import BagFeed, Bags
from impasto.joint.space import Space
from impasto.joint.two_towers import TwoTowers
from impasto.losses.cwcl import cwcl, weights
from impasto.nets.encoders import text
from impasto.perturbations import cell_lines, graph_prior
from impasto.perturbations import graph as graphs
from impasto.perturbations.cell_lines import CellLineSettings
from impasto.perturbations.graph_prior import PriorSettings
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.sampling.settings import SplitSettings
from impasto.schema import InputError
from impasto.simulate import lines
from impasto.simulate.plan import Plan, truth
from impasto.simulate.profiles import simulate
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings, OptimSettings


@pytest.mark.parametrize("loss", ["clip", "cwcl", "cloob", "sigclip", "soft_sigclip", "s2l"])
def test_every_loss_trains(profiles: anndata.AnnData, tmp_path: Path, loss: str) -> None:
    before = profiles.X.copy()
    space = trained(profiles, tmp_path, loss=loss)
    scale = float(space.method.objective.log_scale.detach().exp())
    start = 10.0 if loss in ("sigclip", "soft_sigclip", "s2l") else 14.3
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


def test_molecules_of_unseen_compounds_are_found_and_shuffled_links_are_not(profiles: anndata.AnnData, tmp_path: Path) -> None:
    """On these simulated plates a compound's rings say what it does, so a held-out molecule can be placed."""
    many = simulate(Plan(perturbations=80, mechanisms=4, noise=0.3, strength=3.0), seed=5)[0]

    def score(table: anndata.AnnData, out: Path) -> float:
        chosen = settings(split=SplitSettings(validation=0.3, test=0.0).model_dump(), width=32, out=32, minibatch=16)
        prepared = two_towers.prepare(chosen, table, seed=1)
        loop = LoopSettings(epochs=15, optim=OptimSettings(lr=4e-3, clip_norm=1.0))
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


def test_both_additions_train_and_the_space_opens(tmp_path: Path) -> None:
    plan = Plan(perturbations=24, mechanisms=4, batches=1, cell_lines=2, plates=1)
    wells, _ = simulate(plan, seed=0)
    lines.relations(truth(plan, seed=0), seed=0).to_csv(tmp_path / "relations_pairs.csv", index=False)
    graphs.write(build(wells.obs, SourceSettings.read({"string": tmp_path / "relations_pairs.csv"}, where="test")), tmp_path / "g.parquet")
    lines.lines(plan, seed=0).expression.iloc[:, :9].to_csv(tmp_path / "vectors.csv", index=False)
    chosen = settings(group_by=["perturbation", "cell_line"])
    made = two_towers.prepare(chosen, wells, seed=0)
    plain = set(made.method.state_dict())
    made = cell_lines.add(made, CellLineSettings.read({"vectors": tmp_path / "vectors.csv"}, where="test"), seed=0)
    made = graph_prior.add(made, PriorSettings.read({"graph": tmp_path / "g.parquet", "weight": 0.1}, where="test"), seed=0)
    out = tmp_path / "run"
    runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": made.facts, "profiles": "simulated"})
    fit(made.method, made.feed, settings=LoopSettings(epochs=2), out=out, validate=made.validate)
    line = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
    assert line["graph_contrast"] > 0
    assert "validation_score" in line
    space = Space.load(out)
    extra = set(space.method.state_dict()) - plain
    assert extra
    assert all(".trunk.lines." in name for name in extra)
    assert np.isfinite(space.embed(wells).X).all()


class Fixed(TwoTowers):
    """Towers that give each group and each perturbation an embedding of its own, whatever they hold."""

    def __init__(self, given: torch.Tensor, told: torch.Tensor) -> None:
        super().__init__(settings(pooling="mean"), blocks=1, profile_width=1, perturbation_width=1)
        self.given, self.told = given, told

    def embed(self, minibatch: Bags, /) -> torch.Tensor:
        return self.given[minibatch.unit]

    def embed_perturbation(self, *tensors: torch.Tensor) -> torch.Tensor:
        return self.told[tensors[0][:, 0].long()]


def test_the_validation_score_is_the_mean_reciprocal_rank_written_out() -> None:
    names = np.array([0, 0, 1, 2, 3, 3, 4])  # groups of five perturbations
    described = Features(torch.as_tensor(names, dtype=torch.float32)[:, None])
    held = BagFeed(torch.zeros(7, 1, 1), described, [np.array([i]) for i in range(7)], minibatch=7, bag=None, seed=0, names=list("aabcdde"))
    given, told = (
        torch.randn(7, 3, generator=torch.Generator().manual_seed(0)),
        torch.randn(5, 3, generator=torch.Generator().manual_seed(1)),
    )
    means = [given[names == n].numpy().sum(axis=0) for n in range(5)]
    means = [m / np.linalg.norm(m) for m in means]
    reciprocal = []
    for queries, candidates in ((means, told.numpy()), (told.numpy(), means)):
        for own, query in enumerate(queries):
            reciprocal.append(1 / (1 + sum(query @ c > query @ candidates[own] for c in candidates)))
    found = two_towers.retrieval_score(held)(Fixed(given, told))
    assert len(set(reciprocal)) > 1
    assert found == {"score": pytest.approx(np.mean(reciprocal)), "chance": pytest.approx(np.mean([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]))}
    constant = two_towers.retrieval_score(held)(Fixed(torch.ones(7, 3), torch.ones(5, 3)))
    assert constant["score"] == pytest.approx(1 / 3)  # all five tie, so each has the middle rank


@pytest.mark.parametrize(("width", "expected"), [(None, 6), (5, 5)])
def test_a_residual_tower_is_as_wide_as_the_settings_say_or_as_one_channel(width: int | None, expected: int) -> None:
    chosen = two_towers.TwoTowersSettings.read({"profile_tower": "residual", "width": width, "out": 3, "depth": 1}, where="test")
    tower = two_towers._profile_tower(chosen, blocks=4, profile_width=6)
    shapes = {tuple(weight.shape) for weight in tower.parameters() if weight.ndim == 2}
    assert (expected, 24) in shapes


def test_values_beyond_the_limit_on_either_side_count_as_the_limit(profiles: anndata.AnnData) -> None:
    import dataclasses

    prepared = two_towers.prepare(settings(clip_values=2.0), profiles, seed=0)
    method = prepared.method.eval()
    minibatch = prepared.feed.minibatch(prepared.feed.epoch(0)[0], epoch=0)
    values = minibatch.profiles.clamp(-2.0, 2.0)
    expected = method.towers(dataclasses.replace(minibatch, profiles=values))[0]
    for sign in (1.0, -1.0):
        beyond = torch.where(values == 2.0 * sign, 3.5 * sign, values)
        assert not torch.equal(beyond, values)
        torch.testing.assert_close(method.towers(dataclasses.replace(minibatch, profiles=beyond))[0], expected)


def test_values_are_clipped_on_both_sides_before_their_mean_and_spread(profiles: anndata.AnnData) -> None:
    far = profiles.copy()
    far.X[::7, 0] = 50.0
    far.X[3::7, 1] = -50.0
    prepared = two_towers.prepare(settings(clip_values=1.5), far, seed=0)
    chosen = far[(far.obs["perturbation"].isin(prepared.facts["split"]["train"])).to_numpy()]
    wide = far.var["channel"].replace("", "shape").value_counts().max()
    for place, block in enumerate(prepared.facts["blocks"]):
        own = [i for i, label in enumerate(far.var["channel"]) if block in (label.split("|") if label else ["shape"])]
        clipped = np.clip(chosen.X[:, own].astype(np.float64), -1.5, 1.5)
        np.testing.assert_allclose(prepared.method.mean[place, : len(own)], clipped.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(prepared.method.spread[place, : len(own)], clipped.std(axis=0), atol=1e-5)
        assert len(own) <= wide
    embedding = prepared.method.eval()
    minibatch = prepared.feed.minibatch(prepared.feed.epoch(0)[0], epoch=0)
    further = Bags(minibatch.profiles * 1e4, minibatch.mask, minibatch.perturbation)
    once = Bags((minibatch.profiles * 1e4).clamp(-1.5, 1.5), minibatch.mask, minibatch.perturbation)
    torch.testing.assert_close(embedding.embed(further), embedding.embed(once))


@pytest.mark.parametrize("pooling", ["gated_attention", "mean", "median"])
def test_cwcls_targets_are_of_the_profiles_as_they_are_and_its_loss_is_that_by_hand(profiles: anndata.AnnData, pooling: str) -> None:
    shifted = profiles.copy()
    shifted.X = shifted.X * np.linspace(0.5, 3.0, shifted.n_vars, dtype=np.float32) + 2.0
    found = {}
    for targets in ("as_they_are", "standardised"):
        prepared = two_towers.prepare(settings(pooling=pooling, loss="cwcl", targets=targets), shifted, seed=0)
        method = prepared.method.eval()
        minibatch = prepared.feed.minibatch(prepared.feed.epoch(0)[0], epoch=0)
        with torch.no_grad():
            p, q, seen = method.towers(minibatch)
            values = minibatch.profiles.clamp(-10, 10)
            scaled = (values - method.mean) / method.spread
            rows = [torch.where(mask)[0].tolist() for mask in minibatch.mask]
            if pooling == "gated_attention":
                raw = [gated(method.pooling, scaled[i], values[i], n) for i, n in enumerate(rows)]
            else:
                raw = [values[i, n].mean(0) if pooling == "mean" else midmost(values[i, n]) for i, n in enumerate(rows)]
            by_hand = torch.stack(raw)
            if targets == "as_they_are":
                torch.testing.assert_close(seen, by_hand, rtol=1e-3, atol=1e-4)
            else:
                torch.testing.assert_close(seen, (by_hand - method.mean) / method.spread, rtol=1e-3, atol=1e-3)
            wanted = cwcl(p.double(), q.double(), torch.tensor(14.3, dtype=torch.float64), weights(seen.double()))
            step = method.contrast(p, q, seen)
        assert float(step.loss) == pytest.approx(float(wanted), rel=1e-4)
        found[targets] = float(step.monitors["target_entropy_share"])
    # A common shift makes all profiles alike: the targets of the profiles as they are are the more uniform ones, which the log says.
    assert found["as_they_are"] > found["standardised"]


def gated(pooling: torch.nn.Module, scaled: torch.Tensor, values: torch.Tensor, rows: list[int]) -> torch.Tensor:
    """The attention of the standardised rows on the rows as they are."""
    attention = pooling.weights(scaled[rows][None], torch.ones(1, len(rows), dtype=torch.bool))[0]
    return (attention[..., None] * values[rows]).sum(0)


def midmost(rows: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(np.median(rows.numpy(), axis=0))
