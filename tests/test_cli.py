"""The command line: what is wrong ends in one sentence and its own exit code; help comes without torch."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.chaos.corpus import plates

from impasto import __version__, cli, failures, profiles
from impasto.schema import InputError
from impasto.verbs import ABOUT


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (InputError("the table has no column 'well'"), 2, "impasto: the table has no column 'well'\n"),
        (KeyboardInterrupt(), 130, "impasto: stopped; run the same command again to go on\n"),
    ],
)
def test_what_stops_a_verb_is_one_line_and_an_exit_code(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "app", lambda: raising(error))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == code
    assert capsys.readouterr() == ("", told)


def test_an_error_of_ours_is_one_line_and_its_traceback_is_printed_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "app", lambda: raising(ZeroDivisionError("a bug")))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    sentence = capsys.readouterr().err
    assert sentence.startswith("impasto: a fault of impasto: ZeroDivisionError: a bug.")
    assert sentence.count("\n") == 1
    monkeypatch.setenv("IMPASTO_DEBUG", "1")
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert said.endswith(sentence)


@pytest.mark.parametrize("place", ["make_context", "parse_args", "resolve_command", "invoke"])
def test_ctrl_c_outside_of_a_verb_is_the_same_sentence(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli.Verbs, place, lambda *_, **__: raising(KeyboardInterrupt()))
    monkeypatch.setattr(sys, "argv", ["impasto", "doctor"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130
    assert capsys.readouterr() == ("", "impasto: stopped; run the same command again to go on\n")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "impasto: stopped; run the same command again to go on\n"),
        (EOFError("cut gzip"), 1, "EOFError: cut gzip"),
        (PermissionError(errno.EACCES, "Permission denied", "x.parquet"), 3, "at x.parquet (Permission denied)"),
        (failures.Terminated(), 143, "impasto: stopped from outside (SIGTERM)"),
    ],
)
def test_typer_does_not_end_a_verb_in_its_own_words(
    error: BaseException, code: int, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("impasto.verbs.demo.find_recipe", lambda: raising(error))
    monkeypatch.setattr(sys, "argv", ["impasto", "demo"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == code
    said = capsys.readouterr()
    assert sentence in said.err
    assert "Abort" not in said.err
    assert said.out == ""


def test_what_holds_for_all_verbs_may_stand_anywhere() -> None:
    assert cli.for_all_first(["correct", "p", "--debug", "--out", "x", "--keep-old"]) == [
        "--debug",
        "--keep-old",
        "correct",
        "p",
        "--out",
        "x",
    ]
    assert cli.for_all_first(["search", "--", "--debug"]) == ["search", "--", "--debug"]


KILLED = """
import os, signal, time
from impasto import cli
def app():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
cli.app = app
cli.main()
"""


def test_a_terminated_process_ends_with_its_code_and_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (143, "impasto: stopped from outside (SIGTERM); run the same command again to go on\n")


def test_the_version_is_printed() -> None:
    done = subprocess.run([sys.executable, "-m", "impasto", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"impasto {__version__} (Python 3.")
    assert done.stdout.count("\n") == 1


HELP = """
import sys
from impasto import cli
sys.argv = ["impasto", "--help"]
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code
assert not {"torch", "pandas", "sklearn"} & set(sys.modules), "a heavy import"
"""


def test_help_needs_no_torch_and_no_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ABOUT)


ELSEWHERE = """
import importlib, pkgutil, sys
for gone in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty"):
    sys.modules[gone] = None
import impasto
from impasto import cli
from impasto.verbs import COMMANDS
for name in COMMANDS:
    COMMANDS[name]
for name in impasto.__all__:
    getattr(impasto, name)
sys.argv = ["impasto", *sys.argv[1:]]
cli.main()
"""


def test_what_only_unix_has_is_not_needed(tmp_path: Path) -> None:
    """Neither to import everything that the command line knows, nor to run a verb."""
    profiles.write(plates(), tmp_path / "p.parquet")
    words = ["correct", "p.parquet", "--method", "standardize", "--out", "c.parquet"]
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *words], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert profiles.read(tmp_path / "c.parquet").n_obs == 48


def test_a_pipe_of_another_encoding_gets_all_that_is_said(tmp_path: Path) -> None:
    name = "plätte µ → \N{GREEK SMALL LETTER TAU}"
    (tmp_path / name).mkdir()
    words = [sys.executable, "-m", "impasto", "correct", f"{name}/none.parquet", "--method", "standardize", "--out", "c.parquet"]
    done = subprocess.run(words, capture_output=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "cp1252"})
    assert done.returncode == 2
    assert f"{name}/none.parquet does not exist" in done.stderr.decode()
    (tmp_path / os.fsdecode(b"no text \xff.parquet")).write_bytes(b"PAR1")
    words[4] = os.fsdecode(b"no text \xff.parquet")
    done = subprocess.run(words, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_what_cannot_be_written_for_lack_of_disk_ends_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The libraries' farewells would try to write once more; HDF5 crashes then."""
    ended: list[int] = []

    def end(code: int) -> None:
        ended.append(code)
        raise SystemExit(99)

    monkeypatch.setattr("impasto.verbs.demo.find_recipe", lambda: raising(OSError(errno.ENOSPC, "No space left on device")))
    monkeypatch.setattr(sys, "argv", ["impasto", "demo"])
    monkeypatch.setattr("impasto.cli.os._exit", end)
    with pytest.raises(SystemExit, match="99"):
        cli.main()
    assert ended == [3]
    assert capsys.readouterr().err == "impasto: the disk is full; make room, then run the same command again to go on\n"


STOPPED_EARLY = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "impasto.cli":
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
sys.meta_path.insert(0, Stop())
from impasto.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("name", "code", "sentence"), [("SIGINT", 130, "stopped; run"), ("SIGTERM", 143, "stopped from outside (SIGTERM); run")]
)
def test_a_stop_while_libraries_are_imported_is_one_sentence(name: str, code: int, sentence: str) -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED_EARLY, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, f"impasto: {sentence} the same command again to go on\n")
