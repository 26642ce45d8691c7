"""The map of an index."""

from __future__ import annotations

import numpy as np

from impasto.atlas import layout


def test_an_index_of_one_row_has_a_map_too() -> None:
    places, how = layout.flatten(np.ones((1, 3), np.float32), seed=0)
    assert how == "pca"
    np.testing.assert_array_equal(places, np.zeros((1, 2)))
