"""Clipping is NumPy's."""

from __future__ import annotations

import numpy as np
from tests.correction.plated import plates

from impasto.correction.clip import Clip, ClipSettings


def test_clip_clips() -> None:
    data = plates()
    found = Clip.fit(data, ClipSettings(limit=1.0)).transform(data)
    np.testing.assert_array_equal(found.X, np.clip(data.X, -1, 1))
