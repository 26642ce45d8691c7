"""What was changed, lost or never finished is named, file by file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.chaos.corpus import plates

from impasto import cli, profiles, verified
from impasto.schema import InputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table that was corrected, and its scores."""
    monkeypatch.chdir(tmp_path)
    profiles.write(plates(), tmp_path / "p.parquet")
    run(monkeypatch, "correct", "p.parquet", "--method", "standardize", "--out", "r/c.parquet")
    run(monkeypatch, "evaluate", "replicates", "r/c.parquet", "--out", "r/scores")
    return tmp_path / "r"


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["impasto", *words])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_what_is_as_it_was_left_is_whole(folder: Path) -> None:
    compared = verified.results(folder)
    assert [(c.verb, c.state, c.is_whole) for c in compared] == [("correct", "finished", True), ("evaluate", "finished", True)]
    assert compared[0].files == 2  # the table and its receipt
    assert [c.verb for c in verified.results(folder / "c.parquet")] == ["correct"]
    assert [c.verb for c in verified.results(folder / "scores")] == ["evaluate"]


def test_one_byte_that_is_another_one_and_a_file_that_is_gone_are_named(folder: Path) -> None:
    data = bytearray((folder / "c.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "c.parquet").write_bytes(bytes(data))
    (folder / "scores" / "results.csv").unlink()
    table, scores = verified.results(folder)
    assert (table.changed, table.missing) == (("c.parquet",), ())
    assert (scores.changed, scores.missing) == ((), ("results.csv",))
    assert not table.is_whole
    assert not scores.is_whole


def test_a_run_that_was_stopped_is_not_whole(folder: Path) -> None:
    record = folder / "scores" / "run.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "state": "started"}))
    assert [c.is_whole for c in verified.results(folder)] == [True, False]


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no record of a run"):
        verified.results(tmp_path)


def test_the_doctor_looks_at_results(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(monkeypatch, "doctor", "r", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["verb"] for row in rows] == ["correct", "evaluate"]
    assert all(row["whole"] for row in rows)
    (folder / "c.parquet").unlink()
    assert run(monkeypatch, "doctor", "r") == 2
    said = capsys.readouterr()
    assert "c.parquet" in said.out
    assert said.err == "impasto: 1 of 2 results are not as their runs left them; run the same commands again\n"
