"""A prior around any method: the term is the equation on mean embeddings, the weights keep their names, the control deals nodes anew."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.losses.graph_contrast import graph_contrast, neighbours
from impasto.perturbations import graph as graphs
from impasto.perturbations import graph_prior
from impasto.perturbations.graph_prior import GraphPrior, PriorSettings
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.schema import InputError
from impasto.simulate import lines, profiles
from impasto.simulate.plan import Plan, truth
from impasto.training.loop import fit
from impasto.training.method import Method, Minibatch, Prepared, Step
from impasto.training.settings import LoopSettings
from impasto.training.wrapped import Wrapped, innermost


@dataclasses.dataclass(frozen=True)
class Points(Minibatch):
    values: Tensor
    unit: Tensor

    @property
    def size(self) -> int:
        return len(self.values)


class Linear(Method):
    """Pulls embeddings to nothing in particular."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.moved = nn.Linear(4, 3, bias=False), 0

    def forward(self, minibatch: Points, /) -> Step:
        out = self.layer(minibatch.values)
        return Step({"own": out.square().mean()}, {"main": out, "other": -out})

    def embed(self, minibatch: Points, /) -> Tensor:
        return self.layer(minibatch.values)

    def after_step(self, progress: float, /) -> None:
        self.moved += 1


class PointFeed:
    def __init__(self, values: Tensor) -> None:
        self.values = values
        self.stop_at: int | None = None

    def epoch(self, number: int, /) -> list[np.ndarray]:
        return np.array_split(np.random.default_rng(number).permutation(len(self.values)), 2)

    def minibatch(self, rows: np.ndarray, /, *, epoch: int) -> Points:
        if epoch == self.stop_at:
            raise KeyboardInterrupt
        return Points(self.values[torch.as_tensor(rows)], torch.as_tensor(rows))


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    obs = pd.DataFrame({"perturbation": list("ABCD"), "gene": list("ABCD")}, index=list("0123"))
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = 1.0
    weights[2, 3] = weights[3, 2] = 0.5
    graphs.write(graphs.Graph(graphs.nodes_of(obs), weights, pd.DataFrame(columns=list(graphs.SUMMARY)), {}), tmp_path / "g.parquet")
    return tmp_path / "g.parquet"


def prepared(seed: int = 0) -> Prepared:
    torch.manual_seed(seed)
    values = torch.randn(10, 4, generator=torch.Generator().manual_seed(1))
    units = pd.DataFrame({"perturbation": list("AABBCCDDZA")}, index=[str(i) for i in range(10)])
    return Prepared(Linear(), PointFeed(values), None, {"old": 1}, units=units)


def added(file: Path, *, seed: int = 0, **more: object) -> Prepared:
    return graph_prior.add(prepared(), PriorSettings.read({"graph": str(file), **more}, where="test"), seed=seed)


def naive_nodes(vectors: Tensor, names: list[str], *, unit: bool) -> dict[str, list[float]]:
    means: dict[str, list[float]] = {}
    for name in sorted(set(names) - {"Z"}):
        rows = [[float(x) for x in v] for v, n in zip(vectors.tolist(), names, strict=True) if n == name]
        rows = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows]
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        norm = math.sqrt(sum(x * x for x in mean)) if unit else 1.0
        means[name] = [x / norm for x in mean]
    return means


@pytest.mark.parametrize("loss", ["contrast", "laplacian", "laplacian_held"])
def test_the_term_is_the_loss_of_mean_embeddings(graph_file: Path, loss: str) -> None:
    made = added(graph_file, loss=loss, weight=0.25)
    rows = np.array([0, 1, 2, 4, 6, 8, 9])
    minibatch = made.feed.minibatch(rows, epoch=0)
    step = made.method(minibatch)
    names = [prepared().units["perturbation"].iloc[r] for r in rows]
    nodes = naive_nodes(innermost(made.method).embed(minibatch).detach(), names, unit=loss != "laplacian_held")
    weight = {frozenset("AB"): 1.0, frozenset("CD"): 0.5}
    dot = {(a, b): sum(x * y for x, y in zip(nodes[a], nodes[b], strict=True)) for a in nodes for b in nodes}
    if loss == "contrast":
        features = torch.tensor([nodes[n] for n in "ABCD"])
        expected = float(graph_contrast(features, neighbours(torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0.5], [0, 0, 0.5, 0]]))))
    else:  # unit nodes, or the energy held at one: the same expression of different nodes
        expected = sum(w * (2 - 2 * dot[tuple(sorted(pair))]) for pair, w in weight.items())
    assert float(step.terms[f"graph_{loss}"].detach()) == pytest.approx(0.25 * expected, rel=1e-4)
    assert float(step.monitors["graph_nodes"]) == 4  # Z is in no graph
    assert float(step.loss.detach()) == pytest.approx(float(step.terms["own"].detach()) + 0.25 * expected, rel=1e-4)


def test_facts_say_what_joined(graph_file: Path) -> None:
    told = added(graph_file).facts
    assert told["old"] == 1
    assert (told["prior"]["perturbations"], told["prior"]["in_graph"], told["prior"]["not_in_graph"]) == (5, 4, ["Z"])
    assert told["prior"]["edges_among_them"] == 2


def test_weights_keep_their_names_and_training_moves_related_perturbations_together(graph_file: Path, tmp_path: Path) -> None:
    settings = LoopSettings.read({"epochs": 30, "optim": {"lr": 0.05, "weight_decay": 0.0}}, where="test")
    plain, prior = prepared(), added(graph_file, weight=1.0)
    fit(plain.method, plain.feed, settings=settings, out=tmp_path / "plain")
    fit(prior.method, prior.feed, settings=settings, out=tmp_path / "prior")
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("plain", "prior"))
    assert one.keys() == two.keys() == {"layer.weight"}
    assert innermost(prior.method).moved == 60

    def nearness(weight: Tensor) -> float:
        nodes = nn.functional.normalize(plain.feed.values @ weight.T, dim=1)
        means = nn.functional.normalize(torch.stack([nodes[i : i + 2].mean(dim=0) for i in (0, 2, 4, 6)]), dim=1)
        return float(means[0] @ means[1] + means[2] @ means[3] - means[0] @ means[2] - means[1] @ means[3])

    assert nearness(two["layer.weight"]) > nearness(one["layer.weight"]) + 0.3


def test_a_killed_run_with_a_prior_ends_in_the_same_bytes(graph_file: Path, tmp_path: Path) -> None:
    settings = LoopSettings(epochs=6)
    whole = added(graph_file)
    fit(whole.method, whole.feed, settings=settings, out=tmp_path / "whole")
    killed = added(graph_file)
    killed.feed.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        fit(killed.method, killed.feed, settings=settings, out=tmp_path / "killed")
    again = added(graph_file)
    fit(again.method, again.feed, settings=settings, out=tmp_path / "killed")
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed"))
    assert one == two


def test_shuffled_edges_relate_other_perturbations(graph_file: Path) -> None:
    true = added(graph_file).method
    dealt = added(graph_file, seed=3, edges="shuffled").method
    assert isinstance(true, GraphPrior)
    assert isinstance(dealt, GraphPrior)
    assert sorted(true.weights.flatten().tolist()) == sorted(dealt.weights.flatten().tolist())
    assert not torch.equal(true.weights, dealt.weights)


def test_rewired_edges_are_others_and_every_perturbation_keeps_their_number(graph_file: Path) -> None:
    true = added(graph_file).method
    made = added(graph_file, seed=3, edges="rewired").method
    assert isinstance(true, GraphPrior)
    assert isinstance(made, GraphPrior)
    assert ((true.weights != 0).sum(dim=1) == (made.weights != 0).sum(dim=1)).all()


def test_additions_nest_and_pass_the_rows_on(graph_file: Path) -> None:
    class Spy(Wrapped):
        def forward(self, minibatch: Points, /) -> Step:
            self.seen = minibatch.unit.tolist()
            return super().forward(minibatch)

    base = prepared()
    made = graph_prior.add(
        dataclasses.replace(base, method=Spy(base.method)), PriorSettings.read({"graph": str(graph_file)}, where="test"), seed=0
    )
    made.method(made.feed.minibatch(np.array([1, 5]), epoch=0))
    assert made.method.method.seen == [1, 5]
    assert list(made.method.state_dict()) == ["layer.weight"]


def test_what_does_not_fit_is_refused(graph_file: Path) -> None:
    settings = PriorSettings.read({"graph": str(graph_file)}, where="test")
    with pytest.raises(InputError, match="takes no prior"):
        graph_prior.add(dataclasses.replace(prepared(), units=None), settings, seed=0)
    strangers = pd.DataFrame({"perturbation": ["Q"] * 10})
    with pytest.raises(InputError, match="relates no two of the 1 perturbations"):
        graph_prior.add(dataclasses.replace(prepared(), units=strangers), settings, seed=0)
    wrong = added(graph_file, embedding="mian")
    with pytest.raises(InputError, match="did you mean 'main'"):
        wrong.method(wrong.feed.minibatch(np.array([0, 2]), epoch=0))


PLAN = Plan(sources=2, batches=1, plates=1, perturbations=12, mechanisms=3, controls=6, kind="crispr")


@pytest.mark.parametrize("stage", ["cwmm", "inter"])
def test_a_stage_of_cellpaintr_takes_the_prior(stage: str, tmp_path: Path) -> None:
    wells, _ = profiles.simulate(PLAN, seed=0)
    lines.relations(truth(PLAN, seed=0), seed=0).to_csv(tmp_path / "relations_pairs.csv", index=False)
    graphs.write(build(wells.obs, SourceSettings.read({"string": tmp_path / "relations_pairs.csv"}, where="test")), tmp_path / "g.parquet")
    small = {"tokens": "group", "width": 16, "depth": 1, "mlp_width": 32, "filter_order": 8, "stage": stage}
    made = prepare.prepare(CellPaintrSettings.read(small, where="test"), wells, seed=0)
    plain = set(made.method.state_dict())
    assert made.units is not None
    minibatch = made.feed.minibatch(made.feed.epoch(0)[0], epoch=0)
    assert made.units.iloc[minibatch.unit.tolist()]["source"].nunique() <= 2
    # A row of a minibatch is the well that `units` says it is.
    codes = {s: i for i, s in enumerate(made.facts["sources"])}
    assert [codes[s] for s in made.units.iloc[minibatch.unit.tolist()]["source"]] == minibatch.source.tolist()
    prior = graph_prior.add(made, PriorSettings.read({"graph": tmp_path / "g.parquet", "weight": 0.1}, where="test"), seed=0)
    assert "DMSO" in prior.facts["prior"]["not_in_graph"]
    fit(prior.method, prior.feed, settings=LoopSettings(epochs=1), out=tmp_path / "run")
    assert set(load_file(tmp_path / "run" / "model.safetensors")) == plain
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text())["graph_contrast"] > 0
    assert dataclasses.is_dataclass(minibatch)


def test_what_a_recipe_leaves_out_is_as_documented(graph_file: Path) -> None:
    assert PriorSettings.read({"graph": str(graph_file)}, where="test").model_dump(exclude={"graph"}) == {
        "loss": "contrast",
        "weight": 0.01,
        "symmetric": False,
        "threshold": 0.0,
        "top": 5,
        "temperature": 0.1,
        "embedding": None,
        "edges": "true",
    }
