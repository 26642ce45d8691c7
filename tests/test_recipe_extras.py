"""Stages whose extra is not installed: what is left out with them, and what the tables say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from impasto import lacking, recipe, recipe_extras
from impasto.schema import InputError

STAGES = """
[[stage]]
name = "wells"
verb = "simulate"
images = false
plan = { perturbations = 6, mechanisms = 3, controls = 4, batches = 2, plates = 2 }
[[stage]]
name = "plain"
verb = "correct"
profiles = "@wells/profiles.parquet"
steps = [{ method = "standardize" }]
[[stage]]
name = "stitched"
extra = "scanorama"
verb = "correct"
profiles = "@plain"
steps = [{ method = "scanorama", by = "batch" }]
[[stage]]
name = "latent"
extra = "scvi"
verb = "correct"
profiles = "@plain"
steps = [{ method = "scvi", by = "batch" }]
[[stage]]
name = "combat"
verb = "correct"
profiles = "@plain"
steps = [{ method = "combat" }]
[[stage]]
name = "scores"
verb = "evaluate"
task = "mixing"
protocol = "arevalo"
profiles = ["@plain", "@stitched", "@latent", "@combat"]
labels = ["plain", "Scanorama", "scVI", "ComBat"]
options = { batch = "batch" }
[[stage]]
name = "table"
verb = "table"
results = ["@scores"]
columns = { "kBET acceptance" = "kBET" }
"""


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacking, "is_installed", lambda extra: False)


def written(folder: Path, text: str = STAGES) -> recipe.Recipe:
    (folder / "r.toml").write_text(text)
    return recipe.read(folder / "r.toml")


@pytest.mark.usefixtures("without")
def test_other_rows_are_scored_and_those_that_lack_an_extra_stand_in_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.run(written(tmp_path), tmp_path / "run")
    said = capsys.readouterr().out
    assert "stitched: not run: needs pip install 'impasto[scanorama]'" in said
    assert "1/5 wells" in said
    assert set(pd.read_csv(tmp_path / "run" / "scores" / "results.csv")["group"]) >= {"plain", "ComBat"}
    rows = json.loads((tmp_path / "run" / "table" / "table.json").read_text())["rows"]
    assert [row[0] for row in rows[:4]] == ["plain", "Scanorama", "scVI", "ComBat"]
    assert rows[1][1] == "not run: needs pip install 'impasto[scanorama]'"
    assert rows[2][1] == "not run: needs pip install 'impasto[scvi]'"
    assert not (tmp_path / "run" / "latent").exists()


@pytest.mark.usefixtures("without")
def test_a_sweep_over_data_sets_shows_them_too(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "s.toml").write_text(
        """[[stage]]
name = "sets"
verb = "sweep"
recipe = "r.toml"
row = [{ label = "one" }, { label = "two", needs = ["nowhere.csv"] }]
[[stage]]
name = "table"
verb = "table"
results = ["@sets"]
columns = { "kBET acceptance" = "kBET" }
"""
    )
    recipe.run(recipe.read(tmp_path / "s.toml"), tmp_path / "run")
    lines = json.loads((tmp_path / "run" / "table" / "table.json").read_text())["rows"]
    assert [line[0] for line in lines[:4]] == ["one: plain", "one: Scanorama", "one: scVI", "one: ComBat"]
    rows = {line[0]: line[1] for line in lines}
    assert rows["one: Scanorama"] == "not run: needs pip install 'impasto[scanorama]'"
    assert rows["one: scVI"] == "not run: needs pip install 'impasto[scvi]'"
    assert rows["two"].startswith("not run: needs ")
    assert "two: scVI" not in rows


@pytest.mark.usefixtures("without")
def test_what_rests_on_such_a_stage_alone_is_refused_before_anything_runs(tmp_path: Path) -> None:
    text = STAGES + '\n[[stage]]\nname = "more"\nverb = "correct"\nprofiles = "@latent"\nsteps = [{ method = "clip" }]\n'
    with pytest.raises(
        InputError, match=r"stage 'more' rests on 'latent', which needs pip install 'impasto\[scvi\]'; give it the same extra"
    ):
        recipe.run(written(tmp_path, text), tmp_path / "run")
    assert not (tmp_path / "run" / "wells").exists()
    recipe_extras.available(written(tmp_path, text.replace('name = "more"', 'name = "more"\nextra = "scvi"')))


def test_with_the_extras_nothing_is_left_out_and_an_unknown_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(tmp_path)
    assert lacking.is_installed("scvi") in (True, False)
    monkeypatch.setattr(lacking, "is_installed", lambda extra: True)
    assert recipe_extras.available(whole) is whole
    assert recipe_extras.labels(whole) == {} == recipe_extras.left_out(whole)
    monkeypatch.setattr(lacking, "is_installed", lambda extra: extra == "scvi")
    assert recipe_extras.labels(whole) == {"plain": "", "Scanorama": "pip install 'impasto[scanorama]'", "scVI": "", "ComBat": ""}
    part = {stage.name: stage.values for stage in recipe_extras.available(whole).stages}
    assert part["scores"]["labels"] == ["plain", "scVI", "ComBat"]
    assert part["scores"]["profiles"] == ["@plain", "@latent", "@combat"]
    assert part["table"]["not_run"] == {"plain": "", "Scanorama": "pip install 'impasto[scanorama]'", "scVI": "", "ComBat": ""}
    with pytest.raises(InputError, match=r"'scanoramas'.*did you mean 'scanorama'"):
        written(tmp_path, STAGES.replace('extra = "scanorama"', 'extra = "scanoramas"'))


@pytest.mark.usefixtures("without")
def test_a_misspelt_key_of_a_stage_that_is_left_out_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sprea"):
        recipe.run(written(tmp_path, STAGES.replace('method = "scvi", by', 'method = "scvi", sprea = 1, by')), tmp_path / "run")


def test_every_extra_that_a_stage_may_name_is_one_of_the_package() -> None:
    import tomllib

    from tests.conftest import REPOSITORY

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert set(lacking.EXTRAS) <= set(project["optional-dependencies"])
