"""Views: turns and flips move pixels and change none, crops are where they say, light is per channel, everything is seeded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from impasto.pretrain import views
from impasto.pretrain.views import View, ViewSettings

WHOLE = {"centre": (0.5, 0.5), "sides": (1.0, 1.0)}


def image(height: int = 12, width: int = 12, *, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_whole_image_is_itself() -> None:
    torch.testing.assert_close(views.render([image()], [View(**WHOLE)], size=12)[0], image())


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_turns_and_flips_are_those_of_torch(turn: int) -> None:
    found = views.render([image(), image()], [View(**WHOLE, turn=turn), View(**WHOLE, turn=turn, flip=True)], size=12)
    turned = {tuple(torch.rot90(image(), k, (1, 2)).flatten().tolist()): k for k in range(4)}
    match = [k for k in range(4) if torch.allclose(found[0], torch.rot90(image(), k, (1, 2)), atol=1e-5)]
    assert match in ([turn], [(-turn) % 4])
    assert len(turned) == 4
    mirrored = [k for k in range(4) if torch.allclose(found[1], torch.rot90(image().flip(2), k, (1, 2)), atol=1e-5)]
    assert len(mirrored) == 1


def test_a_crop_is_the_part_of_the_image_that_it_names() -> None:
    found = views.render([image()], [View(centre=(0.25, 0.75), sides=(0.5, 0.5))], size=6)
    torch.testing.assert_close(found[0], image()[:, :6, 6:])


def test_a_crop_that_is_shrunk_is_averaged_first() -> None:
    found = views.render([image(32, 32)], [View(**WHOLE)], size=8)
    torch.testing.assert_close(found[0], functional.avg_pool2d(image(32, 32), 4))


def test_images_of_several_sizes_share_a_minibatch() -> None:
    images = [image(12, 12), image(40, 20), image(12, 12, seed=1)]
    drawn = [View(centre=(0.5, 0.4), sides=(0.8, 0.6))] * 3
    together = views.render(images, drawn, size=10)
    alone = torch.cat([views.render([i], [v], size=10) for i, v in zip(images, drawn, strict=True)])
    torch.testing.assert_close(together, alone)


def test_blur_keeps_the_light_and_lowers_the_contrast_of_its_own_image_only() -> None:
    found = views.render([image(32, 32)] * 2, [View(**WHOLE), View(**WHOLE, blur=2.0 * 224 / 32)], size=32)
    torch.testing.assert_close(found[0], image(32, 32))
    assert found[1].mean() == pytest.approx(float(found[0].mean()), abs=0.02)
    assert found[1].std() < 0.5 * found[0].std()
    spot = torch.zeros(1, 33, 33)
    spot[0, 16, 16] = 1.0
    spread = views.render([spot], [View(**WHOLE, blur=2.0 * 224 / 33)], size=33)[0, 0]
    places = torch.arange(33) - 16.0
    assert float((spread.sum(dim=0) * places**2).sum()) == pytest.approx(4.0, rel=0.05)


def test_light_changes_each_channel_by_its_own_gain_and_offset() -> None:
    found = views.render([image()], [View(**WHOLE, gain=(0.5, 1.0, 2.0), offset=(0.1, 0.0, 0.0))], size=12)[0]
    torch.testing.assert_close(found[0], image()[0] * 0.5 + 0.1)
    torch.testing.assert_close(found[1], image()[1])
    torch.testing.assert_close(found[2], (image()[2] * 2).clamp(max=1))


def test_views_are_drawn_inside_the_image_and_by_the_generator_alone() -> None:
    settings = ViewSettings(scale=(0.05, 1.0), blur=0.5, jitter=0.5)
    rng = np.random.default_rng(0)
    drawn = [views.draw(settings, rng, channels=3) for _ in range(500)]
    for view in drawn:
        for centre, side in zip(view.centre, view.sides, strict=True):
            assert side / 2 - 1e-9 <= centre <= 1 - side / 2 + 1e-9
    areas = np.array([v.sides[0] * v.sides[1] for v in drawn])
    assert areas.min() >= 0.05 - 1e-9
    assert 0.4 < np.mean([v.blur > 0 for v in drawn]) < 0.6
    assert {v.turn for v in drawn} == {0, 1, 2, 3}
    rng = np.random.default_rng(0)
    assert [views.draw(settings, rng, channels=3) for _ in range(500)] == drawn
    quiet = [views.draw(ViewSettings(scale=(0.05, 1.0)), np.random.default_rng(0), channels=3)]
    assert quiet[0].sides == drawn[0].sides


def test_rendering_changes_no_image() -> None:
    images = [image()]
    views.render(images, [View(**WHOLE, turn=1, blur=3.0, gain=(2.0, 2.0, 2.0), offset=(0.1, 0.1, 0.1))], size=12)
    assert torch.equal(images[0], image())


def test_a_drawn_view_is_the_numbers_of_the_generator_in_their_order() -> None:
    settings = ViewSettings(scale=(0.05, 0.2), stretch=2.0, blur=0.5, blur_sd=(0.5, 1.5), jitter=0.5, gain=0.3, offset=0.2)
    drawn = [views.draw(settings, np.random.default_rng(seed), channels=2) for seed in range(20)]
    for seed, view in enumerate(drawn):
        rng = np.random.default_rng(seed)
        area, bend = rng.uniform(0.05, 0.2), rng.uniform(-1, 1)
        height, width = np.sqrt(area) * np.sqrt(2.0) ** bend, np.sqrt(area) / np.sqrt(2.0) ** bend
        down, right = rng.random(), rng.random()
        turn, flip, blurred, sd, jittered = rng.integers(4), rng.integers(2), rng.random() < 0.5, rng.uniform(0.5, 1.5), rng.random() < 0.5
        gain, offset = np.exp(0.3 * rng.uniform(-1, 1, 2)), 0.2 * rng.uniform(-1, 1, 2)
        assert view.sides == pytest.approx((height, width))
        assert view.centre == pytest.approx((height / 2 + down * (1 - height), width / 2 + right * (1 - width)))
        assert (view.turn, view.flip, view.blur) == (turn, bool(flip), pytest.approx(sd if blurred else 0.0))
        assert view.gain == pytest.approx(tuple(gain) if jittered else ())
        assert view.offset == pytest.approx(tuple(offset) if jittered else ())
    assert {view.flip for view in drawn} == {bool(view.blur) for view in drawn} == {bool(view.gain) for view in drawn} == {True, False}


def test_focal_crops_have_their_own_scale_and_turns_and_flips_can_be_left_out() -> None:
    settings = ViewSettings(scale=(0.5, 1.0), focal_scale=(0.05, 0.1), stretch=1.0, turns=False, flips=False)
    for seed in range(10):
        whole, focal = (views.draw(settings, np.random.default_rng(seed), channels=1, focal=focal) for focal in (False, True))
        assert whole.sides[0] * whole.sides[1] >= 0.5
        assert 0.05 - 1e-9 <= focal.sides[0] * focal.sides[1] <= 0.1 + 1e-9
        assert focal.sides[0] == focal.sides[1]
        assert (whole.turn, whole.flip) == (0, False)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_each_pixel_of_a_view_is_read_where_its_crop_says(turn: int, flip: bool) -> None:
    height, width, size = 10, 14, 5
    plane, view = image(height, width)[:1], View(centre=(0.45, 0.6), sides=(0.7, 0.4), turn=turn, flip=flip)
    got = views.render([plane], [view], size=size)[0, 0]
    pixels = plane[0].double().numpy()
    for row in range(size):
        for column in range(size):
            right, down = (2 * column + 1) / size - 1, (2 * row + 1) / size - 1
            right = -right if flip else right
            for _ in range(turn):
                right, down = -down, right
            y = (view.centre[0] + down * view.sides[0] / 2) * height - 0.5
            x = (view.centre[1] + right * view.sides[1] / 2) * width - 0.5
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            top, left = min(int(y), height - 2), min(int(x), width - 2)
            part, across = y - top, x - left
            upper = pixels[top, left] * (1 - across) + pixels[top, left + 1] * across
            lower = pixels[top + 1, left] * (1 - across) + pixels[top + 1, left + 1] * across
            assert float(got[row, column]) == pytest.approx(upper * (1 - part) + lower * part, abs=1e-5)


@pytest.mark.parametrize(
    ("sides", "shape", "halvings"),
    [((1.0, 1.0), (16, 16), 1), ((1.0, 1.0), (16, 32), 1), ((0.5, 1.0), (32, 16), 1), ((1.0, 0.5), (16, 32), 1), ((0.5, 0.5), (32, 32), 1)],
)
def test_the_shorter_side_of_a_crop_in_pixels_says_how_often_it_is_averaged(
    sides: tuple[float, float], shape: tuple[int, int], halvings: int
) -> None:
    assert views._halvings(image(*shape), View((0.5, 0.5), sides), 8) == halvings
    assert views._halvings(image(*shape), View((0.5, 0.5), sides), 16) == 0
    assert views._halvings(image(*shape), View((0.5, 0.5), sides), 4) == halvings + 1
