"""A model of transformers as an encoder of images: which layer, which tokens, and what must be said of its weights.

Layer -1 is the model's last hidden state, after its final norm; the numbered states (0 to the number of blocks) lack that norm, the last
of them too. CLIP leaves its tokens without the final norm and norms the class token alone; here layer -1 of CLIP is normed whole, so that
its class token is the published one.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from impasto.nets.encoders.reading import Call, Readout
from impasto.nets.encoders.readout import read
from impasto.schema import InputError

LAST = -1
"""The last hidden state, after the final norm."""


class HubModel(nn.Module):
    """A vision model of transformers, read at some of its layers, one after the other.

    Parameters
    ----------
    model
        Of transformers; of a pair of towers, the image tower is read.
    layers
        Which hidden states; `LAST` is the one after the final norm.
    readout
        Which tokens; None: the class token where there is one, else the model's own pooler, else the mean over places.
    call
        The model's function that gives its embedding.
    example
        Images as the model will read them, (1, planes, size, size): what there is to read is found out with them.

    Attributes
    ----------
    readout
        Which tokens are read.
    width
        Of an embedding.

    """

    def __init__(
        self, model: nn.Module, /, *, layers: Sequence[int], readout: Readout | None, example: Tensor, call: Call = "forward"
    ) -> None:
        super().__init__()
        self.model: Any = getattr(model, "vision_model", model)
        self.layers, self.call = tuple(layers), call
        accepts = inspect.signature(self.model.forward).parameters
        config = getattr(self.model, "config", None)
        resized = _side(getattr(config, "image_size", None)) not in (None, example.shape[-1])
        self._more = {"interpolate_pos_encoding": True} if resized and "interpolate_pos_encoding" in accepts else {}
        self._patch = _side(getattr(config, "patch_size", None))
        with torch.no_grad():
            seen = self._seen(example)
            # CLIP gives its tokens before the final norm, and the norm apart.
            self._unnormed = self.call == "forward" and bool(seen.states) and torch.equal(seen.states[-1], seen.last)
            self.readout: Readout = readout or self._own_readout(seen, example)
            self.width = int(self._read(seen, example).shape[1])

    def forward(self, images: Tensor, /) -> Tensor:
        """Embed images.

        Parameters
        ----------
        images
            (N, planes, H, W).

        Returns
        -------
        Tensor
            (N, width).

        """
        return self._read(self._seen(images), images)

    def _seen(self, images: Tensor) -> _Seen:
        if self.call != "forward":
            return _Seen.of(getattr(self.model, self.call)(images))
        return _Seen.of(self.model(pixel_values=images, output_hidden_states=True, **self._more))

    def _own_readout(self, seen: _Seen, images: Tensor) -> Readout:
        if seen.last.ndim == 3 and self._prefix(seen.last, images):
            return "cls"
        return "mean" if seen.pooled is None else "pooler"

    def _read(self, seen: _Seen, images: Tensor) -> Tensor:
        if self.readout == "pooler":
            if seen.pooled is None:
                raise InputError("readout pooler: this model has no pooled output of its own; allowed: cls, mean, cls+mean")
            if self.layers != (LAST,):
                raise InputError("readout pooler is the model's own output after its last layer; leave layer out")
            return seen.pooled.flatten(1)
        return torch.cat([self._one(self._state(seen, layer), images) for layer in self.layers], dim=1)

    def _state(self, seen: _Seen, layer: int) -> Tensor:
        if layer == LAST:
            norm = getattr(self.model, "post_layernorm", None)
            return norm(seen.last) if self._unnormed and norm is not None else seen.last
        if not -len(seen.states) <= layer < len(seen.states):
            there = f"0 to {len(seen.states) - 1}, and -1 for the last after its norm" if seen.states else "-1 alone"
            raise InputError(f"layer {layer}: this model has the layers {there}")
        return seen.states[layer]

    def _one(self, state: Tensor, images: Tensor) -> Tensor:
        if state.ndim == 4:
            if self.readout != "mean":
                raise InputError(f"readout {self.readout}: this model has no class token, only places; allowed: mean, or pooler")
            return state.mean(dim=(2, 3))
        if state.ndim == 2:
            raise InputError(f"readout {self.readout}: this model gives one vector an image; leave readout out")
        return read(state, readout=self.readout, prefix=self._prefix(state, images))

    def _prefix(self, tokens: Tensor, images: Tensor) -> int:
        """How many tokens stand before the patches."""
        if self._patch is None:
            raise InputError("this model does not say the size of its patches, so its class token is not known; set readout = pooler")
        return tokens.shape[1] - (images.shape[-2] // self._patch) * (images.shape[-1] // self._patch)


class _Seen:
    """What a model gives: its last hidden state, those before, and its own pooled output."""

    def __init__(self, last: Tensor, states: tuple[Tensor, ...], pooled: Tensor | None) -> None:
        self.last, self.states, self.pooled = last, states, pooled

    @classmethod
    def of(cls, given: Any) -> _Seen:
        if isinstance(given, Tensor):
            return cls(given, (), given if given.ndim == 2 else None)
        if isinstance(given, Mapping) and "x_norm_patchtokens" in given:  # the words of DINOv2's own code
            cls_token, patches = given["x_norm_clstoken"], given["x_norm_patchtokens"]
            return cls(torch.cat([cls_token[:, None], patches], dim=1), (), None)
        states = getattr(given, "hidden_states", None) or ()
        return cls(given.last_hidden_state, tuple(states), getattr(given, "pooler_output", None))


def _side(size: Any) -> int | None:
    """The side of a square given as a number or as two."""
    return int(size[0]) if isinstance(size, list | tuple) else None if size is None else int(size)


def digest(model: nn.Module, /) -> str:
    """The SHA-256 of a model's tensors, whichever files they came in.

    Parameters
    ----------
    model
        Any.

    Returns
    -------
    str
        Hexadecimal digits of names, shapes, types and bytes, in the order of the names.

    """
    hashed = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        hashed.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        hashed.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return hashed.hexdigest()
