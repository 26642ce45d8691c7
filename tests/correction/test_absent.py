"""Fitted steps on a table that lacks features: those before CellPainTR are given zeros, and CellPainTR reads them as hidden."""

from __future__ import annotations

import anndata
import numpy as np
import pytest

from impasto.correction import absent
from impasto.correction.steps import correct
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate

STEPS = ["select", "standardize", "clip", {"method": "cellpaintr", "by": "source", "width": 8, "depth": 1, "epochs": [1, 1, 0]}]


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    return simulate(Plan(sources=2, batches=1, plates=1, perturbations=6, mechanisms=3, controls=6), seed=0)[0]


def test_what_is_absent_does_not_matter_and_is_said(wells: anndata.AnnData) -> None:
    whole, fitted, _ = correct(wells, STEPS, spare=0)
    selected = fitted[0].features_of_fit()
    lacking = set(selected[::3])
    partial = wells[:, [name not in lacking for name in wells.var_names]].copy()
    found, _, _ = correct(partial, [], fitted=fitted, spare=0)
    assert absent.names(found) == lacking
    assert np.isfinite(found.X).all()
    assert not np.allclose(found.X, whole.X)
    # Whatever the absent features were, the answer is the same.
    model = fitted[-1].model()
    before = correct(wells, [], fitted=fitted[:-1], spare=0)[0]
    before.uns[absent.KEY] = sorted(lacking)
    np.testing.assert_allclose(found.X, model.vectors(before), atol=1e-5)


def test_a_new_source_without_some_features_is_learned(wells: anndata.AnnData) -> None:
    names = sorted(set(wells.obs["source"]))
    old, new = (wells[wells.obs["source"] == name].copy() for name in names)
    steps = [{"method": "cellpaintr", "by": "source", "width": 8, "depth": 1, "epochs": [1, 1, 0], "new_epochs": 1}]
    _, fitted, _ = correct(old, steps, spare=0)
    found, after, _ = correct(new[:, ::2].copy(), [], fitted=fitted, spare=0)
    assert np.isfinite(found.X).all()
    assert after[-1].seen_in_fit() == tuple(names)


def test_steps_that_cannot_do_without_refuse_as_before(wells: anndata.AnnData) -> None:
    _, fitted, _ = correct(wells, STEPS[:3], spare=0)
    with pytest.raises(InputError, match="select keeps"):
        correct(wells[:, ::2].copy(), [], fitted=fitted, spare=0)


def test_no_feature_in_common_is_a_sentence(wells: anndata.AnnData) -> None:
    _, fitted, _ = correct(wells, STEPS, spare=0)
    strange = wells.copy()
    strange.var_names = [f"Other_{n}" for n in range(wells.n_vars)]
    with pytest.raises(InputError, match=r"cellpaintr reads \d+ features, none of which these profiles have"):
        correct(strange, [], fitted=fitted, spare=0)


@pytest.mark.parametrize("mixing", ["sphering", "tvn", "compress"])
def test_behind_steps_that_mix_features_nothing_is_filled_in(wells: anndata.AnnData, mixing: str) -> None:
    steps = ["select", mixing, {"method": "cellpaintr", "by": "source", "width": 8, "depth": 1, "epochs": [1, 0, 0]}]
    whole, fitted, _ = correct(wells, steps, spare=0)
    again, _, _ = correct(wells, [], fitted=fitted, spare=0)
    np.testing.assert_allclose(again.X, whole.X, atol=1e-5)
    kept = fitted[0].features_of_fit()
    with pytest.raises(InputError, match="select keeps"):
        correct(wells[:, [name != kept[0] for name in wells.var_names]].copy(), [], fitted=fitted, spare=0)
