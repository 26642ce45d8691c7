"""Painted sites: more cells, more light; larger nuclei, more DNA; an uneven lamp by hand."""

from __future__ import annotations

import numpy as np

from impasto.simulate import paint


def site(properties: np.ndarray | None = None, *, cells: int = 6, **changes: object) -> np.ndarray:
    rng = np.random.default_rng(0)
    lamp = np.ones((5, 128, 128), dtype=np.float32)
    return paint.site(np.zeros(10) if properties is None else properties, cells=cells, pixels=128, lamp=lamp, rng=rng, **changes)  # type: ignore[arg-type]


def test_an_empty_site_is_camera_offset_and_noise() -> None:
    empty = site(cells=0)
    assert empty.shape == (5, 128, 128)
    assert empty.dtype == np.uint16
    assert abs(empty.mean() - 400) < 1
    assert abs(empty.astype(float).std() - 2 * np.sqrt(400)) < 1
    assert site().mean() > empty.mean() + 20


def test_a_property_moves_the_light_of_its_stain() -> None:
    plain = site().astype(float).mean(axis=(1, 2))
    for place, channel in ((1, 0), (4, 1), (9, 4)):
        changed = np.zeros(10)
        changed[place] = 3.0
        light = site(changed).astype(float).mean(axis=(1, 2))
        assert light[channel] > plain[channel] + 2
        others = [c for c in range(5) if c != channel]
        np.testing.assert_allclose(light[others], plain[others], atol=1)


def test_a_lamp_falls_off_from_its_centre() -> None:
    drawn = np.random.default_rng(3).uniform(-0.4, 0.4, (5, 2))
    lamp = paint.lamp(9, rng=np.random.default_rng(3))
    grid = np.linspace(-1, 1, 9)
    for channel, (y, x) in enumerate(drawn):
        expected = [[1 - 0.25 * ((a - y) ** 2 + (b - x) ** 2) for b in grid] for a in grid]
        np.testing.assert_allclose(lamp[channel], expected, atol=1e-6)


def test_edges_and_spots_by_hand() -> None:
    distance = np.array([0.5, 1.0, 1.5])
    np.testing.assert_allclose(paint._edge(distance, 0.2), 1 / (1 + np.exp((distance - 1) / 0.1)))
    y, x = np.zeros((1, 1)), np.zeros((1, 1))
    (place,) = np.random.default_rng(1).uniform(-2, 2, (1, 2))
    spot = paint._spots(y, x, count=1, within=2.0, size=3.0, rng=np.random.default_rng(1))
    np.testing.assert_allclose(spot, np.exp(-(place**2).sum() / 18), rtol=1e-6)
    assert paint._spots(y, x, count=50, within=0.1, size=3.0, rng=np.random.default_rng(1))[0, 0] == 1.5
