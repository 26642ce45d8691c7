"""Views are drawn as the formula says: boxes of whole pixels that keep their shape, and all numbers from the generator."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.pretrain import views
from impasto.pretrain.views import View, ViewSettings


def test_boxes_lie_inside_the_image_and_the_generator_alone_decides() -> None:
    settings = ViewSettings(scale=(0.05, 1.0), blur=0.5, jitter=0.5)
    rng = np.random.default_rng(0)
    drawn = [views.draw(settings, rng, shape=(520, 696), channels=3) for _ in range(500)]
    for view in drawn:
        assert view.height >= 1
        assert view.width >= 1
        assert 0 <= view.top <= view.top + view.height <= 520
        assert 0 <= view.left <= view.left + view.width <= 696
    assert {view.top == 0 for view in drawn} == {True, False}
    assert max(view.top + view.height for view in drawn) == 520
    assert 0.4 < np.mean([v.blur > 0 for v in drawn]) < 0.6
    assert {v.turn for v in drawn} == {0, 1, 2, 3}
    rng = np.random.default_rng(0)
    assert [views.draw(settings, rng, shape=(520, 696), channels=3) for _ in range(500)] == drawn
    quiet = views.draw(ViewSettings(scale=(0.05, 1.0)), np.random.default_rng(0), shape=(520, 696), channels=3)
    assert (quiet.top, quiet.left, quiet.height, quiet.width) == (drawn[0].top, drawn[0].left, drawn[0].height, drawn[0].width)


@pytest.mark.parametrize("shape", [(520, 696), (696, 520), (512, 512), (100, 900)])
def test_a_crop_keeps_its_shape_whatever_the_field_is(shape: tuple[int, int]) -> None:
    settings = ViewSettings(scale=(0.3, 1.0), stretch=4 / 3)
    drawn = [views.draw(settings, np.random.default_rng(seed), shape=shape, channels=1) for seed in range(300)]
    ratios = np.array([view.height / view.width for view in drawn])
    assert ratios.min() > 3 / 4 - 0.02
    assert ratios.max() < 4 / 3 + 0.02
    assert abs(np.log(ratios).mean()) < 0.03  # neither side is favoured
    square = [views.draw(ViewSettings(stretch=1.0), np.random.default_rng(seed), shape=shape, channels=1) for seed in range(50)]
    assert all(abs(view.height - view.width) <= 1 for view in square)


def test_a_drawn_view_is_the_numbers_of_the_generator_in_their_order() -> None:
    settings = ViewSettings(scale=(0.05, 0.2), stretch=2.0, blur=0.5, blur_sd=(0.5, 1.5), jitter=0.5, gain=0.3, offset=0.2)
    drawn = [views.draw(settings, np.random.default_rng(seed), shape=(300, 400), channels=2) for seed in range(20)]
    for seed, view in enumerate(drawn):
        rng = np.random.default_rng(seed)
        area, bend = rng.uniform(0.05, 0.2) * 120_000, rng.uniform(-1, 1)
        height, width = np.sqrt(area) * np.sqrt(2.0) ** bend, np.sqrt(area) / np.sqrt(2.0) ** bend
        down, right = rng.random(), rng.random()
        turn, flip, blurred, sd, jittered = rng.integers(4), rng.integers(2), rng.random() < 0.5, rng.uniform(0.5, 1.5), rng.random() < 0.5
        gain, offset = np.exp(0.3 * rng.uniform(-1, 1, 2)), 0.2 * rng.uniform(-1, 1, 2)
        assert (view.height, view.width) == (round(height), round(width))
        assert (view.top, view.left) == (int(down * (301 - round(height))), int(right * (401 - round(width))))
        assert (view.turn, view.flip, view.blur) == (turn, bool(flip), pytest.approx(sd if blurred else 0.0))
        assert view.gain == pytest.approx(tuple(gain) if jittered else ())
        assert view.offset == pytest.approx(tuple(offset) if jittered else ())
    assert {view.flip for view in drawn} == {bool(view.blur) for view in drawn} == {bool(view.gain) for view in drawn} == {True, False}


def test_what_does_not_fit_is_made_smaller_with_its_shape() -> None:
    # All of a field of 100 x 900 as a square is 300 x 300, which is three times too high: it becomes 100 x 100.
    view = views.draw(ViewSettings(scale=(1.0, 1.0), stretch=1.0), np.random.default_rng(0), shape=(100, 900), channels=1)
    assert (view.height, view.width, view.top) == (100, 100, 0)


def test_focal_crops_have_their_own_scale_and_turns_and_flips_can_be_left_out() -> None:
    settings = ViewSettings(scale=(0.5, 1.0), focal_scale=(0.05, 0.1), stretch=1.0, turns=False, flips=False)
    for seed in range(10):
        whole, focal = (
            views.draw(settings, np.random.default_rng(seed), shape=(1000, 1000), channels=1, focal=focal) for focal in (False, True)
        )
        assert whole.height * whole.width >= 0.499e6
        assert 0.0499e6 <= focal.height * focal.width <= 0.1001e6
        assert focal.height == focal.width
        assert (whole.turn, whole.flip) == (0, False)


def test_all_of_an_image() -> None:
    assert View.whole((5, 520, 696)) == View(0, 0, 520, 696)


def test_a_view_may_be_one_pixel() -> None:
    settings = ViewSettings(scale=(0.01, 0.01), stretch=1.0)
    view = views.draw(settings, np.random.default_rng(0), shape=(6, 6), channels=1)
    assert (view.height, view.width) == (1, 1)
