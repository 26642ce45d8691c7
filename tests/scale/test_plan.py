"""Plans: keys, receipts, and what is left to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto.scale import plan as plans
from impasto.scale import task
from impasto.scale.plan import Phase, Plan, Shard
from impasto.schema import InputError

HERE = "shard_works"


def two_phases(folder: Path, *, text: str = "x") -> Plan:
    first = tuple(
        Shard(f"a-{n}", f"{HERE}:write", {"text": f"{text}{n}"}, f"a/{n}.txt", plates=(f"P{n}",), may_fail=True) for n in range(3)
    )
    last = Shard("all", f"{HERE}:join", {}, "all.txt", after=tuple(s.name for s in first), plates=("P0", "P1", "P2"))
    return Plan(folder, (Phase("first", first), Phase("last", (last,))))


def run(plan: Plan) -> None:
    for phase in plan.phases:
        for shard in plan.todo(phase):
            task.run(plan, shard)


def test_a_plan_is_read_as_it_was_saved(tmp_path: Path) -> None:
    plan = two_phases(tmp_path)
    plan.save()
    assert plans.load(tmp_path).phases == plan.phases
    with pytest.raises(InputError, match="holds no plan"):
        plans.load(tmp_path / "elsewhere")


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    run(two_phases(tmp_path))
    assert (tmp_path / "all.txt").read_text() == "x0\nx1\nx2"
    plan = two_phases(tmp_path)
    assert [plan.todo(phase) for phase in plan.phases] == [[], []]


def test_a_file_of_another_size_is_done_again(tmp_path: Path) -> None:
    run(two_phases(tmp_path))
    (tmp_path / "a" / "1.txt").write_text("cut")
    plan = two_phases(tmp_path)
    assert [shard.name for shard in plan.todo(plan.phases[0])] == ["a-1"]
    (tmp_path / "receipts" / "a-2.json").write_text("{half")
    assert [shard.name for shard in two_phases(tmp_path).todo(plan.phases[0])] == ["a-1", "a-2"]


def test_other_arguments_make_it_and_all_that_comes_after_new(tmp_path: Path) -> None:
    run(two_phases(tmp_path))
    other = two_phases(tmp_path, text="y")
    assert len(other.todo(other.phases[0])) == 3
    run(other)
    assert (tmp_path / "all.txt").read_text() == "y0\ny1\ny2"


def test_a_shard_that_was_given_up_changes_the_key_of_what_comes_after(tmp_path: Path) -> None:
    plan = two_phases(tmp_path)
    before = plan.key(plan.phases[1].shards[0])
    plan = two_phases(tmp_path)
    task.give_up(plan, plan.phases[0].shards[1], task.Failure("poisoned", kind="input"), tries=1)
    assert plan.key(plan.phases[1].shards[0]) != before
    assert [shard.name for shard in plan.todo(plan.phases[0])] == ["a-0", "a-2"]
    assert list(plan.given_up(plan.phases[0])) == ["a-1"]
    run(plan)
    assert (tmp_path / "all.txt").read_text() == "x0\nx2"


def test_plates_that_a_shard_left_out_are_known_to_the_later_ones_that_read_them(tmp_path: Path) -> None:
    plan = two_phases(tmp_path)
    before = plan.key(plan.phases[1].shards[0])
    plan = two_phases(tmp_path)
    task.run(plan, plan.phases[0].shards[0])
    path = tmp_path / "receipts" / "a-0.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "facts": {"bad": {"P2": "no controls", "P7": "elsewhere"}}}))
    assert plan.left_out(plan.phases[1].shards[0]) == {"P2": "no controls"}
    assert plan.bad_plates() == {"P2": "no controls", "P7": "elsewhere"}
    assert plan.left_out(plan.phases[0].shards[2]) == {}
    assert plan.key(plan.phases[1].shards[0]) != before


def test_two_shards_of_one_name_are_a_fault(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:write", {"text": ""}, "a.txt")
    with pytest.raises(ValueError, match="two shards"):
        Plan(tmp_path, (Phase("p", (shard, shard)),))


def test_chunks_and_sizes(tmp_path: Path) -> None:
    assert plans.chunks(list("abcde"), 2) == [("a", "b"), ("c", "d"), ("e",)]
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_text("123")
    (tmp_path / "f" / "b").write_text("45")
    assert plans.size_of(tmp_path / "f") == 5
