"""One shard: whole or absent, its receipt, and what its failure says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto import machine
from impasto.failures import Unfinished
from impasto.scale import task
from impasto.scale.plan import Phase, Plan, Shard
from impasto.schema import InputError

HERE = "shard_works"


def plan_of(folder: Path, *shards: Shard, threads: int = 1) -> Plan:
    return Plan(folder, (Phase("p", shards),), threads)


def test_a_receipt_says_what_was_left(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:write", {"text": "seven.."}, "out/a.txt")
    plan = plan_of(tmp_path, shard)
    task.run(plan, shard)
    said = json.loads((tmp_path / "receipts" / "a.json").read_text())
    assert said["bytes"] == 7
    assert said["key"] == plan.key(shard)
    assert set(said) == {"key", "bytes", "sha256", "facts", "started", "seconds", "peak_mb"}
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.txt"]


@pytest.mark.parametrize(("held", "said"), [(3 * 2**20 + 2**18, 3.2), (None, None)])
def test_a_receipt_says_the_peak_of_memory_in_mebibytes(
    held: int | None, said: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "peak_memory", lambda: held)
    shard = Shard("a", f"{HERE}:write", {"text": "x"}, "a.txt")
    task.run(plan_of(tmp_path, shard), shard)
    assert json.loads((tmp_path / "receipts" / "a.json").read_text())["peak_mb"] == said


def test_a_shard_that_fails_leaves_nothing(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:bad_input", {"count": str(tmp_path / "n")}, "out/a.txt")
    failure = task.attempt(plan_of(tmp_path, shard), shard)
    assert failure is not None
    assert (failure.sentence, failure.kind, failure.tries) == ("this plate has no controls", "input", 1)
    assert not list((tmp_path / "out").iterdir())
    assert not (tmp_path / "receipts").exists()


def test_failures_by_who_can_mend_them() -> None:
    assert (task.Failure.of(ValueError("x")).kind, task.Failure.of(ValueError("x")).tries) == ("fault", 2)
    assert (task.Failure.of(MemoryError()).kind, task.Failure.of(MemoryError()).tries) == ("machine", 3)
    assert task.Failure.of(OSError(5, "Input/output error")).kind == "machine"
    assert task.Failure.of(ZeroDivisionError("a slip\nmore")).sentence == "ZeroDivisionError: a slip"
    assert "ZeroDivisionError" in task.Failure.of(ZeroDivisionError("a slip")).trace
    assert task.KILLED.tries == 3


def test_a_full_disk_stops_all(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:full", {}, "a.txt")
    with pytest.raises(OSError, match="No space left"):
        task.attempt(plan_of(tmp_path, shard), shard)


def test_a_machine_that_is_too_small_stops_all_and_no_shard_is_to_blame(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:too_large", {}, "a.txt")
    with pytest.raises(Unfinished, match="9 GB"):
        task.attempt(plan_of(tmp_path, shard), shard)
    assert not (tmp_path / "quarantine").exists()


def test_what_is_done_later_is_out_of_quarantine(tmp_path: Path) -> None:
    shard = Shard("a", f"{HERE}:write", {"text": "x"}, "a.txt")
    plan = plan_of(tmp_path, shard)
    task.give_up(plan, shard, task.Failure("busy"), tries=2)
    assert json.loads((tmp_path / "quarantine" / "a.json").read_text())["reason"] == "busy"
    task.run(plan, shard)
    assert not (tmp_path / "quarantine" / "a.json").exists()


def test_bad_words_are_bad_input() -> None:
    assert task.Failure.of(InputError("two\nlines")).sentence == "two"


def test_a_shard_finds_its_scratch_again_until_it_is_done_and_no_other_finds_it(tmp_path: Path) -> None:
    shard, other = (Shard("a", f"{HERE}:in_pieces", {"text": text}, "a.txt") for text in "xy")
    plan = plan_of(tmp_path, shard)
    assert task.attempt(plan, shard) is not None
    assert task.attempt(plan_of(tmp_path, other), other) is not None, "other arguments begin anew"
    assert task.attempt(plan, shard) is not None
    assert task.attempt(plan, shard) is None
    assert (tmp_path / "a.txt").read_text() == "xxx"
    assert len(list((tmp_path / "scratch").iterdir())) == 1, "its own is gone, the other's is there"
