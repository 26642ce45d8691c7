"""Shards on Ray: the same files; without Ray, a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from impasto.scale import where
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.schema import InputError

HERE = "shard_works"


def plan_of(folder: Path, kinds: list[str]) -> Plan:
    arguments = {"text": "x", "count": str(folder / "count")}
    shards = tuple(Shard(f"s-{n}", f"{HERE}:{kind}", arguments, f"{n}.txt", may_fail=True) for n, kind in enumerate(kinds))
    last = Shard("all", f"{HERE}:join", {}, "all.txt", after=tuple(s.name for s in shards))
    return Plan(folder, (Phase("plates", shards, unit="plate"), Phase("last", (last,))))


def test_without_ray_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[ray\]'"):
        run_shards(plan_of(tmp_path, ["write"]), where.read("ray:1"))


@pytest.mark.slow
def test_two_workers_leave_the_same_files(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    run_shards(plan_of(tmp_path, ["write", "bad_input", "write", "once"]), where.read("ray:2", max_bad=0.3))
    assert not ray.is_initialized(), "what was started for the plan ends with it"
    assert (tmp_path / "all.txt").read_text() == "x\nx\ndone"
