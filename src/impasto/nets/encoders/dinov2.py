"""DINOv2 ViT-S/14 out of a packaged ONNX file: a transformers `Dinov2Model` folder, read at layer 6.

Oquab et al. 2024. The last blocks of the packaged trunk were tuned for saliency, so it is not the published `dinov2-small`. The mean of the
patch tokens after layer 6 separates the stains of real Cell Painting fields better than the last layer does.

In the ONNX graph linear weights are transposed and without their names. They come in the order key, value, query, output, fc1, fc2 of each
layer, as its nodes do. The position embeddings are two tensors (CLS, patches).

ONNX is protobuf; the few fields needed are read here rather than with another dependency of 20 MB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from impasto import texts

_LAYERS, _WIDTH = 12, 384
_LINEAR = (
    "attention.attention.key",
    "attention.attention.value",
    "attention.attention.query",
    "attention.output.dense",
    "mlp.fc1",
    "mlp.fc2",
)
CONFIG = {
    "architectures": ["Dinov2Model"],
    "model_type": "dinov2",
    "hidden_size": _WIDTH,
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": 6,
    "mlp_ratio": 4,
    "image_size": 518,
    "patch_size": 14,
    "layer_norm_eps": 1e-6,
    "use_swiglu_ffn": False,
}


def convert(onnx: Path, target: Path, /) -> None:
    """Write config.json and model.safetensors of the trunk in an ONNX file.

    Parameters
    ----------
    onnx
        The file.
    target
        An existing folder.

    """
    tensors = dict(_initializers(onnx.read_bytes()))
    state = {k.removeprefix("backbone."): v for k, v in tensors.items() if k.startswith("backbone.")}
    # The numbers in the nameless names grow along the graph.
    nameless = sorted((k for k in tensors if k.startswith("onnx::")), key=lambda k: int(k.rsplit("_", 1)[1]))
    cls, patches = (tensors[k] for k in nameless if tensors[k].ndim == 3)
    state["embeddings.position_embeddings"] = torch.cat([cls, patches], dim=1)
    state["embeddings.mask_token"] = torch.zeros(1, _WIDTH)
    linear = iter(tensors[k] for k in nameless if tensors[k].ndim == 2)
    for layer in range(_LAYERS):
        for name in _LINEAR:
            state[f"encoder.layer.{layer}.{name}.weight"] = next(linear).T
    save_file({k: v.contiguous() for k, v in state.items()}, target / "model.safetensors", metadata={"format": "pt"})
    texts.write(target / "config.json", json.dumps(CONFIG, indent=2, sort_keys=True))


def _initializers(data: bytes) -> Iterator[tuple[str, Tensor]]:
    """Name and float32 tensor of each initializer: ModelProto.graph = 7, GraphProto.initializer = 5."""
    for field, value in _fields(memoryview(data)):
        if field != 7 or isinstance(value, int):
            continue
        for inner, tensor in _fields(value):
            if inner == 5 and not isinstance(tensor, int):
                name, values = _tensor(tensor)
                if re.match(r"backbone\.|onnx::(MatMul|Concat|Reshape)", name) and values is not None:
                    yield name, values


def _tensor(data: memoryview) -> tuple[str, Tensor | None]:
    """TensorProto: dims = 1, data_type = 2 (1 is float), name = 8, raw_data = 9."""
    dims: list[int] = []
    name, kind, raw = "", 0, b""
    for field, value in _fields(data):
        if field == 1 and isinstance(value, int):
            dims.append(value)
        elif field == 2 and isinstance(value, int):
            kind = value
        elif field == 8 and not isinstance(value, int):
            name = bytes(value).decode()
        elif field == 9 and not isinstance(value, int):
            raw = bytes(value)
    return name, torch.from_numpy(np.frombuffer(raw, dtype="<f4").reshape(dims).copy()) if kind == 1 and raw else None


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protobuf message: varints as int, the rest as bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        size, at = _varint(data, at) if wire == 2 else (8 if wire == 1 else 4, at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
