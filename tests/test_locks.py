"""One writer at a time; the lock of a process that has ended is nobody's."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from impasto import locks, processes, runs, whole
from impasto.processes import Process
from impasto.schema import InputError
from impasto.settings import Settings


def test_the_second_is_told_who_writes_and_the_lock_goes_with_the_first(tmp_path: Path) -> None:
    out = tmp_path / "new" / "a.parquet"
    path = locks.beside(out)
    with locks.held(path, out):
        with pytest.raises(InputError, match=rf"a\.parquet is being written by process {processes.own().pid} on .*wait for it"):
            locks.held(path, out).__enter__()
        assert [p.name for p in path.parent.iterdir()] == [".a.parquet.lock"]
    assert not list(tmp_path.iterdir())  # the folder that it made too


def test_a_folder_in_which_something_has_come_to_lie_stays(tmp_path: Path) -> None:
    out = tmp_path / "new" / "a.parquet"
    with locks.held(locks.beside(out), out):
        out.write_text("x")
    assert [p.name for p in out.parent.iterdir()] == ["a.parquet"]


def test_the_lock_of_a_process_that_has_ended_is_taken_over(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    out = tmp_path / "a"
    for owner in (Process(processes.own().host, ended.pid, 0), Process(processes.own().host, processes.own().pid, 1)):
        locks.beside(out).write_text(str(owner))
        with locks.held(locks.beside(out), out):
            assert locks.beside(out).read_text() == str(processes.own())
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["another-machine-1-0", "", "what is this"])
def test_the_lock_of_another_machine_or_an_unknown_one_is_respected(text: str, tmp_path: Path) -> None:
    out = tmp_path / "a"
    locks.beside(out).write_text(text)
    with pytest.raises(InputError, match=r"where it has ended, remove .*\.a\.lock"), locks.held(locks.beside(out), out):
        pass
    assert locks.beside(out).read_text() == text
    assert len(list(tmp_path.iterdir())) == 1


def test_of_many_that_find_a_dead_lock_one_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_WAIT", 0.001)
    out, host = tmp_path / "a", processes.own().host
    for _ in range(200):
        locks.beside(out).write_text(f"{host}-4194304-1")
        start, told = threading.Barrier(8), []
        inside: list[int] = []
        release = threading.Event()

        def write(
            start: threading.Barrier = start, told: list[str] = told, inside: list[int] = inside, release: threading.Event = release
        ) -> None:
            start.wait()
            try:
                with locks.held(locks.beside(out), out):
                    inside.append(1)
                    release.wait(20)
            except InputError as error:
                told.append(str(error))
                if len(told) == 7:
                    release.set()

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(inside) == 1
        assert len(told) == 7


def test_what_a_kill_left_before_it_had_the_lock_is_swept(tmp_path: Path) -> None:
    out = tmp_path / "a"
    left = whole.beside(locks.beside(out)).name.replace(str(processes.own()), f"{processes.own().host}-4194304-1")
    (tmp_path / left).write_text("x")
    whole.sweep(tmp_path, of=locks.beside(out))
    assert not list(tmp_path.iterdir())


def test_without_links_a_lock_is_held_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("impasto.locks.os.link", no_links)
    out = tmp_path / "a"
    with locks.held(locks.beside(out), out), pytest.raises(InputError, match="is being written"), locks.held(locks.beside(out), out):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_run_that_was_killed_when_all_was_done_goes_with_the_next_look(tmp_path: Path) -> None:
    out = tmp_path / "a.txt"

    def run() -> bool:
        return runs.run_stage(lambda: out.write_text("x"), verb="report", settings=Settings(), inputs=[], out=out, folder=False)

    assert run()
    locks.beside(out).write_text(str(Process(processes.own().host, processes.own().pid, 1)))
    assert not run()
    assert not locks.beside(out).exists()
