"""A plan from its first phase to its last: few may fail, and they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.failures import Unfinished
from impasto.scale import where
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.schema import InputError

HERE = "shard_works"


def plan_of(folder: Path, *, good: int, bad: int, work: str = "bad_input", may_fail: bool = True) -> Plan:
    kinds = ["write"] * good + [work] * bad
    arguments = {"text": "x", "count": str(folder / "count")}
    shards = tuple(Shard(f"s-{n:03d}", f"{HERE}:{kind}", arguments, f"{n}.txt", may_fail=may_fail) for n, kind in enumerate(kinds))
    last = Shard("all", f"{HERE}:join", {}, "all.txt", after=tuple(s.name for s in shards))
    return Plan(folder, (Phase("plates", shards, unit="plate"), Phase("last", (last,))))


def test_one_bad_plate_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_shards(plan_of(tmp_path, good=4, bad=1), where.HERE)
    assert (tmp_path / "all.txt").read_text() == "x\nx\nx\nx"
    assert (tmp_path / "count").read_text() == "x", "bad input is tried once"
    said = capsys.readouterr().out
    assert "left out: s-004: this plate has no controls" in said
    assert "1 of 5 plates were left out" in said


def test_more_than_may_fail_is_bad_input_or_the_machine(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 of 6 plates failed, and 1 may; the first, s-004: this plate has no controls"):
        run_shards(plan_of(tmp_path / "a", good=4, bad=2), where.HERE)
    with pytest.raises(Unfinished, match=r"ZeroDivisionError: a slip; .*--retry-bad"):
        run_shards(plan_of(tmp_path / "b", good=4, bad=2, work="fault"), where.HERE)
    assert (tmp_path / "b" / "count").read_text() == "xxxx", "a fault is tried twice"
    assert not (tmp_path / "a" / "all.txt").exists()


def test_the_share_that_may_fail(tmp_path: Path) -> None:
    run_shards(plan_of(tmp_path / "a", good=4, bad=2), where.read("local", max_bad=0.4))
    with pytest.raises(InputError, match="1 of 5 plates failed, and 0 may"):
        run_shards(plan_of(tmp_path / "b", good=4, bad=1), where.read("local", max_bad=0))
    with pytest.raises(InputError, match="1 of 1 plates failed"):
        run_shards(plan_of(tmp_path / "c", good=0, bad=1), where.HERE)


def test_a_shard_that_all_need_may_not_fail(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^this plate has no controls$"):
        run_shards(plan_of(tmp_path, good=200, bad=1, may_fail=False), where.HERE)


def test_what_was_left_out_is_tried_again_when_asked(tmp_path: Path) -> None:
    run_shards(plan_of(tmp_path, good=4, bad=1), where.HERE)
    run_shards(plan_of(tmp_path, good=4, bad=1), where.HERE)
    assert (tmp_path / "count").read_text() == "x"
    run_shards(plan_of(tmp_path, good=4, bad=1), where.read("local", retry_bad=True))
    assert (tmp_path / "count").read_text() == "xx"
