"""The recipes of CellCLIP's tables: each smoke twin runs whole, and names only rows and settings its full recipe has."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.recipe import run as run_stages

pytestmark = pytest.mark.usefixtures("_text_model")
FOLDER = REPOSITORY / "recipes"


TABLES = (
    "cellclip_table1",
    "cellclip_table2",
    pytest.param("cellclip_s2", marks=pytest.mark.slow),
    pytest.param("cellclip_s3", marks=pytest.mark.slow),
    "cellclip_ablation",
    "cellclip_images",
    "cellclip_control",
    "cellclip_s1",
)


@pytest.mark.parametrize("name", TABLES)
def test_the_smoke_twin_prints_the_table(name: str, tmp_path: Path) -> None:
    smoke, full = recipes.read(FOLDER / "smoke" / f"{name}.toml"), recipes.read(FOLDER / f"{name}.toml")
    rows = {r["label"]: r.get("set", {}) for r in _rows(full).values["row"]}
    for row in _rows(smoke).values["row"]:
        # Trainings of a few steps have no warm-up.
        assert {k: v for k, v in row.get("set", {}).items() if not k.endswith("optim.warmup")} == rows[row["label"]]
    run_stages(smoke, tmp_path)
    told = json.loads((tmp_path / "table" / "table.json").read_text())
    labels = [r["label"] for r in _rows(smoke).values["row"]]
    assert [row[0] for row in told["rows"]] == [*labels, "chance"]
    cells = pd.read_csv(tmp_path / "table" / "table.csv")
    assert cells.loc[cells["row"].isin(labels) & cells["column"].str.contains("R@"), "value"].between(0, 1).all()


def _rows(recipe: recipes.Recipe) -> recipes.Stage:
    return next(stage for stage in recipe.stages if stage.name == "rows")
