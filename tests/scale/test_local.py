"""Workers of this machine: a killed one blames nobody, a poisoned shard is given up, none outlives its parent."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from impasto import progress
from impasto.scale import plan as plans
from impasto.scale import task, where
from impasto.scale.local import run_phase
from impasto.scale.plan import Phase, Plan, Shard

HERE = "shard_works"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "WAITS", (0.0, 0.0, 0.0))


def plan_of(folder: Path, kinds: list[str]) -> Plan:
    arguments = {"text": "x", "count": str(folder / "count"), "folder": str(folder)}
    shards = tuple(Shard(f"s-{n}", f"{HERE}:{kind}", arguments, f"{n}.txt", may_fail=True) for n, kind in enumerate(kinds))
    plan = Plan(folder, (Phase("plates", shards, unit="plate"),))
    plan.save()
    return plan


def test_in_this_process_the_others_go_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ["write", "fault", "bad_input", "write"])
    run_phase(plan, plan.phases[0], where.HERE)
    assert sorted(plan.given_up(plan.phases[0])) == ["s-1", "s-2"]
    assert plan.todo(plan.phases[0]) == []
    assert (tmp_path / "count").read_text() == "xxx"


def test_one_killed_once_one_always_one_poisoned_the_rest_done(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ["write", "once", "write", "fault", "always", "write"])
    run_phase(plan, plan.phases[0], where.read("local:2"))
    bad = plan.given_up(plan.phases[0])
    assert sorted(bad) == ["s-3", "s-4"]
    assert "was killed" in bad["s-4"]["reason"]
    assert bad["s-4"]["tries"] == 3
    # A pool that breaks ends its other workers in the middle of a file: what they leave has a name of its own.
    assert sorted(p.name for p in tmp_path.glob("[!.]*.txt")) == ["0.txt", "1.txt", "2.txt", "5.txt"]


def test_a_run_that_is_stopped_drops_what_has_not_begun(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ["full", *["nap"] * 40])
    begun = time.monotonic()
    with pytest.raises(OSError, match="No space left"):
        run_phase(plan, plan.phases[0], where.read("local:2"))
    assert time.monotonic() - begun < 100
    assert len(list(tmp_path.glob("[!.]*.txt"))) < 20


SCRIPT = """
import sys
from pathlib import Path
from impasto.scale import plan as plans, where
from impasto.scale.local import run_phase
if __name__ == "__main__":
    plan = plans.load(Path(sys.argv[1]))
    run_phase(plan, plan.phases[0], where.read("local:2"))
"""


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    plan_of(tmp_path, ["slow", "slow"])
    (tmp_path / "driver.py").write_text(SCRIPT)
    driver = subprocess.Popen([sys.executable, str(tmp_path / "driver.py"), str(tmp_path)], stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == 2, seconds=120)
    workers = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    wait_for(lambda: not any(lives(pid) for pid in workers), seconds=30)
    assert plans.load(tmp_path).todo(plans.load(tmp_path).phases[0]) != []


def wait_for(what: object, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_bar_moves_one_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    @contextlib.contextmanager
    def bar(**_: object) -> Iterator[Callable[[int], None]]:
        yield steps.append

    monkeypatch.setattr(progress, "bar", bar)
    plan = plan_of(tmp_path, ["write", "bad_input", "write"])
    run_phase(plan, plan.phases[0], where.HERE)
    assert steps == [1, 1, 1]
