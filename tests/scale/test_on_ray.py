"""Shards on Ray: the same files; without Ray, a sentence; and no Ray is left that was started here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

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


class FakeRay(ModuleType):
    """Runs what it is given when it is asked for, in this process, and notes when it starts and ends."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.is_up = False
        self.said: list[str] = []
        self.exceptions = type("exceptions", (), {"RayError": ChildProcessError})

    def is_initialized(self) -> bool:
        return self.is_up

    def init(self, **_: object) -> None:
        self.is_up = True
        self.said.append("init")

    def shutdown(self) -> None:
        self.is_up = False
        self.said.append("shutdown")

    def remote(self, **_: object) -> Callable[[Any], Any]:
        assert self.is_up
        return lambda work: type("Remote", (), {"remote": staticmethod(lambda *given: (work, given))})

    def wait(self, waiting: list[Any], *, num_returns: int) -> tuple[list[Any], list[Any]]:
        # Ray refuses to wait for more than there is.
        if num_returns > len(waiting):
            raise ValueError("num_returns cannot be greater than the number of ray_waitables provided")
        return waiting[:num_returns], waiting[num_returns:]

    def get(self, task: Any) -> Any:
        return task[0](*task[1])


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def test_ray_is_up_for_all_phases_and_ends_with_the_plan(tmp_path: Path, ray: FakeRay) -> None:
    run_shards(plan_of(tmp_path, ["write", "write"]), where.read("ray:1"))
    assert (tmp_path / "all.txt").read_text() == "x\nx"
    assert ray.said == ["init", "shutdown"]


def test_a_plan_that_fails_between_its_phases_leaves_no_ray(tmp_path: Path, ray: FakeRay) -> None:
    for _ in range(2):  # nor does it keep a later one from starting its own
        with pytest.raises(InputError, match="3 of 4 plates failed"):
            run_shards(plan_of(tmp_path, ["write", "bad_input", "bad_input", "bad_input"]), where.read("ray:1", retry_bad=True))
        assert not ray.is_up
    assert ray.said == ["init", "shutdown"] * 2


def test_a_plan_that_is_stopped_leaves_no_ray(tmp_path: Path, ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ray, "get", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_shards(plan_of(tmp_path, ["write"]), where.read("ray:1"))
    assert ray.said == ["init", "shutdown"]


def test_what_the_user_started_stays(tmp_path: Path, ray: FakeRay) -> None:
    ray.is_up = True
    with pytest.raises(InputError, match="2 of 2 plates failed"):
        run_shards(plan_of(tmp_path / "a", ["bad_input", "bad_input"]), where.read("ray:1"))
    run_shards(plan_of(tmp_path / "b", ["write"]), where.read("ray:1"))
    assert ray.is_up
    assert ray.said == []


@pytest.mark.slow
def test_two_workers_leave_the_same_files(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    run_shards(plan_of(tmp_path, ["write", "bad_input", "write", "once"]), where.read("ray:2", max_bad=0.3))
    assert not ray.is_initialized(), "what was started for the plan ends with it"
    assert (tmp_path / "all.txt").read_text() == "x\nx\ndone"


@pytest.mark.slow
def test_a_run_that_fails_leaves_no_ray(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    with pytest.raises(InputError, match="2 of 3 plates failed"):
        run_shards(plan_of(tmp_path, ["write", "bad_input", "bad_input"]), where.read("ray:2"))
    assert not ray.is_initialized()
