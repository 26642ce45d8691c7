"""What the machine has left, where a container gives less."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from impasto import machine


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container without limits, on a machine of 8 GB with 6 left."""
    (tmp_path / "meminfo").write_text(
        "MemTotal:        8388608 kB\nMemFree:          100 kB\nMemAvailable:    6291456 kB\n", encoding="ascii"
    )
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_CGROUP", tmp_path / "own")
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("1073741824\n", encoding="ascii")
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    return tmp_path


def test_without_a_limit_it_is_the_machine(container: Path) -> None:
    assert machine.memory() == 8 * 2**30
    assert machine.free_memory() == 6 * 2**30
    assert machine.cores() == 4
    (container / "memory.max").unlink()
    assert machine.free_memory() == 6 * 2**30


def test_a_container_gives_less(container: Path) -> None:
    (container / "memory.max").write_text(f"{4 * 2**30}\n", encoding="ascii")
    (container / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    assert machine.memory() == 4 * 2**30
    assert machine.free_memory() == 3 * 2**30
    assert machine.cores() == 2
    # Files that the system can let go are free.
    (container / "memory.stat").write_text(f"anon 5\ninactive_file {2**29}\n", encoding="ascii")
    assert machine.free_memory() == 3 * 2**30 + 2**29
    # What is used beyond the limit for a moment leaves nothing, and no less.
    (container / "memory.stat").unlink()
    (container / "memory.current").write_text(f"{5 * 2**30}\n", encoding="ascii")
    assert machine.free_memory() == 0
    (container / "cpu.max").write_text("1000 100000\n", encoding="ascii")
    assert machine.cores() == 1


def test_a_job_of_slurm_has_its_own_limit_and_those_above_it(container: Path) -> None:
    (container / "own").write_text("0::/slurm/job_7/step_0\n")
    job = container / "slurm" / "job_7"
    (job / "step_0").mkdir(parents=True)
    (job / "memory.max").write_text(f"{2 * 2**30}\n")
    (job / "memory.current").write_text(f"{2**30}\n")
    (job / "cpu.max").write_text("200000 100000\n")
    (job / "step_0" / "memory.max").write_text("max\n")
    assert (machine.memory(), machine.free_memory(), machine.cores()) == (2 * 2**30, 2**30, 2)


def test_the_first_version_of_control_groups(container: Path) -> None:
    (container / "own").write_text("9:name=systemd:/\n4:memory:/lab/anna\n2:cpu,cpuacct:/lab\n0::/\n")
    (memory := container / "memory" / "lab" / "anna").mkdir(parents=True)
    (memory / "memory.limit_in_bytes").write_text(f"{3 * 2**30}\n")
    (memory / "memory.usage_in_bytes").write_text(f"{2**30}\n")
    (memory / "memory.stat").write_text(f"inactive_file 7\ntotal_inactive_file {2**29}\n")
    (container / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (cpu := container / "cpu" / "lab").mkdir(parents=True)
    (cpu / "cpu.cfs_quota_us").write_text("250000\n")
    (cpu / "cpu.cfs_period_us").write_text("100000\n")
    assert (machine.memory(), machine.free_memory(), machine.cores()) == (3 * 2**30, 2 * 2**30 + 2**29, 3)
    (cpu / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.cores() == 4


def test_a_limit_above_the_machine_is_none(container: Path) -> None:
    (container / "memory.max").write_text(f"{64 * 2**30}\n", encoding="ascii")
    assert machine.memory() == 8 * 2**30
    assert machine.free_memory() == 6 * 2**30


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert machine.free_disk(tmp_path / "not" / "yet") == pytest.approx(free, rel=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak cannot begin anew")
def test_the_peak_begins_anew() -> None:
    filled = bytearray(b"x" * (200 * 2**20))
    high = machine.peak_memory()
    del filled
    machine.reset_peak()
    low = machine.peak_memory()
    assert high is not None
    assert low is not None
    assert high - low > 150 * 2**20


@pytest.mark.parametrize(("system", "factor"), [("darwin", 1), ("freebsd", 1024)])
def test_other_systems_count_in_other_units(system: str, factor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(machine, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(resource, "getrusage", lambda _: type("Used", (), {"ru_maxrss": 1000})())
    assert machine.peak_memory() == 1000 * factor


def test_on_windows_the_peak_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert machine.peak_memory() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it")
def test_what_a_process_holds_now_lies_below_its_peak() -> None:
    held, peak = machine.held_memory(), machine.peak_memory()
    assert held is not None
    assert peak is not None
    assert 2**20 < held <= peak
