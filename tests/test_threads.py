"""A run keeps its number of threads, wherever it goes on; sums are the same bits then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from threadpoolctl import threadpool_info

from impasto import records, runs, threads
from impasto.settings import Settings


class Source(Settings):
    source: Path


@pytest.mark.parametrize(("said", "cores", "count"), [("3", 8, 3), ("", 8, 4), ("", 2, 2), ("0", 2, 2), ("many", 16, 4), ("12", 2, 12)])
def test_a_new_run_takes_what_the_variable_says_or_at_most_four(said: str, cores: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr("impasto.machine.cores", lambda: cores)
    assert threads.chosen() == count


def test_a_limit_holds_for_all_libraries_and_other_processes_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> tuple[int, int, str | None]:
        return torch.get_num_threads(), pa.cpu_count(), os.environ.get("OMP_NUM_THREADS")

    before = now()
    with threads.limited(2):
        assert now() == (2, 2, "2")
        assert all(pool["num_threads"] == 2 for pool in threadpool_info())
        words = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "2\n"
    assert now() == before
    with threads.limited(0):
        assert now() == before
    monkeypatch.delenv("OMP_NUM_THREADS")
    with threads.limited(2):
        pass
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_run_that_goes_on_elsewhere_takes_up_the_number_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("x")
    seen: list[int] = []

    def work() -> None:
        seen.append(torch.get_num_threads())
        with runs.atomic(out) as temporary:
            temporary.write_text("y")
        if len(seen) == 1:
            raise KeyboardInterrupt

    def go(source: Path = source) -> bool:
        return runs.run_stage(work, verb="sum", settings=Source(source=source), inputs=[source], out=out, folder=False)

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with pytest.raises(KeyboardInterrupt):
        go()
    record = json.loads(records.path_of(out, folder=False).read_text())
    assert (record["state"], record["threads"]) == ("started", 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert go()
    assert seen == [3, 3]
    record = json.loads(records.path_of(out, folder=False).read_text())
    assert (record["state"], record["threads"]) == ("finished", 3)
    assert not go()  # the number is no part of the key
    source.write_text("another")
    assert go()  # another run is a new one
    assert seen == [3, 3, 2]
