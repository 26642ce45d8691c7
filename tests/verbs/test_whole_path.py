"""The command line, end to end on simulated plates; bad input ends with one sentence and exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import terminal

from impasto import profiles as tables
from impasto import records
from impasto.evaluation import tidy
from impasto.schema import InputError


def impasto(*arguments: object, code: int = 0) -> str:
    done = terminal.impasto(*arguments, code=code)
    return done.out if code == 0 else done.err


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sim") / "sim"
    impasto(
        "simulate",
        "--out",
        out,
        "--no-images",
        "--set",
        "perturbations=60",
        "--set",
        "mechanisms=6",
        "--set",
        "noise=0.5",
        "--set",
        "strength=2",
    )
    return out


RECIPE = """
seed = 1
[[stage]]
name = "corrected"
verb = "correct"
profiles = "{profiles}"
[[stage.steps]]
method = "standardize"
[[stage]]
name = "scores"
verb = "evaluate"
task = "replicates"
profiles = ["{profiles}", "@corrected"]
labels = ["raw", "corrected"]
[stage.options]
draws = 50
[[stage]]
name = "model"
verb = "train"
profiles = "@corrected"
[stage.method]
name = "two_towers"
minibatch = 16
width = 32
out = 32
[stage.loop]
epochs = 60
[stage.loop.optim]
lr = 2e-3
warmup = 10
[[stage]]
name = "embedded"
verb = "embed"
run = "@model"
profiles = "@corrected"
[[stage]]
name = "retrieval"
verb = "evaluate"
task = "cross-modal"
profiles = ["@embedded"]
[[stage]]
name = "index"
verb = "index"
profiles = "@embedded"
[[stage]]
name = "report"
verb = "report"
run = "@"
"""


@pytest.fixture(scope="module")
def run(simulated: Path, tmp_path_factory: pytest.TempPathFactory, _text_model: None) -> Path:
    base = tmp_path_factory.mktemp("run")
    (base / "recipe.toml").write_text(RECIPE.format(profiles=simulated / "profiles.parquet"))
    impasto("run", base / "recipe.toml", "--out", base / "out")
    return base / "out"


def test_correction_lifts_the_score_on_plates_with_batch_effects(run: Path) -> None:
    rows = pd.read_csv(run / "scores" / "results.csv")
    score = rows[rows["metric"] == "mAP"].set_index("group")["value"]
    assert score["corrected"] > score["raw"]
    assert score["corrected"] > score["shuffled labels"] + 0.3
    assert tuple(rows.columns) == tidy.COLUMNS


def test_retrieval_of_held_out_perturbations_is_above_chance(run: Path) -> None:
    """Scaffold, gene and mechanism say on these simulated plates what will be seen, so unseen compounds can be found."""
    rows = pd.read_csv(run / "retrieval" / "results.csv")
    found = rows[rows["metric"].str.startswith("MRR")]
    assert (found["value"] > 1.5 * found["chance"]).all()


def test_every_stage_lists_all_that_it_wrote(run: Path) -> None:
    assert len(list(records.walk(run))) > 20
    assert records.strangers(run) == []


def test_a_second_run_does_nothing_and_a_changed_stage_is_done_again(run: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    said = impasto("run", run.parent / "recipe.toml", "--out", run)
    assert said.count("already there") == 7
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("kind", "query"), [("--text", "simulated mechanism 2"), ("--gene", "SIM02A"), ("--smiles", "Cc1ccsc1"), ("--well", "S1B1P1:")]
)
def test_search_ranks_perturbations(run: Path, kind: str, query: str) -> None:
    if kind == "--well":
        query += str(
            tables.read(run / "corrected" / "profiles.parquet").obs.query("plate == 'S1B1P1' and control_type == 'trt'")["well"].iloc[0]
        )
    rows = json.loads(impasto("search", run / "index", kind, query, "--top", 5, "--json"))
    assert [r["rank"] for r in rows] == [1, 2, 3, 4, 5]
    assert sorted((r["score"] for r in rows), reverse=True) == [r["score"] for r in rows]
    assert len({r["perturbation"] for r in rows}) == 5


def test_search_of_a_run_builds_its_index_once(run: Path) -> None:
    rows = json.loads(impasto("search", run / "model", "--text", "simulated mechanism 1", "--rank", "wells", "--json"))
    assert {"plate", "well"} <= rows[0].keys()
    assert (run / "model" / "search" / "index" / "index.json").exists()


def test_a_card_says_what_the_model_saw(run: Path) -> None:
    card = (run / "model" / "card.md").read_text()
    assert "| test | 12 |" in card
    assert "A model that knows nothing scores" in card


def test_evaluate_prints_the_rows_of_the_contract(simulated: Path, tmp_path: Path) -> None:
    rows = json.loads(
        impasto(
            "evaluate",
            "replicates",
            simulated / "profiles.parquet",
            "--level",
            "batch",
            "--set",
            "draws=20",
            "--out",
            tmp_path / "s",
            "--json",
        )
    )
    assert set(rows[0]) == set(tidy.COLUMNS)
    assert "level=batch" in rows[0]["protocol"]


def test_correct_keeps_its_receipt_and_never_changes_its_input(simulated: Path, tmp_path: Path) -> None:
    source = simulated / "profiles.parquet"
    before = source.read_bytes()
    told = json.loads(
        impasto("correct", source, "--method", "standardize", "--method", "tvn", "--spare", 0.5, "--out", tmp_path / "c.h5ad", "--json")
    )
    assert source.read_bytes() == before
    assert told["explained"]["plate"]["after"] < told["explained"]["plate"]["before"]
    assert [m["method"] for m in told["methods"]] == ["standardize", "tvn"]
    assert tables.read(tmp_path / "c.h5ad").obs["spared"].astype(bool).sum() == 4 * 8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("correct", "{p}", "--method", "spherring", "--out", "x.parquet"),
            "unknown correction method 'spherring' (did you mean 'sphering'?)",
        ),
        (("correct", "{p}", "--method", "tvn", "--by", "plat", "--out", "x.parquet"), "by is 'plat'"),
        (("correct", "{p}", "--method", "standardize", "--out", "x.xlsx"), "cannot tell the kind of file"),
        (("evaluate", "replicate", "{p}", "--out", "x"), "unknown task 'replicate' (did you mean 'replicates'?)"),
        (("evaluate", "replicates", "{p}", "--set", "drows=3", "--out", "x"), "unknown key 'drows' (did you mean 'draws'?)"),
        (("evaluate", "replicates", "nowhere.parquet", "--out", "x"), "nowhere.parquet does not exist"),
        (("search", "{p}", "--text", "a", "--gene", "b"), "2 questions were asked"),
        (("embed", "nowhere", "{p}", "--out", "x.parquet"), "nowhere"),
        (("run", "nowhere.toml", "--out", "x"), "nowhere.toml does not exist"),
        (("simulate", "--out", "x", "--set", "plats=2"), "unknown key 'plats' (did you mean 'plates'?)"),
        (("profile", "{p}", "--out", "x.parquet"), "holds no ingested images"),
        (("report", "nowhere", "--out", "x.html"), "holds no finished stages"),
    ],
)
def test_bad_input_is_one_sentence(simulated: Path, arguments: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    told = impasto(*(str(tmp_path / a) if a.startswith("x") else a.format(p=simulated / "profiles.parquet") for a in arguments), code=2)
    assert sentence in " ".join(told.split())
    assert len(told.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_misspelt_key_in_the_last_stage_stops_before_the_first(simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        RECIPE.format(profiles=simulated / "profiles.parquet").replace(
            'name = "index"\nverb = "index"\nprofiles', 'name = "index"\nverb = "index"\nprofile'
        )
    )
    told = impasto("run", tmp_path / "r.toml", "--out", tmp_path / "out", code=2)
    assert "stage 'index': unknown key 'profile' (did you mean 'profiles'?)" in told
    assert not (tmp_path / "out").exists()


def test_help_is_fast_and_does_not_import_torch() -> None:
    code = (
        "import sys; from impasto.cli import app; import impasto.profiles, impasto.evaluation.replicates; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "Example" in impasto("correct", "--help")


@pytest.mark.usefixtures("_text_model")
def test_train_is_killed_and_goes_on_to_the_same_weights(simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        '[[stage]]\nverb = "train"\nprofiles = "unused"\n'
        '[stage.method]\nname = "two_towers"\nminibatch = 16\nwidth = 32\nout = 16\n[stage.loop]\nepochs = 6\n'
    )
    command = ["train", tmp_path / "r.toml", "--profiles", simulated / "profiles.parquet"]
    impasto(*command, "--out", tmp_path / "whole")
    half = (tmp_path / "r.toml").read_text()
    killed = subprocess.Popen(
        [sys.executable, "-m", "impasto", *map(str, command), "--out", str(tmp_path / "killed")],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    log = tmp_path / "killed" / "log.jsonl"
    for _ in range(600):
        if log.exists() and len(log.read_text().splitlines()) >= 2:
            break
        try:
            killed.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    killed.kill()
    killed.wait()
    assert (tmp_path / "r.toml").read_text() == half
    impasto(*command, "--out", tmp_path / "killed")
    assert (tmp_path / "killed" / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_a_method_says_which_data_it_reads(simulated: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('[[stage]]\nverb = "train"\n[stage.method]\nname = "two_towers"\n')
    profiles = ("--profiles", simulated / "profiles.parquet")
    told = impasto("train", tmp_path / "r.toml", "--out", tmp_path / "out", code=2)
    assert "two_towers trains on profiles; give them with --profiles" in " ".join(told.split())
    told = impasto("train", tmp_path / "r.toml", *profiles, "--sites", simulated, "--out", tmp_path / "out", code=2)
    assert "two_towers trains on profiles, so it does not read the sites" in " ".join(told.split())


def test_the_space_loads_in_one_line_and_matches_features_by_name(run: Path) -> None:
    from impasto.joint.space import Space

    space = Space.load(run / "model")
    corrected = tables.read(run / "corrected" / "profiles.parquet")
    one = space.embed(corrected)
    shuffled = space.embed(corrected[:, ::-1].copy())
    np.testing.assert_allclose(one.X, shuffled.X, atol=1e-6)
    assert np.linalg.norm(space.text("anything")) == pytest.approx(1.0, rel=1e-5)
    with pytest.raises(InputError, match="features this run was trained on are not in the profiles"):
        space.embed(corrected[:, :10].copy())
    with pytest.raises(InputError, match="is not a SMILES"):
        space.smiles("C1CC")
