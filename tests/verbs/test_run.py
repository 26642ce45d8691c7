"""`--set` of a run: nested keys become paths, and files named here are made whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.verbs import run


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
