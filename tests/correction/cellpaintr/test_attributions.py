"""Attributions by hand: gradient times difference, checked by finite differences in float64."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
import torch

from impasto.correction.cellpaintr import attributions, prepare
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.correction.cellpaintr.trained import Trained
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    whole = simulate(Plan(sources=2, batches=1, plates=1, perturbations=4, mechanisms=2, controls=3), seed=0)[0]
    return whole[:, :6].copy()


@pytest.fixture(scope="module")
def model(wells: anndata.AnnData) -> Trained:
    chosen = CellPaintrSettings.read(
        {"tokens": "group", "width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4, "split": {"validation": 0, "test": 0}}, where="t"
    )
    prepared = prepare.prepare(chosen, wells, seed=0)
    method = prepared.method.double()
    with torch.no_grad():
        for n, token in enumerate(method.sources.values()):
            token.copy_(torch.linspace(-1, 1, 8) * (n + 1))
    return Trained.rebuilt(chosen.model_dump(mode="json"), prepared.facts, method.float().state_dict(), where="test")


def test_a_share_is_the_difference_times_the_slope_of_the_distance(wells: anndata.AnnData, model: Trained) -> None:
    shares = attributions.attributions(model, wells, rows=3)
    np.testing.assert_allclose(shares, attributions.attributions(model, wells), atol=1e-6)
    exact = model.method.double()
    read = model.wells(wells)
    scaled = exact.scaled(torch.as_tensor(read.values).double())
    negative = (wells.obs["control_type"] == "negcon").to_numpy()
    checked = [np.flatnonzero((read.source == code) & ~negative)[0] for code in (0, 1)]

    def distance(values: torch.Tensor, code: int, centre: np.ndarray) -> float:
        with torch.no_grad():
            h = exact.encode(values[None], None, torch.tensor([code]))[0][0].numpy()
        return float(1 - h @ centre / np.linalg.norm(h))

    for row in checked:
        code = int(read.source[row])
        own = np.flatnonzero((read.source == code) & negative)
        with torch.no_grad():
            h = exact.encode(scaled[own], None, torch.full((len(own),), code))[0].numpy()
        centre = (h / np.linalg.norm(h, axis=1, keepdims=True)).mean(0)
        centre /= np.linalg.norm(centre)
        middle = scaled[own].mean(0)
        for feature in range(6):
            up, down = scaled[row].clone(), scaled[row].clone()
            up[feature] += 1e-4
            down[feature] -= 1e-4
            slope = (distance(up, code, centre) - distance(down, code, centre)) / 2e-4
            assert shares[row, feature] == pytest.approx(float(scaled[row, feature] - middle[feature]) * slope, rel=2e-3, abs=2e-6)
    model.method.float()


def test_the_largest_shares_are_named(wells: anndata.AnnData, model: Trained) -> None:
    shares = attributions.attributions(model, wells)
    names = np.asarray(wells.var_names)
    best = attributions.top_features(model, wells, top=2)
    for row in range(wells.n_obs):
        ordered = sorted(range(6), key=lambda i: -abs(shares[row, i]))
        assert best[row] == "|".join(names[ordered[:2]])
    table = attributions.by_perturbation(model, wells, top=3)
    assert "DMSO" not in set(table["perturbation"])
    for name, part in table.groupby("perturbation"):
        mean = shares[(wells.obs["perturbation"] == name).to_numpy()].mean(0)
        ordered = sorted(range(6), key=lambda i: -abs(mean[i]))[:3]
        assert part["feature"].tolist() == names[ordered].tolist()
        np.testing.assert_allclose(part["attribution"], mean[ordered], rtol=1e-5)


def test_a_source_without_controls_is_a_sentence(wells: anndata.AnnData, model: Trained) -> None:
    bare = wells[~((wells.obs["source"] == "S2") & (wells.obs["control_type"] == "negcon")).to_numpy()].copy()
    with pytest.raises(InputError, match="source 'S2' has no negative controls"):
        attributions.attributions(model, bare)
