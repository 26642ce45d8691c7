"""The three stages in one go: lists of three, stages left out, and a token for a new source while no other weight moves."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
import torch

from impasto.correction.cellpaintr import in_one_go
from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.correction.cellpaintr.method import token_name
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    return simulate(Plan(sources=2, batches=1, plates=1, perturbations=8, mechanisms=4, controls=8), seed=0)[0]


def settings(**changes: object) -> CellPaintrCorrectorSettings:
    return CellPaintrCorrectorSettings.read(
        {"width": 8, "depth": 1, "epochs": [1, 1, 0], "minibatch": [16, 16, 16], **changes}, where="test"
    )


@pytest.mark.parametrize(("key", "values"), [("epochs", [1]), ("lr", [0.1, 0.1]), ("minibatch", [8] * 4)])
def test_lists_of_another_length_are_refused(key: str, values: list[float], wells: anndata.AnnData) -> None:
    with pytest.raises(InputError, match=f"{key} has {len(values)} values; give one for each of cwmm, intra, inter"):
        in_one_go.stages(wells, settings(**{key: values}))


def test_no_epochs_at_all_are_refused(wells: anndata.AnnData) -> None:
    with pytest.raises(InputError, match="epochs are 0 in all stages"):
        in_one_go.stages(wells, settings(epochs=[0, 0, 0]))


def test_the_last_stage_with_epochs_is_given_and_new_sources_move_nothing_else(wells: anndata.AnnData) -> None:
    run = in_one_go.stages(wells, settings())
    assert run.method["stage"] == "intra"
    assert (run.method["width"], run.method["mlp_width"], run.method["minibatch"]) == (8, 32, 16)
    new = wells[(wells.obs["source"] == "S2").to_numpy()].copy()
    new.obs["source"] = "S3"
    new.obs["split"] = "test"
    known, weights = in_one_go.with_new_sources(new, run, settings(new_epochs=2, lr=[0.1, 0.1, 0.1]))
    assert known == ["S1", "S2", "S3"]
    for name, value in run.weights.items():
        assert torch.equal(weights[name], value), name
    middle = torch.stack([run.weights[f"sources.{token_name(s)}"] for s in ("S1", "S2")]).mean(0)
    own = weights[f"sources.{token_name('S3')}"]
    assert not torch.equal(own, middle)
    _, still = in_one_go.with_new_sources(new, run, settings(new_epochs=0))
    assert torch.equal(still[f"sources.{token_name('S3')}"], middle)
    assert "split" in new.obs


def test_a_kept_model_is_an_earlier_run() -> None:
    earlier = in_one_go.opened('{"name": "cellpaintr"}', '{"sources": ["S1"]}', {"w": np.array([1.5], dtype=np.float64)})
    assert (earlier.method, earlier.facts) == ({"name": "cellpaintr"}, {"sources": ["S1"]})
    assert earlier.weights["w"].dtype == torch.float32
    assert earlier.weights["w"].tolist() == [1.5]
