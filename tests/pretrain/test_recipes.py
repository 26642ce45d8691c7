"""Every recipe of image pretraining is read to the last key, and its smoke twin (the same method, pairs and encoder) is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import REPOSITORY
from tests.nets.encoders.test_start import published

from impasto import methods
from impasto import profiles as tables
from impasto import recipe as recipes
from impasto.pretrain.images import ImageSettings
from impasto.report import page
from impasto.stages.train import TrainSettings
from impasto.training.settings import LoopSettings

RECIPES = REPOSITORY / "recipes"
FULL = sorted(p for p in RECIPES.glob("[!k]*.toml") if (RECIPES / "smoke" / p.name).exists())


def chosen(path: Path, out: Path) -> tuple[ImageSettings, LoopSettings] | None:
    """The method's settings and the loop's, checked; None for a recipe that trains on something else."""
    recipe = recipes.read(path)
    stages = [s for s in recipe.stages if s.verb == "train"]
    if len(stages) != 1:
        return None
    settings: Any = recipes.settings_of(recipe, stages[0], out=out)
    assert isinstance(settings, TrainSettings)
    own = methods.own_settings(settings.method)
    return (own, settings.loop) if isinstance(own, ImageSettings) and settings.method.name != "image_towers" else None


IMAGES = [p for p in FULL if chosen(p, Path("out")) is not None]


def test_every_method_has_a_recipe() -> None:
    trained = {getattr(chosen(p, Path("out"))[0], "name") for p in IMAGES}  # type: ignore[index]  # noqa: B009
    assert trained >= {"msn", "simclr", "byol", "moco_v3", "mae", "crop_mae", "wsl"}


def test_the_report_shows_the_monitors_of_collapse(tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / "smoke" / "cwa_msn.toml")
    for stage in recipe.stages[:3]:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    page.write(tmp_path, tmp_path / "page.html")
    told = (tmp_path / "page.html").read_text()
    assert "Collapse would show in: embedding rank" in told
    assert "rank of embeddings" in told


@pytest.mark.parametrize("path", IMAGES, ids=lambda p: p.stem)
def test_the_smoke_twin_trains_and_profiles(path: Path, tmp_path: Path) -> None:
    smoke = path.parent / "smoke" / path.name
    full, small = chosen(path, tmp_path), chosen(smoke, tmp_path)
    assert full is not None
    assert small is not None
    assert type(full[0]) is type(small[0])
    assert full[0].encoder.name == small[0].encoder.name
    assert (full[0].pairs.wells, full[0].pairs.epoch) == (small[0].pairs.wells, small[0].pairs.epoch)
    recipe = recipes.read(smoke)
    for stage in recipe.stages:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    found = tables.read(tmp_path / "profiles" / "profiles.parquet")
    assert found.shape == (12, 24)
    assert np.isfinite(found.X).all()
    assert found.X.std(axis=0).max() > 0


@pytest.mark.parametrize("name", ["cwa_msn_tables", "bbbc021", "cross_well_simulated"])
def test_every_row_of_a_table_is_read_to_the_last_key(name: str, tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / f"{name}.toml")
    sweep: Any = next(recipes.settings_of(recipe, s, out=tmp_path) for s in recipe.stages if s.verb == "sweep")
    assert sweep.row
    recipes.checked(recipe, out=tmp_path)


def test_the_smoke_twin_of_the_tables_prints_them_all(tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / "smoke" / "cwa_msn_tables.toml")
    for stage in recipe.stages:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    for stage in (s for s in recipe.stages if s.verb == "table"):
        table = json.loads((tmp_path / stage.name / "table.json").read_text())
        shown = [row[0] for row in table["rows"]]
        assert shown[: len(stage.values["rows"])] == stage.values["rows"]
        assert "shuffled labels" in shown


@pytest.mark.slow
def test_the_smoke_twin_of_wells_across_and_within_prints_its_tables(tmp_path: Path) -> None:
    recipe = recipes.read(REPOSITORY / "recipes" / "smoke" / "cross_well_simulated.toml")
    for stage in recipe.stages:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    whole = recipes.read(REPOSITORY / "recipes" / "cross_well_simulated.toml")
    assert [s.name for s in recipe.stages] == [s.name for s in whole.stages]
    for name, rows in (("table", "| MSN across wells |"), ("new_table", "| untrained |"), ("new_differences", "| MSN on single wells |")):
        told = (tmp_path / name / "table.md").read_text()
        assert "as embedded: mAP over batches" in told
        assert "standardized: recall 5 %/95 %" in told
        assert rows in told
    assert "MSN across wells |" not in (tmp_path / "differences" / "table.md").read_text()


def test_the_new_batches_are_those_of_the_training_in_all_but_the_draw() -> None:
    stages = {s.name: s.values for s in recipes.read(REPOSITORY / "recipes" / "rows" / "cross_well.toml").stages}
    assert stages["new_plates"]["plan"] == {**stages["plates"]["plan"], "repeat": 1}


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dinov2")
    published().save_pretrained(path)
    return path


def run(name: str, out: Path, **changes: Any) -> None:
    """A smoke twin, run whole."""
    recipes.run(recipes.read(RECIPES / "smoke" / f"{name}.toml").changed(changes), out)


def test_the_smoke_twin_of_zero_shot_scores_genes_and_batches_that_no_training_saw(tmp_path: Path) -> None:
    run("zero_shot", tmp_path)
    rows = ("untrained", "MSN on single wells", "MSN across wells", "MSN across wells, by batch", "MSN across wells, bf16")
    table = (tmp_path / "table" / "table.md").read_text()
    assert all(f"| painted: {row} |" in table for row in rows)
    less = (tmp_path / "differences" / "table.md").read_text()
    assert all(f"| painted: {row} |" in less for row in rows if row != "MSN across wells")
    place = tmp_path / "rows" / "painted" / "0"
    for name in ("untrained", "single", "cross", "together", "bf16"):
        described = json.loads((place / name / "model.json").read_text())
        assert set(described["facts"]["split"]["train"]) == {*(f"SIM-{n:03d}" for n in range(6)), "DMSO"}
        assert described["precision"] == ("bf16" if name == "bf16" else "float32")
    pairs = {name: json.loads((place / name / "model.json").read_text())["method"]["pairs"] for name in ("cross", "together")}
    assert (pairs["together"]["together"], pairs["together"]["prefer"], pairs["cross"]["together"]) == ("batch", "batch", "any")
    scored = pd.read_parquet(place / "replicates_standardized" / "per_group.parquet")
    assert set(scored["perturbation"]) <= {f"SIM-{n:03d}" for n in range(6, 12)}
    wells = [set(tables.read(place / name / "profiles.parquet").obs["batch"]) for name in ("cross_profiles", "untrained_profiles")]
    assert wells[0] == wells[1]


def test_the_smoke_twin_of_lora_scores_what_no_training_saw_and_counts_the_trainings(tmp_path: Path) -> None:
    run("lora_crops", tmp_path)
    table = (tmp_path / "table" / "table.md").read_text()
    assert "| random ViT |" in table
    assert "| MSN from scratch |" in table
    trainings = (tmp_path / "late_trainings" / "table.md").read_text()
    assert "| random ViT | - | 0.000 | 0.000 |" in trainings or "| random ViT |  | 0.000 | 0.000 |" in trainings
    row = tmp_path / "late" / "msn_from_scratch" / "0"
    facts = json.loads((row / "train" / "model.json").read_text())["facts"]
    asked = pd.read_parquet(row / "mechanism" / "per_group.parquet")
    assert set(asked["mechanism"]) == {"simulated mechanism 1"}
    assert not set(asked["compound"]) & set(facts["split"]["train"])


def test_the_row_with_lora_begins_with_the_weights_that_are_named(tmp_path: Path, dinov2: Path) -> None:
    encoder = {"patch": 14, "width": 24, "depth": 3, "heads": 3, "start": str(dinov2), "lora": 2}
    run("lora_crops", tmp_path, **{"late.row": [{"label": "LoRA", "set": {"train.method.encoder": encoder}}]})
    place = tmp_path / "late" / "lora" / "0" / "train"
    facts = json.loads((place / "model.json").read_text())["facts"]
    assert facts["start"]["name"] == str(dinov2)
    assert facts["trained_parameters"] < facts["parameters"]
    account = pd.read_csv(tmp_path / "late" / "results.csv").query("task == 'training'").set_index("metric")["value"]
    assert account["trained parameters (millions)"] == facts["trained_parameters"] / 1e6
    # Two epochs of a minibatch of three pairs: an anchor and a target each.
    assert (account["steps"], account["views"]) == (2, 12)
