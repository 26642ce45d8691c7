"""A vision encoder through OpenVINO: the same embeddings but for rounding, faster on a CPU. Extra `openvino`.

Transformers get weights of 8 bits; activations stay in 32. Cosine with torch's embeddings on real Cell Painting fields: .9998. With 8-bit
activations too the cosine is .998 for DINOv2, so they are not rounded. With 8-bit weights it is .98 for the convolutions of
EfficientNet-Lite0, whose scales differ widely between channels. Those are compiled in 32 bits.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import torch
from torch import Tensor, nn

from impasto.nets.encoders.vision import VisionEncoder
from impasto.schema import InputError


class _Compiled(nn.Module):
    """A compiled OpenVINO model that takes and gives tensors."""

    def __init__(self, compiled: Any) -> None:
        super().__init__()
        self.compiled = compiled

    def forward(self, images: Tensor, /) -> Tensor:
        return torch.from_numpy(self.compiled(images.contiguous().numpy())[0].copy())


def convert(encoder: VisionEncoder, /) -> VisionEncoder:
    """The encoder with its net compiled for this CPU.

    Parameters
    ----------
    encoder
        A vision encoder of torch.

    Returns
    -------
    VisionEncoder
        The same encoder, run by OpenVINO.

    Raises
    ------
    InputError
        Where OpenVINO is not installed, or the number of channels is not known.

    """
    try:
        import nncf
        import openvino
    except ImportError:
        raise InputError("--runtime openvino needs OpenVINO; install it with: pip install 'impasto[openvino]'") from None
    nncf.set_log_level(logging.ERROR)
    planes = encoder.reading.planes
    if not planes:
        raise InputError("--runtime openvino needs a known number of channels; name those of the set with --order, or use --runtime torch")
    model = openvino.convert_model(encoder.net, example_input=torch.zeros(2, planes, encoder.size, encoder.size))
    model.reshape([-1, planes, encoder.size, encoder.size])
    # 32-bit activations are asked for: on newer CPUs the default would be bfloat16.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    convolutional = any(isinstance(part, nn.Conv2d) and part.groups > 1 for part in encoder.net.modules())
    chosen = model if convolutional else nncf.compress_weights(model)
    precision = "32 bit" if convolutional else "8-bit weights"
    compiled = openvino.Core().compile_model(chosen, "CPU", settings)
    return dataclasses.replace(encoder, runtime=f"OpenVINO, {precision}", net=_Compiled(compiled))
