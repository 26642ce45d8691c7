"""Clipping: both signs, at the limit, whatever was fitted."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from tests.correction.plated import plates

from impasto.correction.clip import Clip, ClipSettings
from impasto.schema import InputError


def test_clip_clips() -> None:
    data = plates()
    clipped = Clip.fit(data, ClipSettings(limit=1.0)).transform(data)
    np.testing.assert_array_equal(clipped.X, np.clip(data.X, -1, 1))


def test_the_default_limit_is_ten_on_both_sides() -> None:
    values = np.array([[-3e5, -10.5, -10.0, -9.5, 0.0], [3e5, 10.5, 10.0, 9.5, 1.0]], dtype=np.float32)
    clipped = Clip.fit(anndata.AnnData(X=values)).transform(anndata.AnnData(X=values)).X
    assert clipped.tolist() == [[-10.0, -10.0, -10.0, -9.5, 0.0], [10.0, 10.0, 10.0, 9.5, 1.0]]


def test_a_limit_of_nothing_is_a_sentence() -> None:
    with pytest.raises(InputError, match="limit is 0, but input should be greater than 0"):
        ClipSettings.read({"limit": 0}, where="clip")
