"""Vision encoders by name: packaged, any Hugging Face vision model by folder or hub name, or random weights as the control.

Every encoder here takes images (N, planes, size, size) and gives embeddings (N, width); it is frozen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impasto.devices import HERE, Place
from impasto.nets.encoders import efficientnet_lite0, hub, opened, weights
from impasto.nets.encoders.reading import GRAY3, Call, Reading, Readout
from impasto.schema import InputError

PACKAGED = ("efficientnet_lite0", "dinov2_s14", "random")
"""The encoders that need neither folder nor network."""
_TOGETHER = 6
_SIZE = 224
_LAYER_OF_DINOV2_S14 = 6


@dataclass(frozen=True)
class VisionEncoder:
    """A frozen encoder with what a record must say of it.

    Attributes
    ----------
    name
        A packaged name, a folder or a hub name.
    net
        Images (N, planes, size, size) -> embeddings (N, width).
    size
        Side of an image in pixels.
    width
        Of an embedding.
    sha256
        Of the weights, or what stands for it.
    licence
        Of the weights.
    layers
        Which hidden layers of a transformers model are read; empty: the net's own output.
    readout
        Which tokens become one vector; None: the net's own output.
    runtime
        `torch`, or what runs the net instead.
    reading
        Which planes it takes, and how light is scaled.
    commit
        Of the hub, 40 hexadecimal digits; empty where there is none.
    code
        The repository and commit of code that the model brought; empty where it brought none.
    place
        Where the net runs and in what precision.

    """

    name: str
    net: nn.Module
    size: int
    width: int
    sha256: str
    licence: str
    layers: tuple[int, ...] = ()
    readout: Readout | None = None
    runtime: str = "torch"
    reading: Reading = GRAY3
    commit: str = ""
    code: str = ""
    place: Place = HERE

    def on(self, place: Place, /) -> VisionEncoder:
        """The same encoder at another place.

        Parameters
        ----------
        place
            Where the net runs from now on.

        Returns
        -------
        VisionEncoder
            Its net is moved.

        """
        return dataclasses.replace(self, net=self.net.to(place.device), place=place)

    @torch.inference_mode()
    def __call__(self, images: Tensor, /) -> Tensor:
        """Embed images, without gradients.

        Parameters
        ----------
        images
            (N, planes, size, size), light as `reading` says.

        Returns
        -------
        Tensor
            (N, width), float32, on the CPU.

        """
        images = self.place.send(images)
        # A few images at a time, channels last: the activations stay in a CPU's cache (measured: 9 ms an image instead of 38).
        few = torch.split(images, _TOGETHER) if images.device.type == "cpu" else (images,)
        with self.place.low():
            parts = [self.net(part.contiguous(memory_format=torch.channels_last)) for part in few]
        return torch.cat(parts).float().cpu()

    def describe(self) -> dict[str, object]:
        """What a record says of it; `profiling.settings.of_identity` makes it again from this.

        Returns
        -------
        dict[str, object]
            The keys of `impasto.identity`, without those of the crops.

        """
        return {
            "name": self.name,
            "commit": self.commit or None,
            "sha256": self.sha256,
            "code": self.code or None,
            "input": self.reading.input,
            "order": list(self.reading.order) or None,
            "layer": self.layers[0] if len(self.layers) == 1 else list(self.layers) or None,
            "readout": self.readout,
            "size": self.size,
            "normalise": self.reading.normalise,
            "preprocessing": self.reading.sentence,
            "precision": self.place.precision,
            "runtime": self.runtime,
            "licence": self.licence,
        }


def load(
    name: str = "efficientnet_lite0",
    *,
    layers: Sequence[int] = (),
    readout: Readout | None = None,
    size: int | None = None,
    reading: Reading = GRAY3,
    call: Call = "forward",
    code: str = "",
    accept_licence: bool = False,
    seed: int = 0,
) -> VisionEncoder:
    """A vision encoder by name.

    Parameters
    ----------
    name
        `efficientnet_lite0`; `dinov2_s14` (by default the mean of its patch tokens after layer 6); `random` (the first, untrained); or a
        folder or hub name of a transformers vision model, the last also as `ORG/MODEL@COMMIT`.
    layers
        Of a transformers model: which hidden layers are read, one after the other; by default the last one, after its final norm.
    readout
        Of a transformers model: which tokens are read; by default its class token, where it has one.
    size
        Side of an image in pixels; 224 by default. 112 is five times as fast, and enough for crops of single cells.
    reading
        Of a transformers model: which planes it takes, and how light is scaled.
    call
        Of a transformers model: its function that gives the embedding.
    code
        `ORG/MODEL@COMMIT` of code that the model brings, which is run.
    accept_licence
        Whether the user has accepted the licence of that code and its weights.
    seed
        Of random weights.

    Returns
    -------
    VisionEncoder
        The frozen encoder.

    Raises
    ------
    InputError
        Where there is no encoder of that name, or it cannot be read so.

    """
    if name in ("efficientnet_lite0", "random"):
        if layers or readout or reading != GRAY3 or code or call != "forward":
            raise InputError(f"{name} is read in one way: leave out layer, readout, input, order, normalise and code")
        return _efficientnet(name, size=size or _SIZE, seed=seed)
    packaged = weights.WEIGHTS.get(name)
    if packaged is not None and packaged.role != "vision":
        raise InputError(f"{name!r} is a {packaged.role} model, not a vision model; packaged are {', '.join(PACKAGED)}")
    source = opened.model(
        str(weights.folder(name)) if packaged else name, code=code, accept_licence=accept_licence, packaged=", ".join(PACKAGED)
    )
    if packaged:
        layers, readout = layers or (_LAYER_OF_DINOV2_S14,), readout or "mean"
    side = size or _SIZE
    example = torch.zeros(1, reading.planes or 1, side, side)
    try:
        net = hub.HubModel(source.model, layers=layers or (hub.LAST,), readout=readout, example=example, call=call)
    except InputError:
        raise
    except (RuntimeError, ValueError, AttributeError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{name} cannot read an image of {reading.planes or 1} planes and {side} x {side} pixels (input {reading.input}): {first}; "
            "set input, order and size to what it was trained with"
        ) from error
    frozen = net.eval().requires_grad_(requires_grad=False)
    return VisionEncoder(
        source.name if not packaged else name,
        frozen,
        side,
        net.width,
        packaged.sha256 if packaged else source.sha256,
        packaged.licence if packaged else "see the model's page",
        layers=net.layers,
        readout=net.readout,
        reading=reading,
        commit=source.commit,
        code=code,
    )


def _efficientnet(name: str, *, size: int, seed: int) -> VisionEncoder:
    net = efficientnet_lite0.random(seed=seed) if name == "random" else efficientnet_lite0.load()
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if name == "random":
        return VisionEncoder(name, net, size, net.width, f"random weights, seed {seed}", "none")
    return VisionEncoder(name, net, size, net.width, weights.sha256(name), weights.WEIGHTS[name].licence)
