"""The error of reconstructed patches, over those that were hidden only.

    L = mean over hidden patches of mean over pixels (x' - (x - mean(x)) / sqrt(var(x) + eps))^2

He et al. 2022 (MAE), section 3, with the pixels of each patch normalised by its own mean and variance.
"""

from __future__ import annotations

from torch import Tensor

_SMALL = 1e-6


def masked_patches(predicted: Tensor, pixels: Tensor, /, *, normalise: bool = True) -> Tensor:
    """The mean squared error over the hidden patches (MAE, section 3).

    Parameters
    ----------
    predicted
        Predicted pixels of the hidden patches (N, M, d).
    pixels
        Their true pixels (N, M, d).
    normalise
        Whether each patch's mean and sd are taken off its true pixels first.

    Returns
    -------
    Tensor
        The loss, a scalar.

    """
    if normalise:
        mean, variance = pixels.mean(dim=-1, keepdim=True), pixels.var(dim=-1, keepdim=True)
        pixels = (pixels - mean) / (variance + _SMALL).sqrt()
    return ((predicted - pixels) ** 2).mean()
