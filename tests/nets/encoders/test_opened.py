"""Models by name: a folder, a commit of the hub's cache, and code of their own only where it is named and accepted. No network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from impasto.nets.encoders import opened, vision
from impasto.schema import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OWN = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class OwnConfig(PretrainedConfig):
    model_type = "own"


class OwnModel(PreTrainedModel):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.post_init()

    def _init_weights(self, module):
        pass

    def predict(self, images):
        return images.mean(dim=(2, 3)) * self.weight
"""


@pytest.fixture
def hub_cache(tmp_path: Path) -> Path:
    """A cache of the hub with one model that brings code of its own, as a download leaves it."""
    import torch
    from safetensors.torch import save_file

    base = tmp_path / "hub" / "models--lab--cells"
    snapshot = base / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (base / "refs").mkdir()
    (base / "refs" / "main").write_text(COMMIT)
    config = {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}}
    (snapshot / "config.json").write_text(json.dumps(config))
    (snapshot / "own.py").write_text(OWN)
    save_file({"weight": torch.full((1,), 2.0)}, snapshot / "model.safetensors", metadata={"format": "pt"})
    return tmp_path


def profile(hub_cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open an encoder in a process of its own: the hub's folder is read from the environment once."""
    program = """
import sys, json, torch
from impasto.profiling.encoders import vision_encoder
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError
try:
    encoder = vision_encoder(EncoderSettings.read(json.loads(sys.argv[1]), where="test"))
except InputError as error:
    print(error); sys.exit(2)
print(json.dumps({**encoder.describe(), "seen": encoder.encoder(torch.full((1, 2, 8, 8), 3.0)).tolist()}))
"""
    env = {**os.environ, "HF_HOME": str(hub_cache), "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(hub_cache / "modules")}
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=env, check=False)


SAID = {"encoder": "lab/cells", "input": "stack", "order": ["DNA", "ER"], "normalise": "unit", "size": 8, "call": "predict"}


def test_code_is_run_only_where_its_commit_is_named_and_its_licence_accepted(hub_cache: Path) -> None:
    plain = profile(hub_cache, json.dumps(SAID))
    assert plain.returncode == 2, plain.stderr
    assert "lab/cells has code of its own, which runs only if you allow it" in plain.stdout
    assert "--code lab/cells@<40 hexadecimal digits> --accept-licence" in plain.stdout
    unaccepted = profile(hub_cache, json.dumps({**SAID, "code": f"lab/cells@{COMMIT}"}))
    assert (unaccepted.returncode, "add --accept-licence" in unaccepted.stdout) == (2, True)
    accepted = profile(hub_cache, json.dumps({**SAID, "code": f"lab/cells@{COMMIT}", "accept_licence": True}))
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    described = json.loads(accepted.stdout.splitlines()[-1])
    assert described["seen"] == [[6.0, 6.0]]
    assert (described["commit"], described["code"]) == (COMMIT, f"lab/cells@{COMMIT}")
    assert len(described["sha256"]) == 64


def test_code_of_another_repository_is_not_run(hub_cache: Path) -> None:
    other = profile(hub_cache, json.dumps({**SAID, "code": f"lab/other@{COMMIT}", "accept_licence": True}))
    assert other.returncode == 2, other.stderr
    assert "lab/cells runs code of lab/cells, and --code names lab/other" in other.stdout


@pytest.mark.parametrize("code", ["lab/cells", "lab/cells@main", "lab/cells@0123", "cells@" + COMMIT, f"lab/cells@{COMMIT}0"])
def test_code_without_a_whole_commit_is_refused(code: str) -> None:
    with pytest.raises(InputError, match="does not name a commit; write ORG/MODEL@<40 hexadecimal digits>"):
        opened.model("lab/cells", code=code, accept_licence=True, packaged="")


def test_code_in_a_folder_cannot_be_held_against_a_commit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be held against a commit"):
        opened.model(str(tmp_path), code=f"lab/cells@{COMMIT}", accept_licence=True, packaged="")


def test_weights_that_must_be_unpickled_are_refused(tmp_path: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 16, "patch_size": 8}
    model = ViTModel(ViTConfig(**sizes))
    model.save_pretrained(tmp_path)
    assert vision.load(str(tmp_path), size=16).width == 8
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"no encoder .*safetensors"):
        vision.load(str(tmp_path), size=16)


def test_half_precision_weights_are_read_in_32_bits(tmp_path: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 16, "patch_size": 8}
    ViTModel(ViTConfig(**sizes)).to(torch.bfloat16).save_pretrained(tmp_path)
    assert vision.load(str(tmp_path), size=16)(torch.zeros(1, 3, 16, 16)).dtype == torch.float32


def test_a_size_that_does_not_fit_is_a_sentence(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 16, "patch_size": 8}
    ViTModel(ViTConfig(**sizes)).save_pretrained(tmp_path)
    from impasto.nets.encoders.reading import Reading

    with pytest.raises(InputError, match=r"cannot read an image of 1 planes and 16 x 16 pixels \(input gray1\)"):
        vision.load(str(tmp_path), size=16, reading=Reading("gray1", "unit"))
