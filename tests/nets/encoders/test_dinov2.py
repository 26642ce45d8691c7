"""The ONNX trunk becomes a transformers model with the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.nets.encoders import dinov2, vision
from impasto.schema import InputError


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**40 + 5])
def test_varints(number: int) -> None:
    encoded = bytearray()
    rest = number
    while rest >= 0x80:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    assert dinov2._varint(memoryview(bytes(encoded)), 0) == (number, len(encoded))


def varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number: int, value: int | bytes) -> bytes:
    """One field of a protobuf message: a varint, or bytes with their length."""
    return varint(number << 3) + varint(value) if isinstance(value, int) else varint(number << 3 | 2) + varint(len(value)) + value


def stored(name: str, values: np.ndarray, *, kind: int = 1) -> bytes:
    dims = b"".join(field(1, size) for size in values.shape)
    return dims + field(2, kind) + field(8, name.encode()) + field(9, values.tobytes())


def test_the_tensors_of_a_file_are_read_by_their_names() -> None:
    weight, bias = np.arange(6, dtype="<f4").reshape(2, 3), np.array([0.5], dtype="<f4")
    graph = field(5, stored("backbone.a.weight", weight)) + field(1, b"a node") + field(3, 7)
    graph += field(5, stored("onnx::MatMul_12", bias)) + field(5, stored("other", bias)) + field(5, stored("backbone.count", bias, kind=7))
    # The version of the format, and a name, stand before the graph; a double and a float (of fixed length) are passed over.
    fixed = varint(20 << 3 | 1) + bytes(8) + varint(21 << 3 | 5) + bytes(4)
    tensors = dict(dinov2._initializers(field(1, 8) + field(2, b"pytorch") + fixed + field(7, graph)))
    assert list(tensors) == ["backbone.a.weight", "onnx::MatMul_12"]
    np.testing.assert_array_equal(tensors["backbone.a.weight"], weight)
    np.testing.assert_array_equal(tensors["onnx::MatMul_12"], bias)


@pytest.mark.slow
def test_layer_six_equals_the_onnx_file_under_onnxruntime() -> None:
    """Stored numbers: onnxruntime 1.x on the packaged file, input default_rng(0) (1, 3, 224, 224), output of layer 5 (0-based)."""
    try:
        encoder = vision.load("dinov2_s14")
    except InputError as error:
        pytest.skip(f"the packaged encoder cannot be fetched: {error}")
    images = torch.tensor(np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype("f4"))
    states = encoder.net.model(pixel_values=images, output_hidden_states=True).hidden_states[6][0]
    found = [*states[0, :4].tolist(), *states[256, 380:].tolist()]
    assert found == pytest.approx([-0.058912, -0.084092, 0.018287, 0.016666, -0.055041, 0.149746, 0.030204, -0.283884], abs=1e-5)
    assert encoder(images).shape == (1, 384)
    assert sum(p.numel() for p in encoder.net.parameters()) == pytest.approx(22.06e6, rel=0.01)
