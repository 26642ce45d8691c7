"""How far a run is, from what lies in its folder."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import dataset
from impasto.scale import status, task
from impasto.scale.plan import Phase, Plan, Shard
from impasto.schema import InputError


def test_receipts_are_counted(tmp_path: Path) -> None:
    shards = tuple(Shard(f"s-{n}", "shard_works:write", {"text": "x"}, f"{n}.txt", may_fail=True) for n in range(6))
    work = tmp_path / ".out.plates.work"
    plan = Plan(work, (Phase("plates", shards), Phase("last", (Shard("all", "shard_works:join", {}, "all"),))))
    plan.save()
    first, last = status.of_folder(tmp_path / "out.plates")
    assert (first.phase, first.done, first.of, first.per_minute) == ("plates", 0, 6, None)
    for shard in shards[:4]:
        task.run(plan, shard)
    task.give_up(plan, shards[4], task.Failure("poisoned"), tries=2)
    for number in range(4):
        path = work / "receipts" / f"s-{number}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "started": 60.0 * number, "seconds": 1.0}))
    first, last = status.of_folder(work)
    assert (first.done, first.left_out) == (4, 1)
    assert first.per_minute is not None
    assert first.minutes_left == pytest.approx(1 / first.per_minute)
    assert (last.done, last.of) == (0, 1)


def test_a_rate_of_a_finished_phase_is_over_its_own_time(tmp_path: Path) -> None:
    shards = tuple(Shard(f"s-{n}", "shard_works:write", {"text": "x"}, f"{n}.txt") for n in range(3))
    plan = Plan(tmp_path, (Phase("plates", shards),))
    plan.save()
    for number, shard in enumerate(shards):
        task.run(plan, shard)
        path = tmp_path / "receipts" / f"s-{number}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "started": 60.0 * number, "seconds": 1.0}))
    (only,) = status.of_folder(tmp_path)
    assert only.per_minute == pytest.approx(1.0)
    assert only.minutes_left == 0


def test_without_a_run_it_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is there"):
        status.of_folder(tmp_path / "out.plates")


def test_a_result_that_is_whole_is_finished_and_its_plates_are_counted(tmp_path: Path) -> None:
    (tmp_path / "out.parquet").touch()
    assert status.of_folder(tmp_path / "out.parquet") == [status.Progress("finished", 1, 1, 0, None, 0.0)]
    obs = pd.DataFrame({"plate": ["P1", "P2", "P2"], "well": ["A01", "A01", "A02"]}, index=["a", "b", "c"])
    dataset.write(anndata.AnnData(np.ones((3, 2), dtype=np.float32), obs=obs), tmp_path / "out.plates")
    assert status.of_folder(tmp_path / "out.plates") == [status.Progress("finished", 2, 2, 0, None, 0.0)]
