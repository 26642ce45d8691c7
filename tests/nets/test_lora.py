"""LoRA: begins as the net was, learns by its products alone, and merges into the plain net."""

from __future__ import annotations

import torch
from torch import nn

from impasto.nets import lora
from impasto.nets.encoders.vit import ViT


def encoder(seed: int = 0) -> ViT:
    torch.manual_seed(seed)
    return ViT(channels=2, size=16, patch=8, width=12, depth=2, heads=3).eval()


def test_it_is_its_equation() -> None:
    torch.manual_seed(1)
    linear = nn.Linear(5, 3).double()
    thin = lora.LoRA(linear, rank=2).double()
    inputs = torch.randn(4, 5, dtype=torch.float64)
    torch.testing.assert_close(thin(inputs), linear(inputs), rtol=0, atol=0)
    nn.init.normal_(thin.up)
    by_hand = [linear.weight @ row + linear.bias + thin.up @ (thin.down @ row) for row in inputs]
    torch.testing.assert_close(thin(inputs), torch.stack(by_hand))


def test_only_the_products_the_projection_and_the_norms_learn() -> None:
    net = encoder()
    lora.attach(net, rank=2)
    learned = {name for name, weight in net.named_parameters() if weight.requires_grad}
    norms = {f"trunk.blocks.{b}.{n}.{p}" for b in (0, 1) for n in ("norm_mixer", "norm_mlp") for p in ("weight", "bias")}
    thin = {f"trunk.blocks.{b}.mixer.{m}.{p}" for b in (0, 1) for m in ("qkv", "out") for p in ("down", "up")}
    assert learned == norms | thin | {"project.weight", "project.bias", "trunk.norm.weight", "trunk.norm.bias"}


def test_merged_weights_are_those_of_the_plain_net_that_it_has_become() -> None:
    images = torch.randn(3, 2, 16, 16)
    net, plain = encoder(), encoder(seed=5)
    names = set(net.state_dict())
    lora.attach(net, rank=2)
    for name, weight in net.named_parameters():
        if name.endswith(".up"):
            nn.init.normal_(weight, std=0.3)
    merged = lora.merged({f"teacher.net.{name}": tensor for name, tensor in net.state_dict().items()})
    assert {name.removeprefix("teacher.net.") for name in merged} == names
    plain.load_state_dict({name.removeprefix("teacher.net."): tensor for name, tensor in merged.items()})
    with torch.no_grad():
        torch.testing.assert_close(plain(images), net(images), rtol=1e-5, atol=1e-5)
    untouched = encoder().state_dict()
    assert all(lora.merged(untouched)[name] is tensor for name, tensor in untouched.items())
