"""CropMAE written out: the hidden patches of the target, from what is left of it and from the whole anchor."""

from __future__ import annotations

import pytest
import torch
from tests.pretrain.patches_by_hand import DECODER, error, hidden_by
from tests.pretrain.small import built, standardised, views


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
