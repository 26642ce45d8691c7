"""Spared controls: the same wells whatever the order, unseen by every fit."""

from __future__ import annotations

import numpy as np
import pytest
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


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_each_plate_spares_its_share_and_a_seed_chooses_which(share: float) -> None:
    data = plates()
    marked = spare_controls(data, share=share, seed=0)
    spared = marked.obs["spared"].to_numpy()
    assert not (spared & ~control_rows(data)).any()
    assert [spared[(data.obs["plate"] == plate).to_numpy()].sum() for plate in ("P0", "P1", "P2")] == [round(20 * share)] * 3
    other = spare_controls(data, share=share, seed=1).obs["spared"].to_numpy()
    assert (spared == other).all() == (share in (0.0, 1.0))
    assert "spared" not in data.obs


def test_what_a_split_holds_out_is_not_learned_from_either() -> None:
    data = plates(plates=1)
    data.obs["split"] = np.where(np.arange(40) < 30, "train", "test")
    assert without_spared(data).n_obs == 30
    assert without_spared(data, held_out=False) is data
