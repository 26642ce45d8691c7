"""A DINOv2 with random weights becomes our ViT: the same tokens for a gray picture in all channels; teachers begin as their students."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from impasto.nets.encoders import image, start
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.teacher import Teacher
from impasto.schema import InputError

SIZES: dict[str, Any] = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 56, "patch_size": 14}
OWN: dict[str, Any] = {"patch": 14, "width": 24, "depth": 3, "heads": 3}


def published(**more: Any) -> nn.Module:
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    model = Dinov2Model(Dinov2Config(**{**SIZES, **more})).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.2)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dinov2")
    published().save_pretrained(path)
    return path


def begun(folder: Path, *, channels: int = 5, size: int = 56, **more: Any) -> SimpleNamespace:
    settings = EncoderSettings(start=str(folder), **{**OWN, **more})
    encoder = image.build(settings, channels=channels, size=size)
    method = nn.Module()
    method.encoder = encoder
    method.teacher = Teacher(nn.ModuleDict({"encoder": encoder, "head": nn.Linear(2, 2)}))
    recorded = start.begin(method, settings)
    return SimpleNamespace(encoder=encoder.eval(), teacher=method.teacher, recorded=recorded, settings=settings)


def tokens(model: nn.Module, gray: Tensor) -> Tensor:
    with torch.no_grad():
        return model(pixel_values=gray.expand(-1, 3, -1, -1)).last_hidden_state


@pytest.mark.parametrize(("channels", "size"), [(1, 56), (3, 56), (5, 56), (5, 84), (6, 28)])
def test_the_tokens_are_those_of_the_published_model(folder: Path, channels: int, size: int) -> None:
    gray = torch.randn(2, 1, size, size, generator=torch.Generator().manual_seed(1))
    made = begun(folder, channels=channels, size=size)
    wanted = tokens(published(), gray)
    with torch.no_grad():
        found = made.encoder(gray.expand(-1, channels, -1, -1))
    assert float((found - wanted).norm() / wanted.norm()) < 2e-6
    assert len(made.recorded["sha256"]) == 64


def test_with_the_usual_epsilon_of_a_norm_they_would_not_be(folder: Path) -> None:
    gray = 1e-2 * torch.randn(2, 1, 56, 56)
    made = begun(folder)
    wanted = tokens(published(), gray)
    for part in made.encoder.modules():
        if isinstance(part, nn.LayerNorm):
            assert part.eps == 1e-6
            part.eps = 1e-3
    with torch.no_grad():
        assert float((made.encoder(gray.expand(-1, 5, -1, -1)) - wanted).norm() / wanted.norm()) > 1e-5


@pytest.mark.parametrize("lora", [0, 2])
def test_the_teacher_begins_as_its_student(folder: Path, lora: int) -> None:
    made = begun(folder, lora=lora)
    student, teacher = made.encoder.state_dict(), made.teacher.net["encoder"].state_dict()
    assert student.keys() == teacher.keys()
    assert all(torch.equal(student[name], teacher[name]) for name in student)
    assert not any(weight.requires_grad for weight in made.teacher.net["encoder"].parameters())
    made.teacher.follow(nn.ModuleDict({"encoder": made.encoder, "head": made.teacher.net["head"]}), momentum=0.5)
    assert any(name.endswith("qkv.up") for name in student) == bool(lora)


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has other sizes than this encoder; set width = 24, depth = 3, heads = 3, patch = 14 in"):
        begun(folder, size=64, patch=16, width=384, depth=12, heads=6)
    with pytest.raises(InputError, match="fills a vit, and this encoder is a channel_vit"):
        begun(folder, name="channel_vit")
    with pytest.raises(InputError, match=r"encoder.lora is of pretrained weights"):
        image.build(EncoderSettings(lora=4), channels=2, size=224)
    published(use_swiglu_ffn=True).save_pretrained(tmp_path / "giant")
    with pytest.raises(InputError, match="is a DINOv2 with SwiGLU; allowed: DINOv2 S, B or L without registers"):
        begun(tmp_path / "giant")
    published(mlp_ratio=3).save_pretrained(tmp_path / "narrow")
    with pytest.raises(InputError, match="has an MLP of 3 times its width; allowed: 4"):
        begun(tmp_path / "narrow")
    from transformers import ViTConfig, ViTModel

    ViTModel(ViTConfig(**SIZES, intermediate_size=48)).save_pretrained(tmp_path / "vit")
    with pytest.raises(InputError, match="is a vit; allowed: DINOv2"):
        begun(tmp_path / "vit")


def test_nothing_begins_without_a_start() -> None:
    assert start.begin(nn.Module(), EncoderSettings()) == {}
