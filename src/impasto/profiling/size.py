"""How large an encoder is: its parameters, and the operations of one image through it. Counted on the net itself, never typed.

A plane of a channel is an image of an encoder that sees channels alone; all channels together are one image of another.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from impasto import devices
from impasto.nets.encoders.vision import VisionEncoder
from impasto.profiling import extract
from impasto.profiling.encoders import EachChannel, Together
from impasto.profiling.extract import ProfileSettings


@dataclass(frozen=True)
class Size:
    """The size of an encoder.

    Attributes
    ----------
    parameters
        How many numbers its weights hold.
    operations
        Of one image, forward: products and sums counted apart, as torch counts them.

    """

    parameters: int
    operations: float


def of_encoder(settings: ProfileSettings, /) -> Size | None:
    """The size of the encoder that images were taken through.

    Parameters
    ----------
    settings
        Of the extraction.

    Returns
    -------
    Size | None
        None where it is no net, or the net of a run, whose training says its size.

    """
    opened = extract.open_encoder(settings, extract.plates_of(settings.images))
    net = opened.encoder if isinstance(opened, EachChannel | Together) else opened
    return of_net(net) if isinstance(net, VisionEncoder) else None


def of_net(encoder: VisionEncoder, /) -> Size:
    """The size of a frozen net.

    Parameters
    ----------
    encoder
        The net, with the planes and pixels that it reads.

    Returns
    -------
    Size
        Its parameters, and the operations of one image.

    """
    image = torch.zeros(1, encoder.reading.planes or 1, encoder.size, encoder.size)
    # torch counts nothing in inference mode, in which an encoder runs; its net is called without.
    with torch.no_grad(), devices.counted() as operations:
        encoder.net(encoder.place.send(image))
    return Size(sum(p.numel() for p in encoder.net.parameters()), operations[0])
