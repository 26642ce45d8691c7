from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.datasets import layouts
from tests.loopback import Server

from impasto import cli
from impasto.datasets import registry
from impasto.datasets.registry import DataSet


@pytest.fixture
def own(server: Server, tmp_path: Path) -> Path:
    """A registry whose addresses lead to the server of this machine."""
    return layouts.registry_of(server, tmp_path)


@pytest.fixture
def sets(own: Path) -> dict[str, DataSet]:
    return registry.read(own)


@pytest.fixture
def impasto(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`impasto WORDS...`: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["impasto", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def dry_run(impasto: Callable[..., tuple[int, str, str]]) -> Callable[[str], dict[str, object]]:
    """What `impasto ingest --dry-run --json` tells, by the command that fetch printed."""

    def run(command: str) -> dict[str, object]:
        code, out, err = impasto(*shlex.split(command)[1:], "--dry-run", "--json")
        assert code == 0, err
        told: dict[str, object] = json.loads(out)
        return told

    return run
