"""A graph prior and cell-line tokens on the cross-modal model: it trains, and the run opens as a joint space like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from impasto import runs
from impasto.joint import two_towers
from impasto.joint.space import Space
from impasto.joint.two_towers import TwoTowersSettings
from impasto.perturbations import cell_lines, graph_prior
from impasto.perturbations import graph as graphs
from impasto.perturbations.cell_lines import CellLineSettings
from impasto.perturbations.graph_prior import PriorSettings
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.simulate import lines, profiles
from impasto.simulate.plan import Plan, truth
from impasto.training.loop import LoopSettings, fit

PLAN = Plan(perturbations=24, mechanisms=4, batches=1, cell_lines=2, plates=1)
SMALL = {"width": 16, "out": 8, "depth": 1, "heads": 2, "minibatch": 8, "molecule_width": 16, "bits": 256, "perturbation": "molecule"}


def test_both_additions_train_and_the_space_opens(tmp_path: Path) -> None:
    wells, _ = profiles.simulate(PLAN, seed=0)
    lines.relations(truth(PLAN, seed=0), seed=0).to_csv(tmp_path / "relations_pairs.csv", index=False)
    graphs.write(build(wells.obs, SourceSettings.read({"string": tmp_path / "relations_pairs.csv"}, where="test")), tmp_path / "g.parquet")
    lines.lines(PLAN, seed=0).expression.iloc[:, :9].to_csv(tmp_path / "vectors.csv", index=False)
    chosen = TwoTowersSettings.read({**SMALL, "group_by": ["perturbation", "cell_line"]}, where="test")
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
