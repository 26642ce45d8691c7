"""--cache, --offline and --signed hold while a verb runs, and no longer; the verb does not see them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from impasto import remote
from impasto.verbs.remote_options import Reading


def shown(words: list[str]) -> tuple[list[object], str]:
    seen: list[object] = []
    app = typer.Typer(add_completion=False)

    @app.command(cls=Reading)
    def read(path: str, twice: bool = False) -> None:
        seen.extend([path, twice, *(os.environ.get(name) for name in (remote.CACHE, remote.OFFLINE, remote.SIGNED))])

    result = CliRunner().invoke(app, words, catch_exceptions=False)
    return seen, result.output


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (remote.CACHE, remote.OFFLINE, remote.SIGNED):
        monkeypatch.delenv(name, raising=False)


def test_without_options_nothing_is_set() -> None:
    assert shown(["a"])[0] == ["a", False, None, None, None]


def test_options_hold_as_long_as_the_verb_runs(tmp_path: Path) -> None:
    assert shown(["a", "--cache", str(tmp_path), "--offline"])[0] == ["a", False, str(tmp_path), "1", None]
    assert shown(["--signed", "a", "--twice"])[0] == ["a", True, None, None, "1"]
    assert not {remote.CACHE, remote.OFFLINE, remote.SIGNED} & set(os.environ)


def test_the_help_lists_them_behind_the_verbs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = shown(["--help"])[1]
    assert text.index("--twice") < text.index("Remote files") < text.index("--cache") < text.index("--offline") < text.index("--signed")
