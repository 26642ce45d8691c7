"""Selection drops features that cannot be compared."""

from __future__ import annotations

import numpy as np
from tests.correction.plated import plates

from impasto.correction.select import Select, SelectSettings


def test_select_drops_what_cannot_be_compared() -> None:
    data = plates(width=6)
    data.X[:, 1] = data.X[:, 0] * 2 + 0.001 * data.X[:, 5]
    data.X[:, 2] = 1.0
    data.X[: data.n_obs // 2, 3] = np.nan
    data.X[0, 4] = np.inf
    fitted = Select.fit(data, SelectSettings(block=r"Contrast5_"))
    kept = set(fitted.transform(data).var_names)
    names = list(data.var_names)
    assert len(kept & {names[0], names[1]}) == 1
    assert not kept & {names[2], names[3], names[5]}
    assert names[4] in kept
    assert np.isfinite(fitted.transform(data).X).all()
