"""A job array by a stand-in for `sbatch`: the same files, whatever task is killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from impasto.failures import Unfinished
from impasto.scale import slurm, where
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.schema import InputError

HERE = "shard_works"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "cluster"
    (home / "bin").mkdir(parents=True)
    command = home / "bin" / "sbatch"
    command.write_text(f'#!/bin/bash\nexec {sys.executable} {Path(__file__).with_name("sbatch.py")} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(home))
    return home


def plan_of(folder: Path, kinds: list[str]) -> Plan:
    arguments = {"text": "x", "count": str(folder / "count")}
    shards = tuple(Shard(f"s-{n}", f"{HERE}:{kind}", arguments, f"{n}.txt", may_fail=True) for n, kind in enumerate(kinds))
    last = Shard("all", f"{HERE}:join", {}, "all.txt", after=tuple(s.name for s in shards))
    return Plan(folder, (Phase("plates", shards, unit="plate"), Phase("last", (last,))))


def test_tasks_do_all_shards_also_where_one_is_killed(cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SLURM_KILL", "1")
    run_shards(plan_of(tmp_path / "work", ["write", "write", "bad_input"]), where.read("slurm", options="--mem=4G --time=1:00:00"))
    assert (tmp_path / "work" / "all.txt").read_text() == "x\nx"
    sent = (cluster / "options.txt").read_text().splitlines()
    assert sent[0] == "--wait --mem=4G --time=1:00:00"
    assert len(sent) == 3, "the killed task's shard needs an array of its own"
    assert sorted(p.name for p in (tmp_path / "work" / "quarantine").iterdir()) == ["s-2.json"]


def test_the_script_names_all_by_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = slurm.script_of(plan_of(Path("a work"), ["write"] * 3), 0, tasks=3)
    assert "#SBATCH --array=0-2" in text
    assert "#SBATCH --requeue" in text
    assert f"-m impasto.scale '{tmp_path}/a work' 0 $SLURM_ARRAY_TASK_ID 3" in text


def test_refusals_and_tasks_that_leave_shards_undone_are_sentences(cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"sbatch refused .*invalid partition specified: none"):
        run_shards(plan_of(tmp_path / "a", ["write"]), where.read("slurm", options="--partition=none"))
    monkeypatch.setattr(slurm, "script_of", lambda *_, **__: "#!/bin/bash\n#SBATCH --array=0-0\nexit 1\n")
    with pytest.raises(Unfinished, match="1 of 1 shards of 'plates' are not done after 3 arrays"):
        run_shards(plan_of(tmp_path / "b", ["write"]), where.read("slurm"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="needs sbatch, which is not on this machine"):
        run_shards(plan_of(tmp_path / "c", ["write"]), where.read("slurm"))


def test_a_task_does_every_nth_shard(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ["write"] * 5)
    plan.save()
    assert slurm.run_task(tmp_path, 0, 1, 2) == 0
    assert sorted(p.name for p in tmp_path.glob("*.txt")) == ["1.txt", "3.txt"]


def test_a_task_leaves_alone_what_is_given_up(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, ["write", "bad_input"])
    plan.save()
    assert slurm.run_task(tmp_path, 0, 0, 1) == 0
    reason = tmp_path / "quarantine" / "s-1.json"
    before = reason.stat().st_mtime_ns
    assert slurm.run_task(tmp_path, 0, 0, 1) == 0
    assert reason.stat().st_mtime_ns == before
