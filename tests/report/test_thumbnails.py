"""A thumbnail: red, green and blue by stain, stretched between two percentiles."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
from PIL import Image

from impasto.report import thumbnails


def test_stains_become_colours_and_absent_ones_are_black() -> None:
    planes = {"DNA": np.tile(np.linspace(0, 1000, 64), (64, 1)).astype(np.uint16), "AGP": np.full((64, 64), 9, dtype=np.uint16)}
    sites = SimpleNamespace(channels=["AGP", "DNA"], image=lambda number, channels: np.stack([planes[c] for c in channels]))
    uri = thumbnails.composite(sites, 0, side=32)  # type: ignore[arg-type]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")).astype(int)
    assert image.shape == (32, 32, 3)
    assert image[:, -2:, 2].mean() > 200
    assert image[:, :2, 2].mean() < 60
    assert image[..., 1].mean() < 60


def test_pixels_are_stretched_by_hand() -> None:
    plane = np.arange(1000, dtype=np.uint16).reshape(25, 40)
    low, high = np.percentile(plane, [1, 99.7])
    expected = [int(255 * min(max((v - low) / (high - low), 0), 1) ** 0.8) for v in plane[10].tolist()]
    assert np.abs(thumbnails._stretch(plane)[10].astype(int) - expected).max() <= 1
    assert not thumbnails._stretch(np.full((4, 4), 7)).any()
