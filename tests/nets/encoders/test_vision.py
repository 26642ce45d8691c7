"""Encoders by name: any transformers vision model in a folder, and a sentence where there is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from impasto.nets.encoders import vision
from impasto.schema import InputError


def test_a_folder_of_a_transformers_model_is_an_encoder(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    model = ViTModel(
        ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8)
    )
    model.save_pretrained(tmp_path / "vit")
    images = torch.randn(7, 3, 32, 32)
    first = vision.load(str(tmp_path / "vit"), layers=[1], readout="mean", size=32)
    states = model.eval()(pixel_values=images, output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(first(images), states[:, 1:].mean(dim=1), rtol=1e-4, atol=1e-5)
    last = vision.load(str(tmp_path / "vit"), readout="cls", size=32)
    assert last(images).shape == (7, 16)
    assert not torch.allclose(last(images), first(images))
    assert len(last.sha256) == 64
    with pytest.raises(InputError, match=r"^layer 9: this model has the layers 0 to 2, and -1 for the last after its norm$"):
        vision.load(str(tmp_path / "vit"), layers=[9], size=32)


def test_no_such_encoder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="packaged are efficientnet_lite0, dinov2_s14, random"):
        vision.load(str(tmp_path / "empty"))


def test_a_packaged_dinov2_is_read_at_its_sixth_layer_over_all_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    model = Dinov2Model(Dinov2Config(hidden_size=16, num_hidden_layers=8, num_attention_heads=2, image_size=28, patch_size=14)).eval()
    model.save_pretrained(tmp_path)
    monkeypatch.setattr(vision.weights, "folder", lambda _: tmp_path)
    images = torch.randn(3, 3, 28, 28)
    states = model(pixel_values=images, output_hidden_states=True).hidden_states
    torch.testing.assert_close(vision.load("dinov2_s14", size=28)(images), states[6][:, 1:].mean(dim=1), rtol=1e-4, atol=1e-5)
    first = vision.load("dinov2_s14", size=28, layers=[1], readout="cls")(images)
    torch.testing.assert_close(first, states[1][:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("asked", "side"), [(None, 224), (112, 112)])
def test_images_are_224_pixels_wide_where_nobody_says_otherwise(asked: int | None, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(vision, "_efficientnet", lambda name, *, size, seed: given.append((name, size, seed)))
    vision.load("random", size=asked, seed=3)
    monkeypatch.setattr(vision.opened, "model", lambda *_, **__: SimpleNamespace(model=torch.nn.Identity()))

    def model(*_: object, example: torch.Tensor, **__: object) -> None:
        given.append(tuple(example.shape))
        raise ValueError("no images are read")

    monkeypatch.setattr(vision.hub, "HubModel", model)
    with pytest.raises(InputError, match=rf"of 3 planes and {side} x {side} pixels .*: no images are read; set input"):
        vision.load("somebody's", size=asked)
    assert given == [("random", side, 3), (1, 3, side, side)]
