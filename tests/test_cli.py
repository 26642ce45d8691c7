"""The command line: what is wrong ends in one sentence and its own exit code; help comes without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impasto import cli
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


def test_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", lambda: raising(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli.main()


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
