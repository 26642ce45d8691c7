"""From the tokens of a transformer to one vector an image: cls, mean, or both, one after the other.

Class token and registers stand before the patches (Dosovitskiy et al. 2021, Eq. 1; Darcet et al. 2024, section 2.2). How many tokens
stand there is counted (tokens less patches), so that no register and no class token is taken for a place of the image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.nets.encoders.reading import Readout
from impasto.schema import InputError


def read(tokens: Tensor, /, *, readout: Readout, prefix: int) -> Tensor:
    """One vector an image.

    Parameters
    ----------
    tokens
        (N, prefix + patches, width).
    readout
        `cls` (the first token), `mean` (over the patches), or `cls+mean`.
    prefix
        How many tokens stand before the patches: the class token, then registers.

    Returns
    -------
    Tensor
        (N, width), or (N, 2 width) of `cls+mean`.

    Raises
    ------
    InputError
        Where there is no class token, or the readout is not one of tokens.

    """
    if readout not in ("cls", "mean", "cls+mean"):
        raise InputError(f"readout {readout} is not one of tokens; allowed here: cls, mean, cls+mean")
    if readout != "mean" and not prefix:
        raise InputError(f"readout {readout}: this model has no class token, only patches; allowed: mean, or its own pooler")
    parts = {"cls": tokens[:, 0], "mean": tokens[:, prefix:].mean(dim=1)}
    return torch.cat([parts[name] for name in readout.split("+")], dim=1)
