"""The recipes of the biological-knowledge tables: each is read to the last key, and its smoke twin (the same stages) runs whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes

FOLDER = REPOSITORY / "recipes"
NAMES = sorted(p.stem for p in (FOLDER / "smoke").glob("knowledge_*.toml"))


def test_the_tables_and_figures_have_recipes() -> None:
    assert set(NAMES) >= {"knowledge_control", "knowledge_tables", "knowledge_fig4", "knowledge_fig5", "knowledge_fig7", "knowledge_fig8"}


@pytest.mark.parametrize("name", NAMES)
def test_the_smoke_twin_prints_its_tables(name: str, tmp_path: Path) -> None:
    smoke, full = recipes.read(FOLDER / "smoke" / f"{name}.toml"), recipes.read(FOLDER / f"{name}.toml")
    assert {s.verb for s in smoke.stages} == {s.verb for s in full.stages}
    recipes.checked(full, out=tmp_path)
    for stage in smoke.stages:
        recipes.execute(stage.verb, recipes.settings_of(smoke, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    for stage in (s for s in smoke.stages if s.verb == "finetune"):
        rows = pd.read_csv(tmp_path / stage.name / "results.csv")
        variants = stage.values["variant"]
        assert (rows["metric"] == "top-1").sum() == len(variants)
        assert (rows["metric"].str.startswith("top-1 gained over")).sum() == sum("over" in v for v in variants)
        assert rows["value"].notna().all()
        table = (tmp_path / stage.name / "table.md").read_text()
        assert all(v["row"] in table for v in variants)
        assert not (tmp_path / stage.name / "work").exists()
    page = tmp_path / "report" / "page.html"
    if page.exists():
        told = page.read_text()
        assert "Relations, graph" in told
        assert "Table 3: cell-line tokens" in told


def test_the_recipe_of_the_paediatric_atlas_is_read_to_the_last_key(tmp_path: Path) -> None:
    recipe = recipes.read(FOLDER / "knowledge_paediatric.toml")
    assert len(recipes.checked(recipe, out=tmp_path)) == len(recipe.stages)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_true_graph_helps_a_new_line_more_than_shuffled_edges(tmp_path: Path) -> None:
    recipe = recipes.read(FOLDER / "knowledge_control.toml")
    for stage in recipe.stages[: next(n for n, s in enumerate(recipe.stages) if s.name == "mechanisms")]:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=tmp_path), out=recipes.result_of(tmp_path, stage))
    rows = pd.read_csv(tmp_path / "perturbations" / "results.csv")
    top = rows[rows["metric"] == "top-5"].set_index("group")["value"]
    assert top["true graph in both, perturbation"] > top["shuffled graph in both, perturbation"]
    assert top["no graph, perturbation"] > top["shuffled graph in both, perturbation"]
    assert top["no graph, perturbation"] > top["untrained, perturbation"]
