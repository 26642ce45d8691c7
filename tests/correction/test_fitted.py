"""What every corrector is built of: groups in order, references that are large enough, refusals that name what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction import fitted
from impasto.correction.clip import Clip, ClipSettings
from impasto.schema import InputError


def test_groups_come_in_order_of_name_and_hold_every_row_once() -> None:
    data = plates()
    mixed = data[np.random.default_rng(0).permutation(data.n_obs)].copy()
    found = dict(fitted.each(mixed, "plate", task="test"))
    assert list(found) == ["P0", "P1", "P2"]
    for plate, rows in found.items():
        assert rows.tolist() == np.flatnonzero((mixed.obs["plate"] == plate).to_numpy()).tolist()
    assert [(name, rows.tolist()) for name, rows in fitted.each(mixed, None, task="test")] == [("", list(range(120)))]
    assert [name for name, _ in fitted.unmet({"P1": 0}, mixed, "plate", task="test")] == ["P0", "P2"]
    with pytest.raises(InputError, match="source"):
        list(fitted.each(mixed, "source", task="test"))


def test_a_reference_is_the_controls_of_a_group_or_all_of_it() -> None:
    data = plates(plates=1)
    rows = np.arange(10, 40)
    assert fitted.reference(data, rows, on="all", group="P0", task="test").tolist() == rows.tolist()
    found = fitted.reference(data, rows, on="controls", group="P0", task="test")
    assert found.tolist() == [r for r in rows if control_rows(data)[r]]
    with pytest.raises(InputError, match="test: the 30 rows of P0 hold 10 negative controls, at least 11 are needed; use --set on=all"):
        fitted.reference(data, rows, on="controls", group="P0", task="test", least=11)
    with pytest.raises(InputError, match=r"unknown reference 'control' \(did you mean 'controls'"):
        fitted.reference(data, rows, on="control", group="P0", task="test")


def test_a_group_that_shares_nothing_is_confounded_unless_it_is_alone_or_accepted() -> None:
    data = plates(plates=2)
    fitted.refuse_confounded(data, "plate", task="test", confounded=False)
    own = (data.obs["plate"] == "P1").to_numpy()
    data.obs["perturbation"] = np.where(own, "only here", data.obs["perturbation"])
    with pytest.raises(InputError, match="test: plate 'P0' shares no perturbation or control with the others"):
        fitted.refuse_confounded(data, "plate", task="test", confounded=False)
    fitted.refuse_confounded(data, "plate", task="test", confounded=True)
    fitted.refuse_confounded(data, None, task="test", confounded=False)
    fitted.refuse_confounded(data[own].copy(), "plate", task="test", confounded=False)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted_by_feature(bad: float) -> None:
    data = plates(plates=1)
    assert fitted.finite(data, task="test") is data.X  # not a copy
    assert fitted.finite_values(data, task="test").dtype == np.float64
    data.X[3, 2] = data.X[4, 2] = data.X[0, 5] = bad
    with pytest.raises(InputError, match=r"test: 2 features hold missing or infinite values \(first: Cells_Texture_Contrast2_DNA\)"):
        fitted.finite(data, task="test")


def test_other_values_keep_rows_features_and_what_is_told_of_them() -> None:
    data = plates(plates=1)
    data.uns["correction"] = ["clip"]
    found = fitted.with_values(data, np.zeros(data.shape))
    assert found.X.dtype == np.float32
    assert found.obs.equals(data.obs)
    assert found.var.equals(data.var)
    assert found.uns == data.uns
    found.obs["plate"] = "other"
    assert set(data.obs["plate"]) == {"P0"}


def test_a_corrector_without_groups_meets_none() -> None:
    clip = Clip.fit(plates(), ClipSettings())
    assert clip.met() == ()
    assert clip.extended(plates(seed=1)) is clip
