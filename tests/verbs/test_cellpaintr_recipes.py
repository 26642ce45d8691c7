"""The correction bench end to end on its smoke twin; a run of CellPainTR corrects and embeds by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.terminal import impasto

from impasto import profiles as tables
from impasto import recipe as recipes
from impasto.recipe import run as run_stages

EXTRAS = ("Scanorama", "scVI")
"""Rows that say `not run` where their extra is not installed."""
RECIPES = Path(__file__).resolve().parents[2] / "recipes"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bench")
    run_stages(recipes.read(RECIPES / "smoke" / "correction_methods.toml"), out)
    return out


def test_the_bench_prints_the_layout_of_table_1(bench: Path) -> None:
    text = (bench / "sets/smoke/0/table/table.md").read_text()
    for heading in ("graph conn.", "sil. batch", "kBET", "LISI", "NMI", "ARI", "sil. label", "mAP (control)", "mAP (no rep)", "overall"):
        assert heading in text
    trained = [f"CellPainTR ({stage})" for stage in (1, 2, 3)]
    for row in ("baseline", "rank normal", "ComBat", "Harmony", "sphering", "TVN", *EXTRAS, *trained):
        assert f"| {row} |" in text
    laid = pd.read_csv(bench / "sets/smoke/0/table/table.csv")
    assert (laid["row"] == "chance").any()
    own = laid[~laid["row"].isin(["chance", "position only", "cell count only", "shuffled labels"])]
    assert own["low"].notna().mean() > 0.9


def test_a_sweep_over_data_sets_keeps_their_methods_apart(bench: Path) -> None:
    groups = set(pd.read_csv(bench / "sets/results.csv")["group"])
    assert {"smoke: baseline", "smoke: CellPainTR (3)", "smoke: shuffled labels"} <= groups
    assert "| smoke: Harmony |" in (bench / "aggregates/table.md").read_text()


def test_only_what_was_not_fitted_is_scored(bench: Path) -> None:
    run = bench / "sets/smoke/0"
    baseline = tables.read(run / "baseline/profiles.parquet")
    split = json.loads((run / "inter/model.json").read_text())["facts"]["split"]
    held = set(baseline.obs.loc[baseline.obs["split"] == "test", "perturbation"])
    assert held
    assert not held & set(split["train"])
    scores = pd.read_csv(run / "mixing/results.csv")
    expected = ((baseline.obs["split"] == "test") | baseline.obs["spared"]).sum()
    assert scores.loc[scores["metric"] == "silhouette batch", "n"].max() <= expected


def test_the_recipe_of_three_stages_runs_on_other_wells(bench: Path, tmp_path: Path) -> None:
    quick = {f"{stage}.loop.{key}": value for stage in ("cwmm", "intra", "inter") for key, value in (("max_steps", 2), ("optim.warmup", 0))}
    small = {f"{stage}.method.{key}": 16 for stage in ("cwmm", "intra", "inter") for key in ("width", "mlp_width")}
    wells = {"wells.profiles": str(bench / "sets/smoke/0/wells/profiles.parquet")}
    run_stages(recipes.read(RECIPES / "cellpaintr.toml").changed({**wells, **quick, **small}), tmp_path)
    corrected = tables.read(tmp_path / "corrected/profiles.parquet")
    assert corrected.n_vars == 16
    assert corrected.obs["top_features"].str.count(r"\|").eq(4).all()
    groups = pd.read_csv(tmp_path / "conservation/results.csv")["group"]
    assert {"before", "CellPainTR"} <= set(groups)


def test_held_out_plates_are_met_by_their_own_rows(bench: Path, tmp_path: Path) -> None:
    wells = bench / "sets/smoke/0/wells/profiles.parquet"
    (tmp_path / "r.toml").write_text(
        f"""[[stage]]
name = "corrected"
verb = "correct"
profiles = "{wells}"
spare = 0
split = {{ by = "plate", validation = 0.0, test = 0.25 }}
steps = [{{ method = "standardize" }}, {{ method = "combat", by = "plate" }}]
"""
    )
    run_stages(recipes.read(tmp_path / "r.toml"), tmp_path)
    found = tables.read(tmp_path / "corrected/profiles.parquet")
    held = (found.obs["split"] == "test").to_numpy()
    assert len(set(found.obs.loc[held, "plate"])) == 1
    assert set(found.obs.loc[held, "control_type"]) == {"negcon", "trt"}  # a plate takes its controls with it
    assert abs(found.X[held].mean(axis=0)).max() < 1.5


def test_a_run_corrects_and_embeds_by_the_command_line(bench: Path, tmp_path: Path) -> None:
    run, baseline = bench / "sets/smoke/0/inter", bench / "sets/smoke/0/baseline/profiles.parquet"
    done = impasto("correct", baseline, "--method", "cellpaintr", "--set", f"run={run}", "--out", tmp_path / "c.parquet", "--json")
    told = json.loads(done.out)
    assert told["features"]["after"] == 16
    assert "source" in told["explained"]
    impasto("embed", run, baseline, "--out", tmp_path / "e.parquet")
    corrected, embedded = tables.read(tmp_path / "c.parquet"), tables.read(tmp_path / "e.parquet")
    assert (corrected.X == embedded.X).all()
    impasto("correct", baseline, "--method", "cellpaintr", "--set", "run=nowhere", "--out", tmp_path / "n.parquet", code=2)


def test_the_three_forms_of_the_source_are_the_rows_of_the_recipe_and_of_its_twin(tmp_path: Path) -> None:
    for place in ("smoke", "."):
        recipe = recipes.read(RECIPES / place / "cellpaintr_source.toml")
        recipes.checked(recipe, out=tmp_path)
        rows = next(s for s in recipe.stages if s.name == "sets").values["row"]
        assert [row["label"] for row in rows] == ["token", "every", "scale"]
        for row in rows:
            assert row["set"] == {f"{stage}.method.source": row["label"] for stage in ("cwmm", "intra", "inter")}


@pytest.mark.slow
def test_the_three_forms_of_the_source_stand_in_one_table(tmp_path: Path) -> None:
    smoke = recipes.read(RECIPES / "smoke" / "cellpaintr_source.toml")
    run_stages(smoke, tmp_path)
    rows = [row[0] for row in json.loads((tmp_path / "table" / "table.json").read_text())["rows"]]
    assert [row for row in rows if "CellPainTR (3)" in row] == [f"{form}: CellPainTR (3)" for form in ("token", "every", "scale")]
    for form in ("token", "every", "scale"):
        described = json.loads((tmp_path / "sets" / form / "0" / "inter" / "model.json").read_text())
        assert described["method"]["source"] == form
