"""MAE written out: the pixels of hidden patches only, with or without each patch's own mean and sd; CropMAE sees the anchor too."""

from __future__ import annotations

import pytest
import torch
from tests.pretrain.small import ROWS, built, standardised, views
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


@pytest.mark.parametrize("normalise", [True, False])
def test_the_hidden_patches_alone_are_compared(normalise: bool) -> None:
    method, shown = built("mae", drop=0.75, normalise=normalise, **DECODER), views()
    image = standardised(shown.anchor)
    keep, hidden = hidden_by(shown.noise, 0.75)
    kept, dropped = torch.tensor(keep), torch.tensor(hidden)
    predicted = method.decoder(method.encoder(image, kept), kept, dropped)
    assert predicted.shape == (ROWS, 12, 2 * 64)
    expected = error(predicted, image, hidden, normalise=normalise)
    assert float(method(shown).terms["masked_patches"].detach()) == pytest.approx(expected, rel=1e-9)
    assert expected != pytest.approx(error(predicted, image, hidden, normalise=not normalise), rel=1e-3)


def test_crop_mae_predicts_the_target_from_what_is_left_of_it_and_the_whole_anchor() -> None:
    method, shown = built("crop_mae", drop=0.75, **DECODER), views()
    target, anchor = standardised(shown.target), standardised(shown.anchor)
    keep, hidden = hidden_by(shown.noise, 0.75)
    kept, dropped = torch.tensor(keep), torch.tensor(hidden)
    whole = method.encoder(anchor)
    predicted = method.decoder(method.encoder(target, kept), kept, dropped, whole)
    step = method(shown)
    assert float(step.terms["masked_patches"].detach()) == pytest.approx(error(predicted, target, hidden, normalise=True), rel=1e-9)
    torch.testing.assert_close(step.embeddings["image"], whole[:, 0])
