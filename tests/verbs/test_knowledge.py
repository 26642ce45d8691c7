"""`impasto graph`, `expression` and `finetune` by the command line, on simulated lines; bad input is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from impasto.cli import app
from impasto.schema import InputError
from impasto.simulate import plates
from impasto.simulate.plan import Plan

PLAN = Plan(cell_lines=3, batches=2, plates=1, perturbations=8, mechanisms=4, controls=2, kind="crispr", own=0.5)


def impasto(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("k") / "sim"
    plates.write(PLAN, out, seed=0, images=False)
    return out


def test_a_graph_says_what_its_sources_know(simulated: Path, tmp_path: Path) -> None:
    given = [
        "graph",
        simulated / "profiles.parquet",
        "--string",
        simulated / "relations_pairs.csv",
        "--images",
        simulated / "profiles.parquet",
    ]
    rows = json.loads(impasto(*given, "--out", tmp_path / "g.parquet", "--set", "shares.images=0.5", "--json"))
    assert [r["source"] for r in rows] == ["string", "images", "all, combined"]
    assert all(r["nodes"] == 8 for r in rows)
    unknown = json.loads(impasto(*given, "--out", tmp_path / "g.parquet", "--set", "shares.images=0.5", "--unknown", "--json"))
    assert len([u for u in unknown if u["source"] == "string"]) == 8 - rows[0]["known"]
    assert "relations of the perturbations" in impasto(*given, "--out", tmp_path / "h.parquet")


def test_a_new_line_needs_only_its_expression(simulated: Path, tmp_path: Path) -> None:
    table = pd.read_csv(simulated / "expression.csv")
    table.iloc[:30].to_csv(tmp_path / "old.csv", index=False)
    table.iloc[[35]].to_csv(tmp_path / "new.csv", index=False)
    (row,) = json.loads(impasto("expression", tmp_path / "old.csv", "--out", tmp_path / "v", "--set", "width=4", "--json"))
    assert (row["lines"], row["width"], row["method"]) == (30, 4, "pca")
    (row,) = json.loads(impasto("expression", tmp_path / "new.csv", "--like", tmp_path / "v", "--out", tmp_path / "w", "--json"))
    assert row["lines"] == 31


def recipe(folder: Path, simulated: Path, *, line: str = "simulated line 3") -> Path:
    trained = '{ cell_line = ["simulated line 1", "simulated line 2"] }'
    small = "width = 8\ndepth = 1\nheads = 2\nout = 8"
    (folder / "r.toml").write_text(f"""
[[stage]]
name = "graph"
verb = "graph"
profiles = "{simulated}/profiles.parquet"
string = "{simulated}/relations_pairs.csv"
[[stage]]
name = "wsl"
verb = "train"
profiles = "{simulated}/profiles.parquet"
[stage.method]
name = "profile_wsl"
{small}
only = {trained}
prior = {{ graph = "@graph", weight = 0.1 }}
[stage.loop]
epochs = 1
[[stage]]
name = "fine"
verb = "finetune"
profiles = "{simulated}/profiles.parquet"
cell_line = "{line}"
protocol = "over-batches"
splits = 1
[stage.loop]
epochs = 1
[[stage.variant]]
row = "baseline"
start = "@wsl"
[[stage.variant]]
row = "with the graph"
start = "@wsl"
over = "baseline"
method = {{ prior = {{ graph = "@graph", loss = "laplacian" }} }}
""")
    return folder / "r.toml"


def test_a_recipe_runs_and_another_seed_is_another_run(simulated: Path, tmp_path: Path) -> None:
    told = impasto("run", recipe(tmp_path, simulated), "--out", tmp_path / "out")
    assert "top-1 gained over baseline" in told
    assert json.loads((tmp_path / "out" / "wsl" / "model.json").read_text())["facts"]["prior"]["in_graph"] == 8
    again = impasto("run", tmp_path / "r.toml", "--out", tmp_path / "out")
    assert again.count("already there") == 3
    (tmp_path / "f.toml").write_text(f"""
[[stage]]
verb = "finetune"
cell_line = "simulated line 3"
protocol = "over-batches"
[stage.loop]
epochs = 1
[[stage.variant]]
row = "baseline"
start = "{tmp_path}/out/wsl"
""")
    command = ["finetune", tmp_path / "f.toml", "--profiles", simulated / "profiles.parquet", "--out", tmp_path / "alone"]
    rows = json.loads(impasto(*command, "--set", "splits=3", "--json"))
    assert [(r["metric"], r["chance"]) for r in rows] == [("top-1", 0.125), ("top-5", 0.625)]
    assert all(r["low"] <= r["value"] <= r["high"] for r in rows)
    with pytest.raises(InputError, match="holds the checkpoint of another training"):
        impasto("run", tmp_path / "r.toml", "--out", tmp_path / "out", "--seed", 1)
    assert "already there" not in impasto("run", tmp_path / "r.toml", "--out", tmp_path / "other", "--seed", 1)


def test_what_cannot_be_is_refused_in_a_sentence(simulated: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was trained on simulated line 1, so it is not new to it"):
        impasto("run", recipe(tmp_path, simulated, line="simulated line 1"), "--out", tmp_path / "out")
    with pytest.raises(InputError, match="no source of relations is given"):
        impasto("graph", simulated / "profiles.parquet", "--out", tmp_path / "g.parquet")
    with pytest.raises(InputError, match="unknown key 'strings'"):
        impasto("graph", simulated / "profiles.parquet", "--set", "strings=x", "--out", tmp_path / "g.parquet")
    with pytest.raises(InputError, match="expands a gene, and the question is a text"):
        impasto("search", simulated, "--text", "a", "--through", simulated / "relations_pairs.csv")
