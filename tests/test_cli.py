"""The command line: what is wrong ends in one sentence and its own exit code; help comes without torch."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from impasto import __version__, cli, failures
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
