"""ResNets of He et al., and weights of runs of version 0.1.0 in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.nets.sizes import count
from torch import Tensor
from torch.nn import functional

from impasto.nets.encoders.resnet import ResNet, renamed
from impasto.schema import InputError
from impasto.training import checkpoint

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
State = dict[str, Tensor]


@pytest.mark.parametrize(
    ("layers", "classifier", "size"), [(18, 513_000, 11_689_512), (50, 2_049_000, 25_557_032), (101, 2_049_000, 44_549_160)]
)
def test_its_size_is_that_of_the_published_net(layers: int, classifier: int, size: int) -> None:
    """With a classifier of 1000 classes, on 3 channels."""
    assert count(ResNet(channels=3, layers=layers)) + classifier == size


def old_weights(*, channels: int, layers: int) -> State:
    """Random weights as version 0.1.0 named them, of the sizes of He et al., Table 1."""
    torch.manual_seed(0)
    state: State = {}

    def convolution(name: str, after: int, before: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn(after, before, kernel, kernel) * (2 / (before * kernel**2)) ** 0.5

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = 1 + 0.1 * torch.randn(width), 0.1 * torch.randn(width)
        state[f"{name}.running_mean"], state[f"{name}.running_var"] = 0.1 * torch.randn(width), 1 + torch.rand(width)
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("first", 64, channels, 7)
    norm("stem.0", 64)
    number, before, wide = 0, 64, 1 if layers < 50 else 4
    for stage, blocks in enumerate(BLOCKS[layers]):
        width = 64 * 2**stage
        for block in range(blocks):
            sizes = [(width, before, 3), (width, width, 3)] if wide == 1 else [(width, before, 1), (width, width, 3), (4 * width, width, 1)]
            for place, size in enumerate(sizes):
                convolution(f"blocks.{number}.path.{3 * place}", *size)
                norm(f"blocks.{number}.path.{3 * place + 1}", size[0])
            if before != wide * width or (stage and not block):
                convolution(f"blocks.{number}.short.0", wide * width, before, 1)
                norm(f"blocks.{number}.short.1", wide * width)
            number, before = number + 1, wide * width
    return state


def by_hand(state: State, images: Tensor, *, layers: int) -> Tensor:
    """He et al., section 3.3 and Table 1, in float64, in evaluation."""
    state = {name: value.double() for name, value in state.items()}

    def convolved(maps: Tensor, name: str, stride: int) -> Tensor:
        kernel = state[f"{name}.weight"]
        return functional.conv2d(maps, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    def normed(maps: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            state[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-5).sqrt() * weight + bias

    maps = normed(convolved(images.double(), "first", 2), "stem.0").clamp(min=0)
    maps = functional.max_pool2d(maps, 3, stride=2, padding=1)
    convolutions = 2 if layers < 50 else 3
    number = 0
    for stage, blocks in enumerate(BLOCKS[layers]):
        for block in range(blocks):
            halved, inner = 2 if stage and not block else 1, maps
            for place in range(convolutions):
                stride = halved if place == convolutions - 2 else 1  # the first of two, the second of three
                inner = normed(convolved(inner, f"blocks.{number}.path.{3 * place}", stride), f"blocks.{number}.path.{3 * place + 1}")
                inner = inner if place == convolutions - 1 else inner.clamp(min=0)
            if f"blocks.{number}.short.0.weight" in state:
                maps = normed(convolved(maps, f"blocks.{number}.short.0", halved), f"blocks.{number}.short.1")
            maps, number = (maps + inner).clamp(min=0), number + 1
    return maps.mean(dim=(2, 3))


@pytest.mark.parametrize("layers", [18, 50])
def test_it_is_the_net_of_the_paper_with_the_weights_of_an_old_run(layers: int) -> None:
    old = old_weights(channels=5, layers=layers)
    net = ResNet(channels=5, layers=layers).eval()
    checkpoint.put(net, old, where="old run")
    images = torch.randn(2, 5, 64, 48)
    vectors, expected = net(images), by_hand(old, images, layers=layers)
    assert vectors.shape == (2, net.width)
    assert expected.std() > 0.01
    torch.testing.assert_close(vectors.double(), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    chosen = torch.tensor([3, 0])
    filled = torch.zeros(2, 5, 64, 48)
    filled[:, chosen] = images[:, :2]
    torch.testing.assert_close(net.represent(images[:, :2], None, chosen), net(filled), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [18, 50])
def test_every_old_name_is_one_of_today_wherever_the_net_stands_in_a_method(layers: int) -> None:
    old, own = old_weights(channels=1, layers=layers), ResNet(channels=1, layers=layers).state_dict()
    whole = {f"{owner}.{name}": value for owner in ("encoder", "teacher.net") for name, value in old.items()}
    others = {"classifier.weight": torch.zeros(2, 3), "head.first.weight": torch.zeros(2, 3, 1, 1)}
    new = renamed(whole | others)
    assert new.keys() == {f"{owner}.{name}" for owner in ("encoder", "teacher.net") for name in own} | others.keys()
    assert sorted(map(id, new.values())) == sorted(map(id, (whole | others).values()))
    assert renamed(new) == new
    assert all(new[f"encoder.{name}"].shape == value.shape for name, value in own.items())


def test_an_old_run_that_was_not_finished_cannot_go_on(tmp_path: Path) -> None:
    class Old(torch.nn.Module):
        """Has the names of version 0.1.0."""

        def state_dict(self, *_: object, **__: object) -> State:  # type: ignore[override]
            return {f"encoder.{name}": value for name, value in old_weights(channels=1, layers=18).items()}

    method = torch.nn.ModuleDict({"encoder": ResNet(channels=1, layers=18)})
    optimiser = torch.optim.SGD(method.parameters(), lr=0.1)
    checkpoint.save(tmp_path, method=Old(), optimiser=optimiser, place={"step": 3})
    with pytest.raises(InputError, match=r"was begun by version 0\.1\.0 of impasto.*remove the folder and train again"):
        checkpoint.load(tmp_path, method=method, optimiser=optimiser)
    checkpoint.save(tmp_path, method=method, optimiser=optimiser, place={"step": 4})
    assert checkpoint.load(tmp_path, method=method, optimiser=optimiser) == {"step": 4}


def test_patches_cannot_be_dropped_from_a_convolution() -> None:
    with pytest.raises(InputError, match="no patches to drop"):
        ResNet(channels=1, layers=18).represent(torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, dtype=torch.long))
