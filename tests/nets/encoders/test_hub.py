"""Models of transformers, built here with random weights: the last layer is normed, registers are no places, and a readout is what it says.

Each is held against the model's own last hidden state and pooler, taken apart by hand.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from impasto.nets.encoders import hub
from impasto.nets.encoders.hub import HubModel
from impasto.schema import InputError

SIZES: dict[str, Any] = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
PATCHES = 16
NAMES = ("vit", "dinov2", "registers", "siglip", "clip")


def model(name: str) -> nn.Module:
    import transformers as t

    kinds = {
        "vit": (t.ViTConfig, t.ViTModel, {"intermediate_size": 48}),
        "dinov2": (t.Dinov2Config, t.Dinov2Model, {}),
        "registers": (t.Dinov2WithRegistersConfig, t.Dinov2WithRegistersModel, {"num_register_tokens": 4}),
        "siglip": (t.SiglipVisionConfig, t.SiglipVisionModel, {"intermediate_size": 48}),
        "clip": (t.CLIPVisionConfig, t.CLIPVisionModel, {"intermediate_size": 48}),
    }
    config, kind, more = kinds[name]
    torch.manual_seed(0)
    made = kind(config(**SIZES, **more)).eval()
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.4)  # a fresh norm is the identity on what is normed already: give it a scale and a shift
    return made


def images(size: int = 56) -> Tensor:
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(1))


def read(name: str, *, layers: tuple[int, ...] = (-1,), readout: str | None = None, size: int = 56) -> Tensor:
    with torch.no_grad():
        return HubModel(model(name), layers=layers, readout=readout, example=torch.zeros(1, 3, size, size))(images(size))


def last(name: str) -> Tensor:
    """The tokens after the final norm, from the model's parts."""
    made = model(name)
    with torch.no_grad():
        states = made(pixel_values=images(), output_hidden_states=True).hidden_states
        norm = made.layernorm if hasattr(made, "layernorm") else made.post_layernorm
        return norm(states[-1])


@pytest.mark.parametrize(("name", "prefix"), [("vit", 1), ("dinov2", 1), ("registers", 5), ("siglip", 0), ("clip", 1)])
def test_the_mean_is_over_patches_alone_and_after_the_final_norm(name: str, prefix: int) -> None:
    tokens = last(name)
    assert tokens.shape[1] == PATCHES + prefix
    by_hand = torch.stack([torch.stack([row[prefix + patch] for patch in range(PATCHES)]).sum(0) / PATCHES for row in tokens])
    torch.testing.assert_close(read(name, readout="mean"), by_hand, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "siglip"])
def test_the_class_token_is_that_of_the_last_hidden_state(name: str) -> None:
    tokens, made = last(name), model(name)
    torch.testing.assert_close(read(name, readout="cls"), tokens[:, 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(read(name), tokens[:, 0], rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        given = made(pixel_values=images(), output_hidden_states=True)
    if name in ("dinov2", "registers", "clip"):  # these publish it as their pooled output
        torch.testing.assert_close(read(name, readout="cls"), given.pooler_output, rtol=1e-4, atol=1e-4)
    without = given.hidden_states[-1][:, 0]
    assert float(torch.cosine_similarity(read(name, readout="cls"), without).mean()) < 0.99, "the norm was left out"


def test_siglip_has_no_class_token_and_its_pooler_stands_for_it() -> None:
    with pytest.raises(InputError, match="readout cls: this model has no class token"):
        read("siglip", readout="cls")
    with pytest.raises(InputError, match=r"readout cls\+mean: this model has no class token"):
        read("siglip", readout="cls+mean")
    with torch.no_grad():
        pooled = model("siglip")(pixel_values=images()).pooler_output
    torch.testing.assert_close(read("siglip", readout="pooler"), pooled)
    torch.testing.assert_close(read("siglip"), pooled)


def test_class_token_and_mean_stand_one_after_the_other() -> None:
    both = read("registers", readout="cls+mean")
    torch.testing.assert_close(both, torch.cat([read("registers", readout="cls"), read("registers", readout="mean")], dim=1))


def test_numbered_layers_are_those_before_the_norm_and_several_stand_one_after_the_other() -> None:
    with torch.no_grad():
        states = model("vit")(pixel_values=images(), output_hidden_states=True).hidden_states
    torch.testing.assert_close(read("vit", layers=(1,), readout="cls"), states[1][:, 0])
    torch.testing.assert_close(read("vit", layers=(2,), readout="cls"), states[2][:, 0])
    two = read("vit", layers=(1, -1), readout="mean")
    torch.testing.assert_close(two, torch.cat([states[1][:, 1:].mean(1), read("vit", readout="mean")], dim=1))
    with pytest.raises(InputError, match=r"layer 3: this model has the layers 0 to 2, and -1 for the last after its norm"):
        read("vit", layers=(3,))
    with pytest.raises(InputError, match="readout pooler is the model's own output after its last layer"):
        read("vit", layers=(1,), readout="pooler")


@pytest.mark.parametrize("name", NAMES)
def test_another_size_than_that_of_the_training_is_read_with_positions_between(name: str) -> None:
    assert read(name, size=84).shape == (3, 24)
    assert HubModel(model(name), layers=(-1,), readout="mean", example=torch.zeros(1, 3, 84, 84)).width == 24


def test_of_a_pair_of_towers_the_image_tower_is_read() -> None:
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    small = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    pair = CLIPModel(CLIPConfig(text_config={**small, "vocab_size": 64}, vision_config={**SIZES, "intermediate_size": 48})).eval()
    tower = HubModel(pair, layers=(-1,), readout="cls", example=torch.zeros(1, 3, 56, 56))
    with torch.no_grad():
        torch.testing.assert_close(tower(images()), pair.vision_model(pixel_values=images()).pooler_output)


def test_a_convolution_has_places_and_no_class_token() -> None:
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    net = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")).eval()
    with torch.no_grad():
        given = net(images())
        found = HubModel(net, layers=(-1,), readout="mean", example=torch.zeros(1, 3, 56, 56))(images())
    torch.testing.assert_close(found, given.last_hidden_state.mean(dim=(2, 3)))
    with pytest.raises(InputError, match="readout cls: this model has no class token, only places"):
        HubModel(net, layers=(-1,), readout="cls", example=torch.zeros(1, 3, 56, 56))
    assert HubModel(net, layers=(-1,), readout=None, example=torch.zeros(1, 3, 56, 56)).readout == "pooler"


class OwnCode(nn.Module):
    """As models with code of their own answer: DINOv2's words, or a vector an image."""

    def forward_features(self, images: Tensor) -> dict[str, Tensor]:
        level = images.mean(dim=(1, 2, 3))
        return {"x_norm_clstoken": level[:, None] * torch.ones(4), "x_norm_patchtokens": level[:, None, None] * torch.full((1, 9, 4), 2.0)}

    def predict(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        raise AssertionError(images)


def test_models_with_code_of_their_own_answer_in_their_own_words() -> None:
    seen = torch.full((2, 1, 42, 42), 3.0)
    net = OwnCode()
    net.config = type("Config", (), {"image_size": 42, "patch_size": 14})()  # type: ignore[assignment]
    given = HubModel(net, layers=(-1,), readout="cls+mean", example=torch.zeros(1, 1, 42, 42), call="forward_features")(seen)
    assert given.tolist() == [[3.0] * 4 + [6.0] * 4] * 2
    whole = HubModel(net, layers=(-1,), readout=None, example=torch.zeros(1, 5, 42, 42), call="predict")
    assert (whole.readout, whole.width) == ("pooler", 5)
    with pytest.raises(InputError, match="this model gives one vector an image; leave readout out"):
        HubModel(net, layers=(-1,), readout="mean", example=torch.zeros(1, 5, 42, 42), call="predict")


def test_the_digest_is_that_of_the_tensors() -> None:
    first, same = model("vit"), model("vit")
    assert hub.digest(first) == hub.digest(same)
    with torch.no_grad():
        next(same.parameters()).view(-1)[0] += 1e-3
    assert hub.digest(first) != hub.digest(same)
