"""The compiled encoder gives torch's embeddings on real fields; without OpenVINO it is a sentence."""

from __future__ import annotations

import dataclasses
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.conftest import REPOSITORY

from impasto.nets.encoders import openvino_int8, vision
from impasto.plates.eight_bit import to_8_bit
from impasto.profiling.preprocess import to_encoder
from impasto.schema import InputError

FIELDS = REPOSITORY / "data" / "demo" / "fields"


def test_without_openvino_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[openvino\]'"):
        openvino_int8.convert(vision.load("random"))


@dataclasses.dataclass(frozen=True)
class Encoder:
    net: torch.nn.Module
    size: int = 6
    runtime: str = "torch"
    reading: SimpleNamespace = dataclasses.field(default_factory=lambda: SimpleNamespace(planes=3))


class FakeOpenVino(types.ModuleType):
    """OpenVINO's and NNCF's calls: what is compiled doubles the sum of each image."""

    def __init__(self, said: list[object]) -> None:
        super().__init__("openvino")
        self.said = said

    def convert_model(self, net: torch.nn.Module, *, example_input: torch.Tensor) -> SimpleNamespace:
        self.said.append(("convert", type(net).__name__, tuple(example_input.shape)))
        return SimpleNamespace(reshape=lambda shape: self.said.append(("reshape", shape)), name="whole")

    def Core(self) -> FakeOpenVino:
        return self

    def compile_model(self, model: object, device: str, settings: dict[str, object]) -> object:
        self.said.append((model if isinstance(model, str) else "as it is", device, settings["INFERENCE_PRECISION_HINT"]))
        return lambda images: [2 * images.sum(axis=(2, 3))]


@pytest.mark.parametrize(
    ("net", "chosen", "runtime"),
    [
        (torch.nn.Linear(2, 2), "8 bits", "OpenVINO, 8-bit weights"),
        (torch.nn.Conv2d(4, 4, 1), "8 bits", "OpenVINO, 8-bit weights"),
        (torch.nn.Sequential(torch.nn.Conv2d(4, 4, 1, groups=2)), "as it is", "OpenVINO, 32 bit"),
    ],
    ids=["linear", "patches", "depthwise"],
)
def test_weights_have_8_bits_but_where_channels_are_convolved_apart(
    net: torch.nn.Module, chosen: str, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setitem(sys.modules, "openvino", FakeOpenVino(said))
    nncf = SimpleNamespace(set_log_level=lambda _: None, compress_weights=lambda model: "8 bits" if model.name == "whole" else "")
    monkeypatch.setitem(sys.modules, "nncf", nncf)
    made = openvino_int8.convert(Encoder(net))  # type: ignore[type-var]
    assert said == [("convert", type(net).__name__, (2, 3, 6, 6)), ("reshape", [-1, 3, 6, 6]), (chosen, "CPU", "f32")]
    assert made.runtime == runtime
    assert made.net(torch.ones(5, 3, 6, 6)).tolist() == [[72.0] * 3] * 5
    with pytest.raises(InputError, match="needs a known number of channels; name those of the set with --order"):
        openvino_int8.convert(Encoder(net, reading=SimpleNamespace(planes=None)))  # type: ignore[type-var]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["efficientnet_lite0", "dinov2_s14"])
def test_embeddings_of_real_fields_are_torchs(name: str) -> None:
    import tifffile

    pytest.importorskip("openvino")
    pytest.importorskip("nncf")
    planes = np.stack([to_8_bit(plane) for path in sorted(FIELDS.glob("*.tif"))[:2] for plane in tifffile.imread(path)])
    images = to_encoder(torch.from_numpy(planes), size=224)
    encoder = vision.load(name)
    theirs, ours = encoder(images), openvino_int8.convert(encoder)(images)
    cosine = torch.nn.functional.cosine_similarity(theirs, ours)
    assert cosine.min() > 0.999
