"""The corrector: its weights survive as float64, a new source adds a token, and features are named where asked."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pytest

from impasto.correction.cellpaintr.attributions import top_features
from impasto.correction.cellpaintr.corrector import CellPaintrCorrector
from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    return simulate(Plan(sources=2, batches=1, plates=1, perturbations=6, mechanisms=3, controls=6), seed=0)[0]


def settings(**changes: object) -> CellPaintrCorrectorSettings:
    return CellPaintrCorrectorSettings.read({"width": 8, "depth": 1, "epochs": [1, 1, 0], "new_epochs": 1, **changes}, where="test")


def test_new_sources_are_added_and_known_ones_keep_their_numbers(wells: anndata.AnnData) -> None:
    fitted = CellPaintrCorrector.fit(wells, settings())
    assert fitted.seen_in_fit() == ("S1", "S2")
    assert all(weight.dtype == np.float64 for weight in fitted.weights.values())
    assert fitted.extended(wells) is fitted
    new = wells[(wells.obs["source"] == "S1").to_numpy()].copy()
    new.obs["source"] = "S3"
    both = anndata.concat([wells, new], index_unique="-")
    both.var = wells.var
    wider = fitted.extended(both)
    assert wider.seen_in_fit() == ("S1", "S2", "S3")
    assert json.loads(wider.facts)["sources"] == ["S1", "S2", "S3"]
    np.testing.assert_allclose(wider.transform(wells).X, fitted.transform(wells).X, atol=1e-6)


def test_features_are_named_only_where_asked(wells: anndata.AnnData) -> None:
    assert "top_features" not in CellPaintrCorrector.fit(wells, settings()).transform(wells).obs
    fitted = CellPaintrCorrector.fit(wells, settings(top_features=2))
    corrected = fitted.transform(wells)
    assert corrected.obs["top_features"].tolist() == top_features(fitted.model(), wells, top=2)


def test_defaults_are_a_laptops() -> None:
    chosen = CellPaintrCorrectorSettings()
    assert (chosen.seed, chosen.width, chosen.depth, chosen.new_epochs, chosen.top_features) == (0, 256, 2, 10, 0)
    assert (chosen.epochs, chosen.lr, chosen.minibatch) == ([10, 10, 20], [1e-3, 3e-4, 3e-4], [64, 64, 128])
    assert (chosen.by, chosen.tokens, chosen.run) == ("auto", "group", None)
