"""Tokens and prior around every image-only method: they train, keep weights' names, and refuse pairs that join two lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from impasto.methods import METHODS
from impasto.perturbations import cell_lines, graph_prior
from impasto.perturbations.cell_lines import CellLineSettings, WithCellLines
from impasto.perturbations.graph_prior import PriorSettings
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.schema import InputError
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan
from impasto.stages import graph
from impasto.training.loop import fit
from impasto.training.method import Prepared
from impasto.training.settings import LoopSettings
from impasto.training.wrapped import innermost

NAMES = ("wsl", "simclr", "byol", "moco_v3", "mae", "msn")
SMALL: dict[str, Any] = {
    "minibatch": 6,
    "encoder": {"patch": 8, "width": 24, "depth": 1, "heads": 3},
    "views": {"size": 16, "focal": 2, "focal_size": 8},
    "pairs": {"lonely": "same-well", "group_by": ["perturbation", "cell_line"]},
    "only": {"cell_line": ["simulated line 1", "simulated line 2"]},
}
HEADS: dict[str, Any] = {name: {"out": 8, "hidden": 16} for name in ("simclr", "byol", "moco_v3")}
HEADS |= {"msn": {"prototypes": 16, "out": 8, "hidden": 16}, "mae": {"decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2}}


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three lines, one plate each, six perturbations of genes; the graph, and vectors of two of the lines."""
    base = tmp_path_factory.mktemp("lines")
    plan = Plan(cell_lines=3, batches=1, plates=1, perturbations=6, mechanisms=3, controls=2, kind="crispr", pixels=32, cells=3)
    simulated.write(plan, base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "sites")
    given = {"profiles": base / "sites", "string": base / "sim" / "relations_pairs.csv"}
    graph.run(graph.GraphSettings.read(given, where="test"), base / "graph.parquet")
    pd.DataFrame({"cell_line": ["Simulated Line 1", "simulated-line-3"], "x": [1.0, -1.0], "y": [0.5, 2.0]}).to_csv(
        base / "v.csv", index=False
    )
    return base


def prepared(name: str, base: Path, **changes: Any) -> Prepared:
    trainable = METHODS[name]
    settings = trainable.settings.read({"name": name, **SMALL, **HEADS.get(name, {}), **changes}, where="test")
    found: Prepared = trainable.prepare(settings, Sites.read(base / "sites"), seed=0)
    return found


def with_both(name: str, base: Path, **changes: Any) -> Prepared:
    lines = cell_lines.add(prepared(name, base, **changes), CellLineSettings.read({"vectors": base / "v.csv"}, where="test"), seed=0)
    return graph_prior.add(lines, PriorSettings.read({"graph": base / "graph.parquet", "weight": 0.1}, where="test"), seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_trains_with_tokens_and_prior(name: str, lined: Path, tmp_path: Path) -> None:
    made = with_both(name, lined)
    assert made.facts["cell_lines"]["lines_known"] == ["simulated line 1", "simulated line 3"]
    plain = set(prepared(name, lined).method.state_dict())
    before = {n: v.clone() for n, v in made.method.state_dict().items()}
    fit(made.method, made.feed, settings=LoopSettings(epochs=2), out=tmp_path / "run")
    weights = load_file(tmp_path / "run" / "model.safetensors")
    extra = {n for n in weights if n not in plain}
    assert extra
    assert all(".trunk.lines." in n for n in extra)
    student = [n for n in extra if n.startswith("encoder.") and n.endswith("project.weight")]
    assert student
    assert not torch.equal(weights[student[0]], before[student[0]])
    line = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert line["graph_contrast"] > 0


def test_a_teacher_begins_with_its_students_tokens_and_is_never_trained(lined: Path) -> None:
    made = with_both("byol", lined)
    state = made.method.state_dict()
    ours, theirs = (state[f"{p}.trunk.lines.project.weight"] for p in ("encoder", "teacher.net.encoder"))
    assert torch.equal(ours, theirs)
    assert not any(p.requires_grad for p in innermost(made.method).teacher.parameters())


def test_only_the_lines_asked_for_are_read(lined: Path) -> None:
    made = prepared("wsl", lined)
    table = Sites.read(lined / "sites").table
    seen = {int(u) for rows in made.feed.epoch(0) for u in made.feed.minibatch(rows, epoch=0).unit}
    assert set(table.iloc[sorted(seen)]["cell_line"]) == {"simulated line 1", "simulated line 2"}
    assert made.facts["sites"] == 16
    with pytest.raises(InputError, match="did you mean 'simulated line"):
        prepared("wsl", lined, only={"cell_line": ["simulated lin 1"]})


def test_pairs_over_two_lines_are_refused(lined: Path) -> None:
    made = with_both("simclr", lined, pairs={"lonely": "same-well", "group_by": ["perturbation"]})
    minibatches = [made.feed.minibatch(rows, epoch=epoch) for epoch in range(3) for rows in made.feed.epoch(epoch)]
    joined = [m for m in minibatches if (m.unit != m.partner).any()]
    with pytest.raises(InputError, match="joins two cell lines"):
        made.method(joined[0])


def test_what_has_no_trunk_or_no_line_is_refused(lined: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a resnet has none"):
        with_both("wsl", lined, encoder={"name": "resnet", "layers": 18})
    pd.DataFrame({"cell_line": ["HeLa", "A549"], "x": [1.0, 2.0]}).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(InputError, match="has none of the cell lines simulated line 1"):
        cell_lines.add(prepared("wsl", lined), CellLineSettings.read({"vectors": tmp_path / "other.csv"}, where="test"), seed=0)


def test_shuffled_lines_have_each_others_vectors(lined: Path) -> None:
    settings = CellLineSettings.read({"vectors": lined / "v.csv", "lines": "shuffled"}, where="test")
    names = ["simulated line 1", "simulated line 3"]
    true, _ = cell_lines.vectors_of(settings.model_copy(update={"lines": "true"}), names, seed=0)
    dealt = [cell_lines.vectors_of(settings, names, seed=s)[0] for s in range(6)]
    assert any(torch.equal(d, true.flip(0)) for d in dealt)
    assert isinstance(cell_lines.add(prepared("wsl", lined), settings, seed=0).method, WithCellLines)


def test_a_run_with_tokens_is_a_frozen_encoder_that_says_how_it_reads_lines(lined: Path, tmp_path: Path) -> None:
    from impasto import runs
    from impasto.pretrain.frozen import FrozenRun

    made = with_both("wsl", lined)
    fit(made.method, made.feed, settings=LoopSettings(epochs=1), out=tmp_path / "run")
    method = innermost(made.method).settings.model_dump(mode="json")
    runs.write_json(tmp_path / "run" / "model.json", {"method": method, "facts": made.facts})
    sites = Sites.read(lined / "sites")
    run = FrozenRun.load(tmp_path / "run", METHODS["wsl"], channels=sites.channels)
    assert "read as of an unknown line" in str(run.describe()["channels"])
    assert run([run.prepare(sites.image(0))]).shape == (1, 24)
