"""The weights that a run starts from: those of a finished run, taken by name."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from impasto import identity, runs
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.earlier import Earlier, begun
from impasto.training.method import Prepared, Trainable


def test_a_folder_without_a_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a finished run \(it has no model.json\)"):
        Earlier.read(tmp_path)


class Chosen(Settings):
    width: int = 2


def run(folder: Path) -> dict[str, torch.Tensor]:
    weights = {"weight": torch.full((2, 2), 3.0), "bias": torch.tensor([1.0, 2.0])}
    runs.write_json(folder / "model.json", {"method": {"name": "linear"}, "facts": {"cell_line": "U2OS"}})
    save_file(weights, folder / "model.safetensors")
    return weights


def test_a_run_is_what_it_left(tmp_path: Path) -> None:
    weights = run(tmp_path)
    found = Earlier.read(tmp_path)
    assert (found.method, found.facts) == ({"name": "linear"}, {"cell_line": "U2OS"})
    assert found.weights.keys() == weights.keys()
    assert all(torch.equal(found.weights[name], value) for name, value in weights.items())
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"is not a finished run \(it has no model.safetensors\)"):
        Earlier.read(tmp_path)


def test_a_method_begins_anew_or_with_the_weights_of_the_run(tmp_path: Path) -> None:
    weights = run(tmp_path)

    def prepare(settings: Chosen, data: str, /, *, seed: int) -> Prepared:
        torch.manual_seed(seed)
        return Prepared(nn.Linear(2, settings.width), data, None, {"seen": data})

    linear = Trainable(Chosen, prepare)
    alone = begun(linear, Chosen(), "plates", None, seed=4)
    assert torch.equal(alone.method.weight, prepare(Chosen(), "plates", seed=4).method.weight)
    found = begun(linear, Chosen(), "plates", Earlier.read(tmp_path), seed=4)
    assert torch.equal(found.method.weight, weights["weight"])
    assert found.facts == {"seen": "plates"}
    with pytest.raises(InputError, match=rf"{tmp_path}: weight 'bias' is of shape \(2,\), this model needs \(3,\)"):
        begun(linear, Chosen(width=3), "plates", Earlier.read(tmp_path), seed=4)


def test_a_method_may_look_at_the_run_before_it_takes_its_weights(tmp_path: Path) -> None:
    run(tmp_path)

    def prepare_from(_settings: Chosen, data: str, earlier: Earlier, /, *, seed: int) -> Prepared:
        return Prepared(nn.Linear(2, 3), data, None, dict(earlier.facts), fresh=("*",))

    linear = Trainable(Chosen, prepare_from, prepare_from=prepare_from)
    found = begun(linear, Chosen(), "plates", Earlier.read(tmp_path), seed=0)
    assert found.facts == {"cell_line": "U2OS"}
    assert found.method.weight.shape == (3, 2)


def profiles_of(encoder: str) -> anndata.AnnData:
    found = anndata.AnnData(np.zeros((2, 2), dtype=np.float32))
    identity.record_encoder(found, {"name": encoder, "sha256": encoder[0] * 64})
    return found


def test_a_run_remembers_what_made_its_profiles_and_starts_from_its_like_only(tmp_path: Path) -> None:
    linear = Trainable(Chosen, lambda settings, data, *, seed: Prepared(nn.Linear(2, 2), data, None, {"seen": seed}))
    first = begun(linear, Chosen(), profiles_of("dino"), None, seed=1)
    assert first.facts == {"seen": 1, "identity": {"encoder": {"name": "dino", "sha256": "d" * 64}}}
    runs.write_json(tmp_path / "model.json", {"method": {"name": "linear"}, "facts": first.facts})
    save_file(first.method.state_dict(), tmp_path / "model.safetensors")
    earlier = Earlier.read(tmp_path)
    assert earlier.identity.encoder == {"name": "dino", "sha256": "d" * 64}
    assert begun(linear, Chosen(), profiles_of("dino"), earlier, seed=1).facts["seen"] == 1
    with pytest.raises(InputError, match=r"the encoder of the run .* is dino \(sha256 dddddddddddd\), that of the profiles is lite"):
        begun(linear, Chosen(), profiles_of("lite"), earlier, seed=1)


def test_a_run_without_a_record_is_accepted_and_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linear = Trainable(Chosen, lambda settings, data, *, seed: Prepared(nn.Linear(2, 2), data, None, {}))
    run(tmp_path)
    for _ in range(2):
        begun(linear, Chosen(), profiles_of("dino"), Earlier.read(tmp_path), seed=1)
    said = capsys.readouterr()
    sentence = f"nothing records which encoder and corrections made the run {tmp_path}, so this was not compared"
    assert (said.out + said.err).replace("\n", "").count(sentence) == 1


def test_images_begin_with_a_run_of_the_same_channels_in_the_same_order(tmp_path: Path) -> None:
    run(tmp_path)
    runs.write_json(tmp_path / "model.json", {"method": {"name": "linear"}, "facts": {"channels": ["DNA", "ER"]}})

    def prepare(settings: Chosen, data: list[str], /, *, seed: int) -> Prepared:
        return Prepared(nn.Linear(2, settings.width), data, None, {"channels": data})

    linear, earlier = Trainable(Chosen, prepare), Earlier.read(tmp_path)
    assert begun(linear, Chosen(), ["DNA", "ER"], earlier, seed=0).facts == {"channels": ["DNA", "ER"]}
    for other in (["ER", "DNA"], ["DNA", "RNA"]):
        with pytest.raises(InputError, match=r"was trained on the channels DNA, ER, .*set channels = \[\"DNA\", \"ER\"\]"):
            begun(linear, Chosen(), other, earlier, seed=0)
