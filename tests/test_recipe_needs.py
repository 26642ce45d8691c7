"""What a recipe will take, before its first stage runs: later stages by what earlier ones will leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.profiles.test_shape import made

from impasto import pace, profiles, recipe, recipe_needs
from impasto.need import Need
from impasto.profiles.shape import Shape
from impasto.recipe_needs import OfStage
from impasto.schema import InputError
from impasto.stages import times

TEXT = """
[[stage]]
name = "raw"
verb = "ingest"
sources = ["t.parquet"]
[[stage]]
name = "clean"
verb = "correct"
profiles = "@raw/profiles.parquet"
steps = [{ method = "standardize" }]
[[stage]]
name = "hits"
verb = "evaluate"
task = "hits"
profiles = ["@clean"]
[[stage]]
name = "aligned"
verb = "correct"
profiles = "@clean"
steps = [{ method = "harmony" }]
[[stage]]
name = "report"
verb = "report"
run = "@"
"""
MB, GB = 2**20, 10**9


@pytest.fixture(autouse=True)
def _as_fast_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "slowness", lambda: 1.0)


def test_later_stages_are_estimated_by_what_earlier_ones_will_leave(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "t.parquet")
    found = recipe_needs.of_recipe(recipe.parsed(TEXT, path=tmp_path / "r.toml"), out=tmp_path / "run")
    assert [stage.name for stage in found] == ["raw", "clean", "hits", "aligned", "report"]
    assert not (tmp_path / "run").exists()
    clean, hits, aligned = (stage.need for stage in found[1:4])
    assert clean is not None
    assert (clean.memory, clean.disk) == (230 * MB + 15 * 960, 1440 + 6 * 650)
    assert clean.seconds == times.of_correction(["standardize"], Shape(40, 6))
    assert hits is not None
    assert hits.seconds == times.of_task("hits", Shape(40, 6))
    assert aligned is not None
    assert aligned.memory == clean.memory
    assert [stage.has_time for stage in found] == [True, True, True, False, False]
    assert found[-1].need is None


def test_what_the_caller_has_seen_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.write(made(), tmp_path / "t.parquet")
    monkeypatch.setattr("impasto.stages.ingest.survey", lambda _: pytest.fail("it was surveyed"))
    surveyed = {"raw": {tmp_path / "run" / "raw" / "profiles.parquet": Shape(1000, 10)}}
    found = recipe_needs.of_recipe(recipe.parsed(TEXT, path=tmp_path / "r.toml"), out=tmp_path / "run", surveyed=surveyed)
    assert found[1].need is not None
    assert found[1].need.memory == 230 * MB + 15 * 40_000


def test_a_slip_in_the_last_stage_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="runn"):
        recipe_needs.of_recipe(recipe.parsed(TEXT.replace("run =", "runn ="), path=tmp_path / "r.toml"), out=tmp_path / "run")


def test_an_input_that_no_stage_makes_is_missed_at_once(tmp_path: Path) -> None:
    text = TEXT.replace('"@clean"\nsteps', '"gone.parquet"\nsteps')
    profiles.write(made(), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"stage 'aligned': .*gone\.parquet does not exist"):
        recipe_needs.of_recipe(recipe.parsed(text, path=tmp_path / "r.toml"), out=tmp_path / "run")


def test_the_sum_is_the_most_memory_and_all_disk_and_time() -> None:
    stages = [
        OfStage("a", "ingest", Need(2 * GB, GB, "", seconds=100)),
        OfStage("b", "correct", Need(5 * GB, 2 * GB, "")),
        OfStage("c", "report", None),
        OfStage("d", "check", Need(GB, 0, "", seconds=200)),
    ]
    assert recipe_needs.sentences(stages) == [
        "1/4 a (ingest): 2.0 GB of memory, 1.0 GB of disk, 2 minutes of one core",
        "2/4 b (correct): 5.0 GB of memory, 2.0 GB of disk",
        "3/4 c (report): no estimate",
        "4/4 d (check): 1.0 GB of memory, 3 minutes of one core",
        "together about 5.0 GB of memory, 3.0 GB of disk, 5 minutes of one core; the time of 2 of 4 is not known: b, c",
    ]
    values = recipe_needs.as_values(stages)
    assert values["together"] == {"memory_bytes": 5 * GB, "disk_bytes": 3 * GB, "seconds_of_one_core": 300}
    assert values["without_time"] == ["b", "c"]
    assert values["stages"][2] == {"stage": "c", "verb": "report", "memory_bytes": None, "disk_bytes": None, "seconds_of_one_core": None}
    assert recipe_needs.sentences(stages[:1])[-1] == "together about 2.0 GB of memory, 1.0 GB of disk, 2 minutes of one core"
    assert recipe_needs.sentences(stages[2:3]) == [
        "1/1 c (report): no estimate",
        "together no estimate; the time of 1 of 1 is not known: c",
    ]
    assert recipe_needs.as_values(stages[2:3])["together"]["seconds_of_one_core"] is None
