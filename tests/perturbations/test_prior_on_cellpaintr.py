"""The graph prior on CellPainTR's stages: one term more, the same weights' names, and an earlier run may start it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.perturbations import graph as graphs
from impasto.perturbations import graph_prior
from impasto.perturbations.graph_prior import PriorSettings
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.simulate import lines, profiles
from impasto.simulate.plan import Plan, truth
from impasto.training.loop import LoopSettings, fit

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
