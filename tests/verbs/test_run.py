"""`--set` of a run: nested keys become paths, and files named here are made whole. `--dry-run`: what the stages will take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.profiles.test_shape import made
from typer.testing import CliRunner, Result

from impasto import profiles
from impasto.cli import app
from impasto.schema import InputError
from impasto.verbs import run

RECIPE = """
[[stage]]
name = "clean"
verb = "correct"
profiles = "t.parquet"
steps = [{ method = "standardize" }]
[[stage]]
name = "hits"
verb = "evaluate"
task = "hits"
profiles = ["@clean"]
[[stage]]
name = "near"
verb = "index"
profiles = "@clean"
[[stage]]
name = "report"
verb = "report"
run = "@"
"""


def dry_run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["run", str(folder / "r.toml"), "--out", str(folder / "out"), "--dry-run", *words])


def test_changes_are_paths_of_keys_and_files_are_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.parquet").write_bytes(b"")
    changes = run.changed_values(
        ["raw.profiles=mine.parquet", "train.loop.epochs=3", "raw.label=absent.parquet", 'eval.profiles=["mine.parquet", "@raw"]']
    )
    assert changes == {
        "raw.profiles": str(tmp_path / "mine.parquet"),
        "train.loop.epochs": 3,
        "raw.label": "absent.parquet",
        "eval.profiles": [str(tmp_path / "mine.parquet"), "@raw"],
    }


def test_a_dry_run_says_what_each_stage_and_all_will_take(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    profiles.write(made(), tmp_path / "t.parquet")
    result = dry_run(tmp_path)
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[0] == "1/4 clean (correct): 0.2 GB of memory, under 0.1 GB of disk, under a minute of one core"
    assert lines[1] == "2/4 hits (evaluate): 0.2 GB of memory, under a minute of one core"
    assert lines[3] == "4/4 report (report): no estimate"
    assert lines[4].startswith("together about 0.")
    assert lines[4].endswith("report")
    assert lines[5] == "dry run: nothing was written"
    assert not (tmp_path / "out").exists()
    values = json.loads(dry_run(tmp_path, "--json").stdout)
    assert [stage["verb"] for stage in values["stages"]] == ["correct", "evaluate", "index", "report"]
    assert values["together"]["seconds_of_one_core"] == pytest.approx(sum(stage["seconds_of_one_core"] or 0 for stage in values["stages"]))
    assert values["together"]["memory_bytes"] == max(stage["memory_bytes"] or 0 for stage in values["stages"])


def test_a_dry_run_takes_changes_and_refuses_as_the_run_does(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    profiles.write(made(), tmp_path / "t.parquet")
    profiles.write(made(4000, 6), tmp_path / "large.parquet")
    changed = ("--set", f"clean.profiles={tmp_path / 'large.parquet'}")
    small, large = (json.loads(dry_run(tmp_path, "--json", *words).stdout)["stages"] for words in ((), changed))
    for before, after in zip(small[:3], large[:3], strict=True):
        assert after["memory_bytes"] > before["memory_bytes"], "later stages grow with the first"
    refused = dry_run(tmp_path, "--set", "hits.task=hitz")
    assert isinstance(refused.exception, InputError)
    assert "hits" in str(refused.exception)
