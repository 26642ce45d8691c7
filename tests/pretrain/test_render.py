"""Views rendered: where each pixel comes from, written out; blur and light by hand; a faint channel is not made black."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from impasto.pretrain.render import gaussians, reach_of, render
from impasto.pretrain.views import View, ViewSettings, draw


def image(height: int = 12, width: int = 12, *, seed: int = 0, channels: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (channels, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def light(picture: torch.Tensor) -> torch.Tensor:
    return picture.float() / 255


def test_the_whole_image_is_itself() -> None:
    torch.testing.assert_close(render([image()], [View(0, 0, 12, 12)], size=12)[0], light(image()))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_view_is_mirrored_and_then_turned(turn: int) -> None:
    plain, mirrored = render([image(), image()], [View(0, 0, 12, 12, turn=turn), View(0, 0, 12, 12, turn=turn, flip=True)], size=12)
    expected, flipped = light(image()), light(image()).flip(2)
    for _ in range(turn):
        expected, flipped = (torch.stack([row[:, :, 11 - i] for i in range(12)], dim=1) for row in (expected, flipped))
    torch.testing.assert_close(plain, expected)
    torch.testing.assert_close(mirrored, flipped)


def test_a_crop_is_the_part_of_the_image_that_it_names() -> None:
    torch.testing.assert_close(render([image()], [View(2, 6, 6, 6)], size=6)[0], light(image())[:, 2:8, 6:])


def triangle(size: int, pixels: int) -> np.ndarray:
    """The weights of antialiased linear interpolation, pixel by pixel."""
    step = pixels / size
    reach, weights = max(step, 1.0), np.zeros((size, pixels))
    for place in range(size):
        for pixel in range(pixels):
            weights[place, pixel] = max(0.0, 1 - abs((pixel + 0.5) - (place + 0.5) * step) / reach)
        weights[place] /= weights[place].sum()
    return weights


@pytest.mark.parametrize(("box", "size"), [((1, 2, 9, 11), 5), ((0, 0, 10, 14), 5), ((3, 1, 4, 7), 12), ((2, 2, 1, 3), 6)])
def test_each_pixel_is_an_antialiased_mean_of_its_box_alone(box: tuple[int, int, int, int], size: int) -> None:
    picture = image(10, 14)
    top, left, height, width = box
    crop = picture[:, top : top + height, left : left + width].double().numpy() / 255
    expected = np.einsum("sh,chw,tw->cst", triangle(size, height), crop, triangle(size, width))
    np.testing.assert_allclose(render([picture], [View(*box)], size=size)[0].numpy(), expected, atol=1e-6)


def test_images_of_several_sizes_share_a_minibatch_and_none_is_changed() -> None:
    images = [image(12, 12), image(40, 20), image(12, 12, seed=1)]
    before = [picture.clone() for picture in images]
    drawn = [View(1, 2, 8, 9, turn=1, blur=3.0, gain=(2.0, 1.0, 0.5), offset=(0.1, 0.0, -0.1))] * 3
    together = render(images, drawn, size=10)
    torch.testing.assert_close(together, torch.cat([render([i], [v], size=10) for i, v in zip(images, drawn, strict=True)]))
    assert all(torch.equal(one, other) for one, other in zip(images, before, strict=True))


def test_blur_is_a_gaussian_of_its_own_image_only() -> None:
    blurred = View(0, 0, 32, 32, blur=2.0 * 224 / 32)
    plain, soft = render([image(32, 32)] * 2, [View(0, 0, 32, 32), blurred], size=32)
    torch.testing.assert_close(plain, light(image(32, 32)))
    assert float(soft.std()) < 0.5 * float(plain.std())
    weights = np.array([math.exp(-0.5 * (step / 2.0) ** 2) for step in range(-6, 7)])
    weights /= weights.sum()
    padded = np.pad(light(image(32, 32)).double().numpy(), ((0, 0), (6, 6), (6, 6)), mode="reflect")
    down = sum(w * padded[:, i : i + 32] for i, w in enumerate(weights))
    both = sum(w * down[:, :, i : i + 32] for i, w in enumerate(weights))
    np.testing.assert_allclose(soft.numpy(), both, atol=1e-5)


def test_without_a_blur_the_matrix_is_the_identity() -> None:
    assert (reach_of(0.0, 9), reach_of(0.1, 9), reach_of(1.2, 9), reach_of(50.0, 9)) == (0, 1, 4, 8)
    torch.testing.assert_close(gaussians(torch.tensor([0.0, 1.0]), 9, reach=3)[0], torch.eye(9))


def test_light_is_gain_and_offset_in_means_of_the_channel() -> None:
    shown = render([image()], [View(0, 0, 12, 12, gain=(0.5, 1.0, 2.0), offset=(0.1, 0.0, -0.5))], size=12)[0]
    given = light(image())
    torch.testing.assert_close(shown[0], given[0] * 0.5 + 0.1 * given[0].mean())
    torch.testing.assert_close(shown[1], given[1])
    torch.testing.assert_close(shown[2], (given[2] * 2 - 0.5 * given[2].mean()).clamp(min=0))
    assert float(shown[2].max()) > 1  # bright light is not cut off


def test_a_faint_channel_stays_visible() -> None:
    # As real stains are: most pixels near the background, a few bright.
    rng = np.random.default_rng(0)
    faint = torch.from_numpy(np.clip(rng.gamma(2.0, 4.0, (1, 64, 64)) + 4, 0, 255).astype(np.uint8))
    settings = ViewSettings(jitter=1.0, scale=(1.0, 1.0), stretch=1.0)
    drawn = [draw(settings, np.random.default_rng(seed), shape=(64, 64), channels=1) for seed in range(40)]
    assert float((render([faint] * 40, drawn, size=64) == 0).float().mean()) < 0.005
