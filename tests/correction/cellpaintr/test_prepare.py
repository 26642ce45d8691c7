"""Limits and scales from the training wells by hand, what is frozen, and which wells are left out."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from impasto import identity, runs
from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.method import CellPaintrSettings, token_name
from impasto.correction.cellpaintr.trained import Trained
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate
from impasto.training.earlier import Earlier


def settings(**changes: object) -> CellPaintrSettings:
    small = {"tokens": "group", "width": 8, "depth": 1, "mlp_width": 16, "filter_order": 4}
    return CellPaintrSettings.read({**small, **changes}, where="test")


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    return simulate(Plan(sources=2, batches=1, plates=1, perturbations=8, mechanisms=4, controls=4), seed=0)[0]


def test_limits_are_values_that_were_seen_and_scales_are_root_mean_squares(wells: anndata.AnnData) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, len(wells.var_names))).astype(np.float32)
    values[:, 0] = 0.0
    method = prepare.prepare(settings(quantile=0.1), wells, seed=0).method
    prepare.measure(method, values)
    ordered = np.sort(values, axis=0)
    # The place of the 10 % quantile of 50 values is 4.9: the seen value above it, and from above the one below 44.1.
    np.testing.assert_array_equal(method.low.numpy(), ordered[5])
    np.testing.assert_array_equal(method.high.numpy(), ordered[44])
    inside = np.clip(values.astype(np.float64), ordered[5], ordered[44])
    size = np.sqrt((inside**2).mean(0))
    np.testing.assert_allclose(method.scale.numpy()[1:], size[1:], rtol=1e-6)
    assert method.scale[0] == 1.0
    plain = prepare.prepare(settings(unit_scale=False), wells, seed=0).method
    assert (plain.scale == 1).all()


def test_empty_and_spared_wells_are_left_out_and_held_out_ones_validate(wells: anndata.AnnData) -> None:
    marked = wells.copy()
    marked.obs["split"] = "train"
    marked.obs.iloc[0, marked.obs.columns.get_loc("split")] = "validation"
    marked.obs.iloc[1, marked.obs.columns.get_loc("split")] = "validation"
    marked.obs["spared"] = False
    negative = np.flatnonzero(marked.obs["control_type"] == "negcon")
    spared = [row for row in negative if row > 1][:2]
    marked.obs.iloc[spared, marked.obs.columns.get_loc("spared")] = True
    prepared = prepare.prepare(settings(), marked, seed=0)
    assert len(prepared.feed.wells.values) == marked.n_obs - 4
    assert prepared.validate is not None
    assert prepared.units is not None
    assert len(prepared.units) == marked.n_obs - 4
    assert prepared.facts["sources"] == sorted(set(marked.obs["source"]))
    all_trained = marked.copy()
    all_trained.obs["split"] = "train"
    assert prepare.prepare(settings(), all_trained, seed=0).validate is None
    marked.obs["split"] = "test"
    with pytest.raises(InputError, match="0 wells are in the training part"):
        prepare.prepare(settings(), marked, seed=0)
    with pytest.raises(InputError, match="1 wells are left to learn from"):
        prepare.prepare(settings(), wells[:1].copy(), seed=0)


def test_a_new_source_begins_in_the_middle_and_alone_moves(wells: anndata.AnnData) -> None:
    first = prepare.prepare(settings(stage="intra"), wells, seed=0)
    weights = {name: value.clone() for name, value in first.method.state_dict().items()}
    known = [token_name(s) for s in first.facts["sources"]]
    for n, name in enumerate(known):
        weights[f"sources.{name}"] = torch.full((8,), 1.0 + 2 * n)
    earlier = Earlier(Path("run"), first.method.settings.model_dump(mode="json"), first.facts, weights)
    new = wells[(wells.obs["source"] == "S1").to_numpy()].copy()
    new.obs["source"] = "S3"
    with pytest.raises(InputError, match="'S3' is new to run; add it alone first"):
        prepare.prepare_from(settings(stage="intra"), new, earlier, seed=0)
    added = prepare.prepare_from(settings(stage="intra", only_new_sources=True), new, earlier, seed=0)
    own = added.method.sources[token_name("S3")]
    assert own.tolist() == [2.0] * 8
    assert added.fresh == (f"sources.{token_name('S3')}",)
    moving = [name for name, weight in added.method.named_parameters() if weight.requires_grad]
    assert moving == [f"sources.{token_name('S3')}"]
    assert added.facts["sources"] == [*first.facts["sources"], "S3"]
    with pytest.raises(InputError, match="hold no source that the earlier run does not know"):
        prepare.prepare_from(settings(stage="intra", only_new_sources=True), wells, earlier, seed=0)
    with pytest.raises(InputError, match="stage cwmm trains no source tokens"):
        prepare.prepare_from(settings(stage="cwmm", only_new_sources=True), new, earlier, seed=0)
    with pytest.raises(InputError, match="needs a run that knows other sources"):
        prepare.prepare(settings(only_new_sources=True), wells, seed=0)


@pytest.mark.parametrize(("stage", "moves"), [("cwmm", False), ("intra", True), ("inter", True)])
def test_source_tokens_rest_in_stage_cwmm_only(stage: str, moves: bool, wells: anndata.AnnData) -> None:
    method = prepare.prepare(settings(stage=stage), wells, seed=0).method
    assert {token.requires_grad for token in method.sources.values()} == {moves}
    assert method.head.weight.requires_grad


def test_what_a_run_embeds_is_corrected_and_says_which_run_and_which_profiles_made_it(wells: anndata.AnnData, tmp_path: Path) -> None:
    made = prepare.prepare(settings(), wells, seed=0)
    run = tmp_path / "run"
    run.mkdir()
    runs.write_json(run / "model.json", {"method": made.method.settings.model_dump(mode="json"), "facts": made.facts})
    save_file(dict(made.method.state_dict()), run / "model.safetensors")
    read = wells.copy()
    identity.put(read, identity.Identity({"name": "intensity"}, ({"method": "standardize"},), None))
    corrected = prepare.embed(run, read)
    np.testing.assert_array_equal(corrected.X, Trained.load(run).correct(wells).X)
    made_by = identity.of(corrected)
    assert (made_by.encoder, made_by.steps) == (identity.of(read).encoder, identity.of(read).steps)
    assert made_by.run == {"name": "run", "path": str(run.resolve()), "sha256": runs.digest(run / "model.safetensors")}
    assert prepare.METHOD.embed is prepare.embed


def test_profiles_of_another_encoder_or_correction_are_not_read_by_a_run(wells: anndata.AnnData, tmp_path: Path) -> None:
    made = prepare.prepare(settings(), wells, seed=0)
    run = tmp_path / "run"
    run.mkdir()
    of_run = identity.Identity({"name": "intensity"}, ({"method": "standardize"},), None)
    facts = {**made.facts, "identity": of_run.record()}
    runs.write_json(run / "model.json", {"method": made.method.settings.model_dump(mode="json"), "facts": facts})
    save_file(dict(made.method.state_dict()), run / "model.safetensors")
    read = wells.copy()
    identity.put(read, of_run)
    assert prepare.embed(run, read).n_obs == wells.n_obs
    for other in (identity.Identity({"name": "random"}, of_run.steps), identity.Identity(of_run.encoder, ())):
        identity.put(read, other)
        with pytest.raises(InputError, match=r"of the run .*run is .*, that of the profiles is"):
            prepare.embed(run, read)
