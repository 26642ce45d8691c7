"""A process is told by its machine, its number and its start; nobody is ended by being asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from impasto import processes
from impasto.processes import Process


def test_a_name_is_read_back() -> None:
    for process in (processes.own(), Process("a-b.example.org", 12, 0)):
        assert Process.read(str(process)) == process
    assert Process.read("something else") is None
    assert processes.own().pid == os.getpid()


def test_this_process_lives_and_one_of_the_same_number_but_another_start_does_not() -> None:
    own = processes.own()
    assert own.is_here()
    assert not own.is_dead()
    assert own.started > 0
    assert Process(own.host, own.pid, own.started + 1).is_dead()
    assert not Process(own.host, own.pid, 0).is_dead()  # a system that does not say when


def test_one_that_has_ended_is_dead_and_of_another_machine_nothing_is_known() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Process(processes.own().host, ended.pid, 0).is_dead()
    assert not Process("elsewhere", ended.pid, 0).is_dead()
    assert not Process("elsewhere", ended.pid, 0).is_here()


def test_where_the_system_does_not_say_the_start_the_number_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert processes.own().started == 0
    assert not processes.own().is_dead()


def test_a_name_of_a_machine_can_stand_in_a_name_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.processes.socket.gethostname", lambda: "Anna's Mac / lab" + "x" * 80)
    assert "/" not in str(processes.own())
    assert len(str(processes.own())) < 80
    assert Process.read(str(processes.own())) == processes.own()


@pytest.mark.parametrize(("handle", "code", "lives"), [(0, 0, False), (7, 259, True), (7, 1, False)])
def test_on_windows_the_system_is_asked_and_nothing_is_sent(handle: int, code: int, lives: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    def exit_code(_handle: int, place: object) -> int:
        place._obj.value = code  # type: ignore[attr-defined]
        return 1

    kernel = types.SimpleNamespace(OpenProcess=lambda *_: handle, GetExitCodeProcess=exit_code, CloseHandle=lambda _: 1)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("os.kill with 0 is Ctrl-C on Windows"))
    assert Process(processes.own().host, 12, 0).is_dead() is not lives


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux says the state of a process")
def test_one_that_has_ended_and_that_nobody_has_asked_about_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    named = Process(processes.own().host, child.pid, processes._started(child.pid))
    assert not named.is_dead()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert named.is_dead()
    child.communicate()
