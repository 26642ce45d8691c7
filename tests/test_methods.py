"""Methods by name with their additions: settings, files, and one training that writes down what it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from tests.correction.plated import plates

from impasto import methods, profiles
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.stages.train import TrainSettings
from impasto.training.settings import LoopSettings


def chosen(**values: object) -> TrainSettings:
    return TrainSettings.read({"profiles": "p.parquet", "method": values}, where="test")


def test_a_method_carries_its_own_settings_and_a_table_for_each_addition() -> None:
    part = chosen(name="wsl", minibatch=64, prior={"graph": "g.parquet"}).method
    own = methods.own_settings(part)
    assert type(own) is methods.METHODS["wsl"].settings
    assert own.minibatch == 64
    assert "prior" not in own.model_dump()
    assert list(methods.additions(part)) == ["prior"]
    assert methods.added_files(part) == [Path("g.parquet")]
    assert methods.additions(chosen(name="simclr").method) == {}
    assert methods.added_files(chosen(name="simclr").method) == []


def test_additions_come_in_the_order_of_their_table_with_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, object, int]] = []

    class Added:
        settings = Settings

        def __init__(self, name: str) -> None:
            self.name = name

        def add(self, prepared: object, settings: object, /, *, seed: int) -> object:
            calls.append((self.name, settings, seed))
            return f"{prepared}+{self.name}"

    monkeypatch.setattr(methods, "ADDITIONS", {name: Added(name) for name in ("first", "second", "third")})
    made = methods.with_additions("method", {"third": 3, "first": 1}, seed=7)  # type: ignore[arg-type, dict-item]
    assert made == "method+first+third"
    assert calls == [("first", 1, 7), ("third", 3, 7)]


def test_a_training_writes_its_method_data_and_log_and_is_continued_by_the_same_only(tmp_path: Path) -> None:
    data = plates(wells=24, controls=8)
    data.var = profiles.describe_features(list(data.var_names))
    path = tmp_path / "p.parquet"
    profiles.write(data, path)
    part = chosen(name="profile_wsl", width=8, depth=1, heads=2, out=4, minibatch=16, dropout=0.0).method
    methods.train(part, profiles.read(path), read_from=path, out=tmp_path / "run", loop=LoopSettings(epochs=2), seed=3)
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["method"]["name"] == "profile_wsl"
    assert model["method"]["width"] == 8
    assert model["profiles"] == str(path.resolve())
    assert model["seed"] == 3
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert len(log) == 2
    assert (tmp_path / "run" / "card.md").exists()
    with pytest.raises(InputError, match="holds a profile_wsl model, which has no joint space"):
        methods.embed(tmp_path / "run", data)
    with pytest.raises(InputError, match="holds the checkpoint of another training"):
        methods.train(part, profiles.read(path), read_from=path, out=tmp_path / "run", loop=LoopSettings(epochs=2), seed=4)
    whole = (tmp_path / "run" / "model.json").read_bytes()
    (tmp_path / "run" / "model.json").write_bytes(whole[:40] + b"\0" * 8 + whole[48:])
    with pytest.raises(InputError, match=r"model\.json cannot be read as a trained run"):
        methods.train(part, profiles.read(path), read_from=path, out=tmp_path / "run", loop=LoopSettings(epochs=2), seed=3)
    (tmp_path / "run" / "model.json").write_bytes(whole)
    two_towers = chosen(name="two_towers").method
    with pytest.raises(InputError, match="holds a profile_wsl model, and this stage trains two_towers"):
        methods.train(two_towers, data, read_from=path, out=tmp_path / "other", start=tmp_path / "run")


def test_a_training_says_which_weights_it_began_with(tmp_path: Path) -> None:
    data = plates(wells=24, controls=8)
    data.var = profiles.describe_features(list(data.var_names))
    path = tmp_path / "p.parquet"
    profiles.write(data, path)
    part = chosen(name="profile_wsl", width=8, depth=1, heads=2, out=4, minibatch=16, dropout=0.0).method
    first, second = tmp_path / "first", tmp_path / "second"
    methods.train(part, profiles.read(path), read_from=path, out=first, loop=LoopSettings(epochs=1), seed=3)
    methods.train(part, profiles.read(path), read_from=path, out=second, loop=LoopSettings(epochs=1), seed=3, start=first)
    weights = hashlib.sha256((first / "model.safetensors").read_bytes()).hexdigest()
    assert json.loads((second / "model.json").read_text())["start"] == {"run": str(first.resolve()), "digest": weights}
    assert "start" not in json.loads((first / "model.json").read_text())


def test_an_unknown_method_names_its_neighbours() -> None:
    with pytest.raises(InputError, match="wsl"):
        chosen(name="wls")


def test_files_of_a_method_are_those_that_it_reads_and_a_cache_is_not_read() -> None:
    split = {"file": "split.csv"}
    part = chosen(name="image_towers", molecule_vectors="m.parquet", cache="pixels", split=split).method
    assert sorted(methods.own_files(part)) == [Path("m.parquet"), Path("split.csv")]
    assert methods.own_files(chosen(name="simclr", cache="pixels").method) == []


def test_a_training_goes_on_with_another_cache() -> None:
    first, second = (methods.own_settings(chosen(name="simclr", cache=name).method).result() for name in ("one", "other"))
    assert first == second
    assert "cache" not in first
