"""The error of reconstructed patches, and which patches are hidden, written out."""

from __future__ import annotations

from torch import Tensor

DECODER = {"decoder_width": 12, "decoder_depth": 1, "decoder_heads": 2}


def error(predicted: Tensor, image: Tensor, dropped: list[list[int]], *, normalise: bool) -> float:
    """The mean over rows, hidden patches and pixels; patch k is row k // 4, column k % 4 of a grid of 8 x 8 pixels."""
    total = count = 0.0
    for row, hidden in enumerate(dropped):
        for place, patch in enumerate(hidden):
            top, left = 8 * (patch // 4), 8 * (patch % 4)
            pixels = image[row, :, top : top + 8, left : left + 8].flatten()
            if normalise:
                pixels = (pixels - pixels.mean()) / (pixels.var(unbiased=True) + 1e-6) ** 0.5
            total += float(((predicted[row, place].detach() - pixels) ** 2).sum())
            count += len(pixels)
    return total / count


def hidden_by(noise: Tensor, drop: float) -> tuple[list[list[int]], list[list[int]]]:
    """Patches in the order of their noise: those that stay first, then those that are hidden, each in the order of the image."""
    stay = round(noise.shape[1] * (1 - drop))
    order = [sorted(range(noise.shape[1]), key=lambda k, r=row: float(noise[r, k])) for row in range(len(noise))]
    return [sorted(o[:stay]) for o in order], [sorted(o[stay:]) for o in order]
