"""Views by matrix products are those of the crops, in order, for every turn, flip, size, blur and light."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.pretrain import render, view_matrices
from impasto.pretrain.view_matrices import Boxes
from impasto.pretrain.views import ViewSettings, draw


@pytest.mark.parametrize(("shape", "size"), [((52, 70), 24), ((40, 40), 64), ((130, 97), 16)])
def test_both_ways_agree_to_a_ten_thousandth_of_a_gray_level(shape: tuple[int, int], size: int) -> None:
    settings = ViewSettings(scale=(0.05, 1.0), blur=0.5, jitter=0.5)
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 256, (8, 3, *shape), dtype=np.uint8))
    drawn = [draw(settings, rng, shape=shape, channels=3) for _ in range(8 * 5)]
    assert {(v.turn, v.flip) for v in drawn} == {(turn, flip) for turn in range(4) for flip in (False, True)}
    assert {bool(v.blur) for v in drawn} == {bool(v.gain) for v in drawn} == {True, False}
    each = [pictures[n // 5] for n in range(40)]
    expected = render.render(each, drawn, size=size)
    boxes = Boxes.of(drawn, size=size, channels=3)
    found = view_matrices.render(pictures, boxes, size=size, dtype=torch.float32)
    assert boxes.size == 40
    assert float((found - expected).abs().max()) * 255 < 255e-4
    assert float((found - expected).abs().mean()) * 255 < 5e-4
    low = view_matrices.render(pictures, boxes, size=size, dtype=torch.bfloat16)
    assert 0 < float((low - expected).abs().max()) * 255 < 6


def test_no_views_are_no_views() -> None:
    found = view_matrices.render(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), Boxes.of([], size=4, channels=3), size=4, dtype=torch.float32)
    assert found.shape == (0, 3, 4, 4)
