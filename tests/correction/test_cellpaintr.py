"""CellPainTR: stages change what they say and nothing else, sources are added without touching others, runs correct new plates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anndata
import numpy as np
import pytest
import torch

from impasto import profiles as tables
from impasto import runs
from impasto.correction import CORRECTORS, kept
from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.attributions import attributions, by_perturbation
from impasto.correction.cellpaintr.corrector import CellPaintrCorrector, CellPaintrCorrectorSettings
from impasto.correction.cellpaintr.data import Labelled, feature_groups, in_parts
from impasto.correction.cellpaintr.method import CellPaintrSettings, token_name
from impasto.correction.cellpaintr.trained import Trained
from impasto.correction.spared import spare_controls
from impasto.sampling.settings import SplitSettings
from impasto.sampling.splits import with_controls
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate
from impasto.training import checkpoint
from impasto.training.earlier import Earlier
from impasto.training.loop import fit
from impasto.training.settings import LoopSettings, OptimSettings
from impasto.wells import learnable, negative

SMALL = {"tokens": "group", "width": 16, "depth": 1, "mlp_width": 32, "filter_order": 8}


@pytest.fixture(scope="module")
def wells() -> anndata.AnnData:
    plan = Plan(sources=3, batches=1, plates=1, perturbations=12, mechanisms=4, controls=8)
    return simulate(plan, seed=0)[0]


def settings(**changes: object) -> CellPaintrSettings:
    return CellPaintrSettings.read({**SMALL, **changes}, where="test")


def trained(
    wells: anndata.AnnData, out: Path, chosen: CellPaintrSettings, *, epochs: int = 2, start: Path | None = None, seed: int = 0
) -> Path:
    if start is None:
        prepared = prepare.prepare(chosen, wells, seed=seed)
    else:
        earlier = Earlier.read(start)
        prepared = prepare.prepare_from(chosen, wells, earlier, seed=seed)
        checkpoint.put(prepared.method, earlier.weights, where="start", fresh=prepared.fresh)
    runs.write_json(out / "model.json", {"method": chosen.model_dump(mode="json"), "facts": prepared.facts})
    loop = LoopSettings(epochs=epochs, optim=OptimSettings(lr=1e-2, weight_decay=0.1))
    fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
    return out


@pytest.fixture(scope="module")
def first(wells: anndata.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(wells, tmp_path_factory.mktemp("run") / "cwmm", settings(stage="cwmm"))


def test_groups_are_channel_by_compartment(wells: anndata.AnnData) -> None:
    names = [f"{c}_Texture_Contrast_{d}" for c in ("Cells", "Nuclei", "Cytoplasm") for d in ("DNA", "ER", "RNA", "AGP", "Mito")]
    names += ["Cells_Correlation_K_DNA_ER", "Cells_AreaShape_Area", "Cells_Texture_Variance_DNA"]
    found = feature_groups(tables.describe_features(names), measures=False)
    assert len(set(found)) == 17
    assert found[0] == found[-1]


def test_stage_cwmm_trains_all_but_the_source_tokens(wells: anndata.AnnData, first: Path) -> None:
    untrained = prepare.prepare(settings(stage="cwmm"), wells, seed=0).method.state_dict()
    after = Earlier.read(first).weights
    for name, weight in after.items():
        moved = not torch.equal(weight, untrained[name])
        # The third layer's bias of the readout and buffers of preprocessing are measured, not trained.
        assert moved != (name.startswith("sources.") or name in {"low", "high", "scale"}), name


def test_the_first_epoch_of_intra_trains_the_source_tokens_and_nothing_else(wells: anndata.AnnData, first: Path, tmp_path: Path) -> None:
    before = Earlier.read(first).weights
    one = Earlier.read(trained(wells, tmp_path / "one", settings(stage="intra"), epochs=1, start=first)).weights
    two = Earlier.read(trained(wells, tmp_path / "two", settings(stage="intra"), epochs=2, start=first)).weights
    for name in before:
        assert torch.equal(before[name], one[name]) != name.startswith("sources."), name
    assert sum(not torch.equal(before[name], two[name]) for name in before) > 10


def test_a_killed_run_goes_on_to_the_same_bytes(
    wells: anndata.AnnData, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(stage="intra")
    whole = trained(wells, tmp_path / "whole", chosen, epochs=3, start=first)
    from impasto.correction.cellpaintr.data import WellFeed

    own = WellFeed.minibatch

    def stops(self: WellFeed, rows: np.ndarray, /, *, epoch: int) -> object:
        if epoch == 1:
            raise KeyboardInterrupt
        return own(self, rows, epoch=epoch)

    monkeypatch.setattr(WellFeed, "minibatch", stops)
    with pytest.raises(KeyboardInterrupt):
        trained(wells, tmp_path / "killed", chosen, epochs=3, start=first)
    monkeypatch.setattr(WellFeed, "minibatch", own)
    killed = trained(wells, tmp_path / "killed", chosen, epochs=3, start=first)
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_minibatches_follow_the_stage(wells: anndata.AnnData) -> None:
    for stage, alone in (("intra", True), ("inter", False)):
        feed = prepare.prepare(settings(stage=stage, minibatch=24), wells, seed=0).feed
        for rows in feed.epoch(0):
            minibatch = feed.minibatch(rows, epoch=0)
            assert (len(set(minibatch.source.tolist())) == 1) == alone
            assert not minibatch.masked[minibatch.values == 0].any()
            if not alone:  # three wells of each compound in all: each has its like beside it
                assert all((minibatch.label == code).sum() > 1 for code in set(minibatch.label.tolist()))


def test_a_fitted_corrector_learns_a_new_source_from_its_own_wells(wells: anndata.AnnData, tmp_path: Path) -> None:
    source = wells.obs["source"].astype(str).to_numpy()
    names = sorted(set(source))
    old, new = wells[source != names[2]].copy(), wells[source == names[2]].copy()
    chosen = CellPaintrCorrectorSettings(by="source", width=16, depth=1, epochs=[1, 1, 1], minibatch=[12, 12, 12], new_epochs=2)
    fitted = CellPaintrCorrector.fit(old, chosen)
    assert fitted.extended(old) is fitted
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    with pytest.raises(InputError, match="add it with a train stage"):
        again.transform(new)
    more = again.extended(new)
    assert set(more.seen_in_fit()) - set(again.seen_in_fit()) == {names[2]}
    assert np.isfinite(more.transform(new).X).all()
    assert np.array_equal(more.transform(old).X, fitted.transform(old).X)
    token = f"sources.{token_name(names[2])}"
    assert {name for name in more.weights if name not in fitted.weights} == {token}
    middle = np.mean([fitted.weights[f"sources.{token_name(n)}"] for n in names[:2]], axis=0)
    assert not np.allclose(more.weights[token], middle, atol=1e-7)
    assert all(np.array_equal(more.weights[name], weight) for name, weight in fitted.weights.items())
    # A source that a split holds out as a whole is learned too.
    marked = new.copy()
    marked.obs["split"] = "test"
    assert np.array_equal(again.extended(marked).weights[token], more.weights[token])


def test_adding_a_source_leaves_the_others_bit_for_bit(wells: anndata.AnnData, tmp_path: Path) -> None:
    source = wells.obs["source"].astype(str).to_numpy()
    names = sorted(set(source))
    old, new = wells[source != names[2]].copy(), wells[source == names[2]].copy()
    known = trained(old, tmp_path / "known", settings(stage="inter"), epochs=1)
    with pytest.raises(InputError, match="add it with a train stage"):
        Trained.load(known).correct(new)
    with pytest.raises(InputError, match="only_new_sources = true"):
        trained(wells, tmp_path / "refused", settings(stage="inter"), start=known)
    more = trained(wells, tmp_path / "more", settings(stage="inter", only_new_sources=True), epochs=2, start=known)
    before, after = Earlier.read(known).weights, Earlier.read(more).weights
    assert set(after) - set(before) == {f"sources.of {names[2]}"}
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert np.array_equal(Trained.load(known).correct(old).X, Trained.load(more).correct(old).X)
    middle = torch.stack([before[f"sources.of {n}"] for n in names[:2]]).mean(0)
    assert not torch.equal(after[f"sources.of {names[2]}"], middle)
    assert Trained.load(more).correct(new).n_obs == new.n_obs


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": "feature"},
        {"tokens": "feature", "adapter": "shared", "recompute": "mlp"},
        {"mixer": "attention", "heads": 2},
        {"order": 3},
    ],
)
def test_every_shape_of_the_model_trains(wells: anndata.AnnData, changes: dict[str, object]) -> None:
    prepared = prepare.prepare(settings(stage="inter", **changes), wells, seed=0)
    prepared.method.train()
    step = prepared.method(prepared.feed.minibatch(prepared.feed.epoch(0)[0], epoch=0))
    step.loss.backward()
    assert set(step.terms) == {"masked_features", "supcon"}
    for name, weight in prepared.method.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
    tokens = wells.n_vars if changes.get("tokens") == "feature" else len(set(prepared.facts["tokens"]))
    assert len(prepared.method.net.tokens.context) == tokens


def test_missing_values_are_zero_counted_and_never_asked_for(wells: anndata.AnnData) -> None:
    holed = wells.copy()
    holed.X[0, 3], holed.X[5, 7] = np.nan, np.inf
    prepared = prepare.prepare(settings(), holed, seed=0)
    assert prepared.facts["missing_values_set_to_zero"] == 2
    for rows in prepared.feed.epoch(0):
        minibatch = prepared.feed.minibatch(rows, epoch=0)
        assert not minibatch.masked[minibatch.values == 0].any()
        assert torch.isfinite(prepared.method(minibatch).loss)


@pytest.mark.parametrize("stage", ["cwmm", "intra"])
def test_ranks_hide_what_one_process_hides(wells: anndata.AnnData, stage: str) -> None:
    feed = prepare.prepare(settings(stage=stage), wells, seed=0).feed
    for rows in feed.epoch(3):
        whole = feed.minibatch(rows, epoch=3)
        for rank in (0, 1):
            mine = feed.minibatch(rows[rank::2], epoch=3)
            assert torch.equal(mine.masked, whole.masked[rank::2])
            assert torch.equal(mine.values, whole.values[rank::2])


def test_values_are_clipped_feature_by_feature(wells: anndata.AnnData) -> None:
    wild = wells.copy()
    wild.X[4, 2] = 3e5
    method = prepare.prepare(settings(), wild, seed=0).method
    assert float(method.high[2]) < 3e5 / 10
    scaled = method.scaled(torch.as_tensor(wild.X))
    assert float(scaled.abs().max()) < 50
    rms = scaled.square().mean(dim=0).sqrt()
    torch.testing.assert_close(rms, torch.ones_like(rms), rtol=0.05, atol=0.05)


def test_held_out_perturbations_and_spared_controls_are_not_learned_from(wells: anndata.AnnData) -> None:
    marked = spare_controls(wells, share=0.5, seed=0)
    marked.obs["split"] = with_controls(marked, SplitSettings(validation=0.2, test=0.3), seed=0)
    prepared = prepare.prepare(settings(stage="inter"), marked, seed=0)
    held = set(marked.obs.loc[marked.obs["split"] != "train", "perturbation"])
    assert len(prepared.feed.wells.values) == (marked.obs["split"] == "train").sum() - marked.obs["spared"].sum()
    assert held == {*prepared.facts["split"]["validation"], *prepared.facts["split"]["test"]}
    assert not held & set(prepared.facts["split"]["train"])
    scores = prepared.validate(prepared.method.eval())
    assert 0 < scores["score"] <= 1
    assert 0 < scores["chance"] < 1
    assert learnable(marked.obs).sum() == len(prepared.feed.wells.values)


def test_a_run_and_one_go_are_correctors_that_can_be_kept(wells: anndata.AnnData, first: Path, tmp_path: Path) -> None:
    assert CORRECTORS["cellpaintr"] is CellPaintrCorrector
    quick = CellPaintrCorrectorSettings(width=16, depth=1, epochs=[2, 1, 1], top_features=3)
    for chosen in (CellPaintrCorrectorSettings(run=first), quick):
        fitted = CellPaintrCorrector.fit(wells, chosen)
        corrected = fitted.transform(wells)
        assert corrected.shape == (wells.n_obs, 16)
        assert list(corrected.obs["well"]) == list(wells.obs["well"])
        assert corrected.X.std() > 0
        kept.save(tmp_path / "kept", [fitted])
        (again,) = kept.load(tmp_path / "kept")
        assert np.array_equal(again.transform(wells).X, corrected.X)
    assert set(corrected.obs["top_features"].iloc[0].split("|")) <= set(wells.var_names)
    half = wells[::2].copy()
    np.testing.assert_allclose(fitted.transform(half).X, corrected.X[::2], rtol=1e-4, atol=1e-5)


def test_attributions_are_the_gradient_and_name_features(wells: anndata.AnnData, first: Path) -> None:
    model = Trained.load(first)
    found = attributions(model, wells)
    assert found.shape == (wells.n_obs, wells.n_vars)
    # A finite difference of the distance, one feature of one well.
    method, read = model.method.double(), model.wells(wells)
    control = negative(wells.obs) & (read.source == read.source[5])
    scaled = method.scaled(torch.as_tensor(read.values).double())
    code = torch.tensor([int(read.source[5])])

    def direction(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(method.encode(x, None, code.expand(len(x)))[0], dim=1)

    with torch.no_grad():
        centre = torch.nn.functional.normalize(direction(scaled[control]).mean(0), dim=0)
        for i in (0, 17):
            sides = []
            for step in (1e-4, -1e-4):
                moved = scaled[5:6].clone()
                moved[0, i] += step
                sides.append(float(1 - direction(moved)[0] @ centre))
            expected = (sides[0] - sides[1]) / 2e-4 * float(scaled[5, i] - scaled[control][:, i].mean())
            assert found[5, i] == pytest.approx(expected, rel=1e-2, abs=1e-6)
    model.method.float()
    told = by_perturbation(model, wells, top=4)
    assert (told.groupby("perturbation").size() == 4).all()
    assert set(told["channel"]) <= {"", *(c for v in wells.var["channel"] for c in [v])}


def test_bad_input_is_a_sentence(wells: anndata.AnnData, first: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only_new_sources needs a run"):
        prepare.prepare(settings(stage="inter", only_new_sources=True), wells, seed=0)
    others = wells.copy()
    others.var_names = [f"{name}_of_another_pipeline" for name in others.var_names]
    with pytest.raises(InputError, match="none of which these profiles have"):
        Trained.load(first).correct(others)
    with pytest.raises(InputError, match="nothing to fit"):
        CellPaintrCorrector.fit(wells, CellPaintrCorrectorSettings(epochs=[0, 0, 0]))
    with pytest.raises(InputError, match="give one for each of cwmm, intra, inter"):
        CellPaintrCorrector.fit(wells, CellPaintrCorrectorSettings(epochs=[1]))
    treated = wells[~negative(wells.obs)].copy()
    with pytest.raises(InputError, match="no negative controls to differ from"):
        attributions(Trained.load(first), treated)


def test_padding_of_parts_changes_nothing(wells: anndata.AnnData, first: Path) -> None:
    model = Trained.load(first)
    read = model.wells(wells)
    whole, pieces = in_parts(model.method, read, rows=1000), in_parts(model.method, read, rows=7)
    np.testing.assert_allclose(whole, pieces, rtol=1e-4, atol=1e-5)
    assert isinstance(read, Labelled)
    assert dataclasses.is_dataclass(read)
