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
