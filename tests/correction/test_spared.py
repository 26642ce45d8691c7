"""Spared controls: the same wells whatever the order, unseen by every fit."""

from __future__ import annotations

import numpy as np
from tests.correction.plated import control_rows, plates

from impasto.correction.spared import spare_controls, without_spared
from impasto.correction.standardize import Standardize, StandardizeSettings


def test_spared_controls_are_the_same_wells_whatever_the_order_and_no_fit_sees_them() -> None:
    data = plates()
    marked = spare_controls(data, share=0.5, seed=0)
    shuffled = spare_controls(data[::-1].copy(), share=0.5, seed=0)
    places = {tuple(r) for r in marked.obs.loc[marked.obs["spared"], ["plate", "well"]].to_numpy()}
    assert places == {tuple(r) for r in shuffled.obs.loc[shuffled.obs["spared"], ["plate", "well"]].to_numpy()}
    assert len(places) == 30
    assert control_rows(without_spared(marked)).sum() == 30
    changed = marked.copy()
    changed.X[marked.obs["spared"].to_numpy()] += 100
    one, two = (Standardize.fit(without_spared(d), StandardizeSettings()) for d in (marked, changed))
    np.testing.assert_array_equal(one.centre["P0"], two.centre["P0"])
