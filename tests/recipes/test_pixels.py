"""The recipe of real pixels: read to the last key; its painted twin runs whole, and finds what was planted and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.recipe import run
from impasto.sweep import folder_name

FOLDER = REPOSITORY / "recipes"


def test_the_recipe_is_read_to_the_last_key_and_compares_ways_that_it_runs(tmp_path: Path) -> None:
    full = recipes.read(FOLDER / "pixels.toml")
    recipes.checked(full, out=tmp_path)
    by_name = {stage.name: stage.values for stage in full.stages}
    labels = [row["label"] for row in by_name["rows"]["row"]]
    choice = by_name["choice"]
    assert choice["labels"] == labels
    assert choice["profiles"] == [f"@rows/{folder_name(label)}/0" for label in labels]
    assert {name.split(": ")[0] for pair in choice["pairs"] for name in pair} <= set(labels)
    assert {name.split(": ")[1] for pair in choice["pairs"] for name in pair if ": " in name} <= set(choice["only"])
    assert len(choice["pairs"]) <= 12
    assert set(choice["needs"]) <= set(labels)
    settings = {stage.name for stage in recipes.read(FOLDER / "rows" / "pixels.toml").stages} - {"features"}
    assert set(choice["only"]) == settings


@pytest.mark.slow
def test_the_painted_twin_finds_what_was_planted_and_nothing_else(tmp_path: Path) -> None:
    run(recipes.read(FOLDER / "smoke" / "pixels.toml"), tmp_path)
    scores = {name: pd.read_csv(tmp_path / f"{name}_choice" / "results.csv") for name in ("planted", "shuffled")}

    def score(name: str, way: str, metric: str = "mAP NSC", end: str = "compound") -> pd.Series:
        table = scores[name]
        return table[(table["group"] == way) & (table["metric"] == metric) & table["protocol"].str.endswith(end)].iloc[0]

    # Statistics of light see what was painted, in other batches too; the position of a well does not know it.
    for metric in ("mAP NSC", "mAP NSB"):
        planted = score("planted", "intensity", metric)
        assert planted["low"] > planted["chance"]
        assert score("planted", "position only", metric, "as it is")["value"] < planted["low"]
    # Shuffled mechanisms: chance lies in every interval, though the best of 16 tables in hindsight lies above it.
    for way in ("intensity", "random net", "any of them"):
        nothing = score("shuffled", way)
        assert nothing["low"] < nothing["chance"] < nothing["high"]
    pairs = {name: pd.read_csv(tmp_path / f"{name}_choice" / "pairs.csv") for name in scores}
    assert pairs["planted"]["sentence"].str.contains("intensity is above random net").all()
    assert pairs["shuffled"]["sentence"].str.contains("not shown to differ").all()
    page = (tmp_path / "planted_choice" / "verdict.md").read_text()
    assert "| your own | not run: needs profiles of your own encoder |" in page
