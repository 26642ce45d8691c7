"""`impasto evaluate hits` after `impasto correct`, as a user runs them: what is printed, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.screens import screen
from typer.testing import CliRunner, Result

from impasto import profiles as tables
from impasto.cli import app


def ran(*arguments: str | Path | float) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    data = screen(perturbations=24, active=6, controls=24, whole=True)
    tables.write(data, tmp_path / "raw.parquet")
    return tmp_path / "raw.parquet"


def test_spared_by_default_and_judged_by_them(table: Path, tmp_path: Path) -> None:
    assert ran("correct", table, "--method", "standardize", "--out", tmp_path / "c.parquet").exit_code == 0
    done = ran("evaluate", "hits", tmp_path / "c.parquet", "--set", "draws=2000", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "3 plates, reproduction is tested: the smallest p is 0.0005" in done.output
    per = pd.read_parquet(tmp_path / "out" / "per_group.parquet")
    assert {"T", "p", "p1", "p2", "q", "hit", "reason", "kept"} <= set(per)
    assert per["hit"].dtype == bool
    assert np.isfinite(per["p2"]).all()
    wells = pd.read_parquet(tmp_path / "out" / "per_well.parquet")
    assert len(wells) == 3 * (24 + 12)
    assert (tmp_path / "out" / "reasons.parquet").exists()


def test_without_spared_controls_a_corrected_table_calls_no_hit(table: Path, tmp_path: Path) -> None:
    assert ran("correct", table, "--method", "standardize", "--spare", 0, "--out", tmp_path / "c.parquet").exit_code == 0
    done = ran("evaluate", "hits", tmp_path / "c.parquet", "--set", "draws=500", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    assert "share of hits" not in {row["metric"] for row in json.loads(done.stdout)}
    assert "hit" not in pd.read_parquet(tmp_path / "out" / "per_group.parquet")


def test_the_plan_alone(table: Path, tmp_path: Path) -> None:
    done = ran("evaluate", "hits", table, "--set", "plan=true", "--set", "test=distance", "--out", tmp_path / "out", "--json")
    values = {row["metric"]: row["value"] for row in json.loads(done.stdout)}
    assert values["smallest p-value"] == pytest.approx(1 / 25**3)
    assert values["hits needed at the smallest p-value"] == 1
    assert not (tmp_path / "out" / "per_group.parquet").exists()
