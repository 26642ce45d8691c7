"""MAE written out: the pixels of hidden patches only, with or without each patch's own mean and sd."""

from __future__ import annotations

import pytest
import torch
from tests.pretrain.patches_by_hand import DECODER, error, hidden_by
from tests.pretrain.small import ROWS, built, standardised, views


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
