"""The same bytes from any number of workers: the digests in the records of profile, check and correct."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto.cli import app

SMALL = ("batches=1", "plates=3", "perturbations=6", "mechanisms=2", "controls=4", "pixels=32", "cells=3", "sites=1")
STEPS = ("--method", "standardize", "--method", "sphering", "--spare", "0.5")


def impasto(*words: object) -> None:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated plates: ingested images, and a folder of their profiles."""
    base = tmp_path_factory.mktemp("workers")
    impasto("simulate", "--out", base / "sim", *(word for pair in SMALL for word in ("--set", pair)))
    sources = sorted(path for path in (base / "sim" / "images").iterdir() if path.is_dir())
    assert len(sources) == 3
    impasto("ingest", *sources, "--platemap", base / "sim" / "platemap.csv", "--out", base / "in")
    impasto("profile", base / "in", "--encoder", "intensity", "--level", "well", "--out", base / "p.plates")
    return base


def digests(record: Path) -> dict[str, str]:
    """What the record says of each file; all of them finished."""
    said = json.loads(record.read_text(encoding="utf-8"))
    files: dict[str, str] = said["files"]
    assert said["state"] == "finished"
    assert files
    assert all(files.values())
    return files


def results(inputs: Path, out: Path, workers: int) -> list[dict[str, str]]:
    """The three verbs on so many workers, under the same names."""
    shards = ("--shards", f"local:{workers}")
    impasto("profile", inputs / "in", "--encoder", "intensity", *shards, "--out", out / "p.parquet")
    impasto("check", inputs / "in", *shards, "--out", out / "check")
    impasto("correct", inputs / "p.plates", *STEPS, "--keep", *shards, "--out", out / "c.plates")
    return [digests(out / "p.parquet.run.json"), digests(out / "check" / "run.json"), digests(out / "c.plates.run.json")]


@pytest.mark.slow
def test_one_two_and_three_workers_leave_the_same_bytes(inputs: Path, tmp_path: Path) -> None:
    alone, two, three = (results(inputs, tmp_path / str(workers), workers) for workers in (1, 2, 3))
    assert alone == two == three
    assert all(len(files) >= 1 for files in alone)


def test_verbs_without_shards_leave_the_same_bytes_twice(inputs: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        impasto("evaluate", "replicates", inputs / "p.plates", "--out", tmp_path / name / "scores")
        impasto("correct", inputs / "p.plates", *STEPS, "--out", tmp_path / name / "c.parquet")
    for record in ("scores/run.json", "c.parquet.run.json"):
        assert digests(tmp_path / "first" / record) == digests(tmp_path / "second" / record)
