"""A run opened again: its tokens, its features by name, and the vectors it gives."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch

from impasto import runs
from impasto.correction.cellpaintr import data, in_one_go, trained
from impasto.correction.cellpaintr.corrector import CellPaintrCorrector
from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    return simulate(Plan(sources=2, batches=1, plates=1, perturbations=6, mechanisms=3, controls=6), seed=0)[0]


@pytest.fixture(scope="module")
def fitted(wells: anndata.AnnData) -> CellPaintrCorrector:
    chosen = CellPaintrCorrectorSettings.read({"width": 8, "depth": 1, "epochs": [1, 1, 0], "top_features": 3}, where="test")
    return CellPaintrCorrector.fit(wells, chosen)


def test_tokens_are_features_or_groups() -> None:
    facts = {"features": ["a", "b", "c"], "groups": ["y", "x", "y"], "tokens": ["t2", "t1", "t2"], "sources": ["S1"]}
    small = {"width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4}
    by_group = trained.rebuild(CellPaintrSettings.read({**small, "tokens": "group"}, where="t"), facts)
    assert by_group.groups.tolist() == [1, 0, 1]
    _, tokens = by_group.encode(torch.ones(1, 3), None, torch.tensor([0]))
    assert tokens.shape[1] == 2
    by_feature = trained.rebuild(CellPaintrSettings.read({**small, "tokens": "feature"}, where="t"), facts)
    assert by_feature.encode(torch.ones(1, 3), None, torch.tensor([0]))[1].shape[1] == 3


def test_a_model_reads_its_features_by_name_and_fills_what_is_missing(wells: anndata.AnnData, fitted: CellPaintrCorrector) -> None:
    model = fitted.model()
    shuffled = wells[:, ::-1].copy()
    np.testing.assert_array_equal(model.wells(shuffled).values, wells.X)
    np.testing.assert_allclose(model.vectors(shuffled), model.vectors(wells), atol=1e-6)
    holed = wells.copy()
    holed.X[0, 0] = np.nan
    assert model.wells(holed).values[0, 0] == 0
    corrected = model.correct(wells)
    np.testing.assert_array_equal(corrected.X, model.vectors(wells))
    assert corrected.n_vars == 8
    assert corrected.obs["well"].tolist() == wells.obs["well"].tolist()
    assert not model.method.training
    assert not any(weight.requires_grad for weight in model.method.parameters())


def test_the_share_of_the_source_is_that_of_variance_by_hand(wells: anndata.AnnData, fitted: CellPaintrCorrector) -> None:
    model = fitted.model()
    both = []
    for name in model.facts["sources"]:
        moved = wells.copy()
        moved.obs["source"] = name
        both.append(model.vectors(moved).astype(np.float64))
    between = np.mean([np.var([a, b], axis=0) for a, b in zip(*both, strict=True)], axis=0).sum()
    whole = np.concatenate(both).var(axis=0).sum()
    assert model.source_share(wells) == pytest.approx(between / whole, rel=1e-6)
    assert 0 < between / whole < 1


def test_a_table_without_some_features_is_read_as_if_they_were_hidden(
    wells: anndata.AnnData, fitted: CellPaintrCorrector, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fitted.model()
    kept = [n for n, name in enumerate(wells.var_names) if n % 4]
    partial = wells[:, kept].copy()
    hidden = np.array([n % 4 == 0 for n in range(wells.n_vars)])
    assert (model.hidden(partial) == hidden).all()
    found = model.correct(partial)
    assert f"{hidden.sum()} of {wells.n_vars} features are not in the profiles" in "".join(capsys.readouterr())
    np.testing.assert_array_equal(found.X, data.in_parts(model.method, model.wells(wells), absent=hidden))
    assert not np.allclose(found.X, model.vectors(wells))
    few = model.correct(wells[:, :4].copy())
    assert "do not trust these rows" in "".join(capsys.readouterr())
    assert np.isfinite(few.X).all()
    strange = wells.copy()
    strange.var_names = [f"Other_{n}" for n in range(wells.n_vars)]
    with pytest.raises(InputError, match=r"none of which these profiles have"):
        model.correct(strange)


def test_a_run_of_another_method_is_refused(tmp_path: Path, fitted: CellPaintrCorrector) -> None:
    from safetensors.torch import save_file

    runs.write_json(tmp_path / "model.json", {"method": {"name": "wsl"}, "facts": {}})
    save_file({"w": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="holds a wsl model; correction needs a cellpaintr run"):
        trained.read(tmp_path)
    earlier = in_one_go.opened(fitted.method, fitted.facts, fitted.weights)
    runs.write_json(tmp_path / "model.json", {"method": earlier.method, "facts": earlier.facts})
    save_file(dict(earlier.weights), tmp_path / "model.safetensors")
    again = trained.Trained.load(tmp_path)
    assert again.facts == fitted.model().facts
