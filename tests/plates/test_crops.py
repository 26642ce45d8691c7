"""Crops by hand: nothing squeezed and nothing left out by cover, native pixels by grid, the same places from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.plates.crops import Box, Crops
from impasto.plates.read import BadImage


def test_by_hand() -> None:
    assert Crops("squash", 224).boxes(520, 696) == [Box(0, 0, 520, 696)]
    assert Crops("cover", 224).boxes(520, 696) == [Box(0, 0, 520, 520), Box(0, 176, 520, 520)]
    assert Crops("cover", 224).boxes(100, 100) == [Box(0, 0, 100, 100)]
    assert [box.top for box in Crops("cover", 8).boxes(25, 10)] == [0, 8, 15]
    assert Crops("grid", 200).boxes(520, 696) == [Box(top, left, 200, 200) for top in (60, 260) for left in (48, 248, 448)]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60))
def test_cover_covers_with_squares_inside_the_site(height: int, width: int) -> None:
    seen = np.zeros((height, width), dtype=int)
    boxes = Crops("cover", 7).boxes(height, width)
    for box in boxes:
        assert box.height == box.width == min(height, width)
        assert box.of(seen).shape == (box.height, box.width)
        box.of(seen)[...] += 1
    assert seen.min() >= 1
    assert len(boxes) == -(-max(height, width) // min(height, width))


def test_random_crops_are_five_inside_and_the_same_for_a_seed() -> None:
    first = Crops("random", 16, seed=1).boxes(40, 60)
    assert first == Crops("random", 16, seed=1).boxes(40, 60)
    assert first != Crops("random", 16, seed=2).boxes(40, 60)
    assert len(set(first)) == 5
    assert all(0 <= box.top <= 24 and 0 <= box.left <= 44 and box.height == box.width == 16 for box in first)


@pytest.mark.parametrize("way", ["grid", "random"])
def test_a_site_smaller_than_a_native_crop_is_told(way: str) -> None:
    with pytest.raises(BadImage, match="68 x 68 pixels are less than a crop of 224; use --crops cover"):
        Crops(way, 224).boxes(68, 68)


def test_rows_keep_their_sites() -> None:
    crops = Crops("cover", 4, instances=True)
    sites = [np.full((1, 4, 4 * n), n, dtype=np.uint8) for n in (2, 1, 3)]
    rows = crops.embedded(sites, lambda images: images.reshape(len(images), -1).mean(axis=1, keepdims=True).astype(np.float32))
    assert rows[:, 0].tolist() == [2, 2, 1, 3, 3, 3]
    assert [crops.rows_of(site) for site in sites] == [2, 1, 3]
    assert Crops("cover", 4).embedded(sites, lambda images: images[:, 0, 0, :1].astype(np.float32))[:, 0].tolist() == [2, 1, 3]
    assert Crops("random", 4, seed=9).described == {"way": "random", "instances": False, "seed": 9}
