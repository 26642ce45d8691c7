"""Plates over two local workers of Ray end in the same bytes as one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from impasto.plates.sites import Sites

PLAN = "batches = 1\nplates = 3\nperturbations = 4\nmechanisms = 2\npixels = 64\ncells = 4\nsites = 1\ncorrupt = 1\n"


def impasto(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "impasto", *map(str, words)], capture_output=True, text=True, check=False)


def test_without_ray_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.profiling import ray_engine
    from impasto.schema import InputError

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[ray\]'"):
        list(ray_engine.over_workers(["P"], len, workers=1))


@pytest.mark.slow
def test_two_workers_write_the_bytes_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "plan.toml").write_text(PLAN)
    assert impasto("simulate", "--out", tmp_path / "sim", "--plan", tmp_path / "plan.toml").returncode == 0
    assert impasto("ingest", tmp_path / "sim" / "images", "--out", tmp_path / "in").returncode == 0
    assert len(Sites.read(tmp_path / "in").plates()) == 3
    here = impasto("profile", tmp_path / "in", "--encoder", "random", "--out", tmp_path / "here.parquet")
    there = impasto(
        "profile", tmp_path / "in", "--encoder", "random", "--engine", "ray", "--workers", 2, "--out", tmp_path / "there.parquet"
    )
    assert here.returncode == there.returncode == 0, there.stderr
    assert (tmp_path / "here.parquet").read_bytes() == (tmp_path / "there.parquet").read_bytes()
    assert "left out" in there.stdout  # the corrupt file is quarantined by a worker too
