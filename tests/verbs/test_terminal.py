"""What verbs print of results: tables for people, the same rows for programs, and what was left out or merged."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from impasto.verbs import terminal


@pytest.fixture
def results(tmp_path: Path) -> Path:
    score = {
        "task": "hits",
        "protocol": "apart",
        "group": "profiles",
        "metric": "share",
        "value": 0.25,
        "low": None,
        "high": 0.5,
        "chance": 0.05,
    }
    pd.DataFrame([score | {"n": 8}]).to_csv(tmp_path / "results.csv", index=False)
    pd.DataFrame([{"profiles": "raw", "reason": "no controls"}]).to_parquet(tmp_path / "levels_not_ranked.parquet")
    merged = {"perturbation": "AMG900", "names": "AMG900, AMG-900", "profiles": "raw"}
    pd.DataFrame([merged, merged]).to_parquet(tmp_path / "merged.parquet")
    return tmp_path


def test_people_read_a_table_and_what_was_left_out_and_merged(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_results(results, as_json=False)
    printed = capsys.readouterr().out
    assert "hits: apart" in printed
    assert "0.250" in printed
    assert "left out, raw: no controls" in printed
    assert printed.count("one InChIKey, scored as AMG900: AMG900, AMG-900") == 1


def test_programs_read_the_rows_alone(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_results(results, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["value"], row["low"], row["chance"], row["n"]) == (0.25, None, 0.05, 8)
