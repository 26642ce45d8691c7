"""A folder of plates is corrected to the bits of the table, whatever is killed or bad on the way."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest
from tests.correction.plated import plates

import impasto as im
from impasto import dataset, identity, need
from impasto.correction import CORRECTORS, by_plate, kept, plate_plan
from impasto.correction.steps import correct, correct_dataset
from impasto.failures import Unfinished
from impasto.sampling.settings import SplitSettings
from impasto.scale import sums, where
from impasto.schema import InputError


def table(*, count: int = 5, holes: bool = False, width: int = 12) -> anndata.AnnData:
    data = plates(plates=count, wells=40, controls=20, width=width)
    data.obs["batch"] = [f"B{int(plate[1:]) // 2}" for plate in data.obs["plate"]]
    data.obs["source"] = "S"
    data.obs["cell_count"] = np.random.default_rng(1).poisson(100, data.n_obs)
    data.X[:, 7] = data.X[:, 3] + 1e-4 * data.X[:, 5]  # a near copy
    if holes:
        data.X[[0, 50, 51], 2] = np.nan
        data.X[60, 4] = np.inf
    return data


def written(data: anndata.AnnData, tmp_path: Path) -> dataset.Dataset:
    im.write(data, tmp_path / "raw.plates")
    return im.open(tmp_path / "raw.plates")


def bytes_of(folder: Path) -> dict[Path, bytes]:
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


ARMS = Path(__file__).with_name("arms.csv")
CHAINS: list[list[Any]] = [
    ["clip"],
    ["standardize"],
    [{"method": "standardize", "on": "all", "confounded": True, "statistic": "mean"}, "clip"],
    [{"method": "inverse_normal", "confounded": True}],
    ["position"],
    [{"method": "standardize", "by": "batch"}],
    [{"method": "standardize", "by": "source"}, {"method": "position", "on": "controls"}],
    ["sphering"],
    [{"method": "sphering", "by": "plate"}],
    [{"method": "sphering", "form": "ZCA", "on": "all"}],
    ["tvn"],
    [{"method": "tvn", "by": "batch", "coral": "efaar", "components": 5}],
    ["combat"],
    [{"method": "combat", "by": "batch"}],
    ["kernel_pca"],
    [{"method": "kernel_pca", "by": "batch"}],
    [{"method": "compress", "components": 4}],
    [{"method": "compress", "on": "controls"}, {"method": "harmony", "by": "plate"}],
    [{"method": "standardize", "by": "all"}],
    [{"method": "arm", "arms": str(ARMS), "least": 1}],
    ["standardize", "clip", "sphering", {"method": "combat", "confounded": True}],
]


@pytest.mark.parametrize("chunk", [2, 64])
@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_a_folder_of_plates_gives_the_bits_of_the_table(
    chain: list[Any], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "CHUNK", chunk)
    monkeypatch.setattr("impasto.correction.receipt_sums.CHUNK", chunk)
    source = written(table(), tmp_path)
    after, _, receipt = correct(source.to_anndata(), chain, spare=0.5, seed=3)
    _, own = correct_dataset(source, chain, tmp_path / "out.plates", spare=0.5, seed=3)
    back = im.read(tmp_path / "out.plates")
    np.testing.assert_array_equal(back.X, after.X)
    assert back.obs.reset_index(drop=True).equals(after.obs.reset_index(drop=True))
    assert list(back.var_names) == list(after.var_names)
    assert identity.of(back) == identity.of(after)
    assert own == receipt
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_features_with_holes_are_filled_and_selected_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "CHUNK", 2)
    source = written(table(holes=True), tmp_path)
    after, (step, *_), _ = correct(source.to_anndata(), ["select", "standardize"])
    fitted, _ = correct_dataset(source, ["select", "standardize"], tmp_path / "out.plates")
    np.testing.assert_array_equal(im.read(tmp_path / "out.plates").X, after.X)
    assert fitted[0].kept == step.kept
    x = source.to_anndata().X[:, 2].astype(np.float64)
    assert fitted[0].filling[list(step.kept).index(source.features.index[2])] == np.nanmedian(x)


def test_held_out_wells_and_plates_are_learned_from_by_nothing(tmp_path: Path) -> None:
    data = table()
    data.obs["split"] = np.where(data.obs["plate"] == "P4", "test", "train")
    source = written(data, tmp_path)
    for chain in (["standardize", "sphering"], ["tvn"], ["combat"]):
        after, _, _ = correct(source.to_anndata(), chain)
        correct_dataset(source, chain, tmp_path / f"{chain[0]}.plates")
        np.testing.assert_array_equal(im.read(tmp_path / f"{chain[0]}.plates").X, after.X)
    split = SplitSettings(by="plate", test=0.3, validation=0.0)
    after, _, _ = correct(source.to_anndata(), ["standardize"], split=split, seed=1)
    correct_dataset(source, ["standardize"], tmp_path / "split.plates", split=split, seed=1)
    assert im.read(tmp_path / "split.plates").obs["split"].tolist() == after.obs["split"].tolist()


def test_held_out_wells_of_a_plate_teach_its_own_part_nothing(tmp_path: Path) -> None:
    data = table(count=3)
    data.obs["split"] = np.where(np.arange(data.n_obs) % 3 == 0, "test", "train")
    source = written(data, tmp_path)
    for number, chain in enumerate(
        ([{"method": "standardize", "on": "all", "confounded": True, "statistic": "mean"}], ["tvn"], ["combat"])
    ):
        after, _, _ = correct(source.to_anndata(), chain)
        correct_dataset(source, chain, tmp_path / f"{number}.plates")
        np.testing.assert_array_equal(im.read(tmp_path / f"{number}.plates").X, after.X)


@pytest.mark.parametrize("chain", [["select", "standardize", "sphering"], ["tvn"], [{"method": "standardize", "by": "batch"}]], ids=str)
def test_fitted_steps_are_applied_to_next_months_plates(chain: list[Any], tmp_path: Path) -> None:
    data = table()
    old = data[data.obs["plate"].isin(["P0", "P1"]).to_numpy()].copy()
    new = data[~data.obs["plate"].isin(["P0", "P1"]).to_numpy()].copy()
    (tmp_path / "old").mkdir()
    fitted, _ = correct_dataset(written(old, tmp_path / "old"), chain, tmp_path / "old.plates")
    kept.save(tmp_path / "fitted", fitted)
    source = written(new, tmp_path)
    after, _, _ = correct(source.to_anndata(), fitted=tmp_path / "fitted")
    correct_dataset(source, [], tmp_path / "new.plates", fitted=tmp_path / "fitted")
    np.testing.assert_array_equal(im.read(tmp_path / "new.plates").X, after.X)


def test_a_plate_without_controls_is_left_out_with_its_reason(tmp_path: Path) -> None:
    data = table(count=4)
    data.obs.loc[data.obs["plate"] == "P2", "control_type"] = "trt"
    source = written(data, tmp_path)
    for chain in (["standardize"], ["tvn"], [{"method": "standardize", "by": "batch"}, "sphering"]):
        out = tmp_path / "out.plates"
        if chain[0] == "tvn":
            out = tmp_path / "tvn.plates"
        if isinstance(chain[0], dict):
            out = tmp_path / "batch.plates"
        correct_dataset(source, chain, out)
        corrected = im.open(out)
        if isinstance(chain[0], dict):
            assert len(corrected) == 4, "its batch has controls"
            continue
        assert [key.plate for key in corrected.keys] == ["P0", "P1", "P3"]
        (bad,) = corrected.quarantined
        assert bad["plate"] == "S/B1/P2"
        assert "hold 0 negative controls" in bad["reason"]
        rest = data[(data.obs["plate"] != "P2").to_numpy()].copy()
        np.testing.assert_array_equal(im.read(out).X, correct(rest, chain)[0].X)


def test_a_plate_that_is_cut_is_left_out_and_several_are_refused(tmp_path: Path) -> None:
    source = written(table(), tmp_path)
    files = [source.folder / file for file in source.members["file"]]
    files[1].write_bytes(files[1].read_bytes()[:-200])
    correct_dataset(source, ["select", "standardize", "sphering"], tmp_path / "out.plates")
    assert [key.plate for key in im.open(tmp_path / "out.plates").keys] == ["P0", "P2", "P3", "P4"]
    files[3].unlink()
    with pytest.raises(InputError, match=r"2 of 5 plates failed, and 1 may; the first, plate-00001: .* cannot be read"):
        correct_dataset(source, ["standardize"], tmp_path / "other.plates")
    assert not (tmp_path / "other.plates").exists()
    with pytest.raises(InputError, match=r"needs all rows at once|cannot be read"):
        correct_dataset(source, ["kernel_pca"], tmp_path / "kernel.plates")


def test_a_plate_of_one_well_and_a_batch_of_one_plate(tmp_path: Path) -> None:
    data = table(count=3)
    alone = (data.obs["plate"] == "P2").to_numpy()
    data = data[~alone | (np.arange(data.n_obs) == np.flatnonzero(alone)[0])].copy()
    source = written(data, tmp_path)
    correct_dataset(source, ["clip", "sphering"], tmp_path / "out.plates")
    np.testing.assert_array_equal(im.read(tmp_path / "out.plates").X, correct(source.to_anndata(), ["clip", "sphering"])[0].X)


def test_what_is_refused_for_the_table_is_refused_for_the_folder(tmp_path: Path) -> None:
    data = table(count=3)
    data.obs["perturbation"] = data.obs["plate"] + data.obs["perturbation"]
    data.obs["control_type"] = "trt"
    source = written(data, tmp_path)
    for chain, sentence in (
        (["combat"], "shares no perturbation or control"),
        (["sphering"], "hold 0 negative controls, at least 3 are needed"),
        ([{"method": "select", "missing": 0.0, "variance": 1e9}], "select keeps none of the 12 features"),
        (["standardise"], "unknown correction method"),
        ([], "needs either steps"),
    ):
        with pytest.raises((InputError, Unfinished), match=sentence):
            correct_dataset(source, chain, tmp_path / "out.plates")
        assert not (tmp_path / "out.plates").exists()


def test_plates_with_holes_name_the_step_that_helps(tmp_path: Path) -> None:
    data = table(count=3)
    data.X[::40, 1] = np.nan
    source = written(data, tmp_path)
    for chain in (["sphering"], ["standardize"], [{"method": "standardize", "by": "batch"}], ["compress"]):
        with pytest.raises(InputError, match=r"of 3 plates|no plate can be corrected"):
            correct_dataset(source, chain, tmp_path / "out.plates")
        with pytest.raises(InputError, match="drop or fill them first: impasto correct PROFILES --method select"):
            correct_dataset(source, chain, tmp_path / "out.plates")
    correct_dataset(source, ["select", "sphering"], tmp_path / "out.plates")


def test_a_step_that_holds_all_that_it_needs_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(table(), tmp_path)
    # 50 controls of 12 features, 12 bytes each; three squares of 50 in 8 bytes: 67,200.
    monkeypatch.setattr("impasto.machine.held_memory", lambda: 0)
    monkeypatch.setattr("impasto.machine.free_memory", lambda: 130_000)
    with pytest.raises(
        Unfinished, match=r"plates: kernel_pca on 50 rows at once needs under 0\.1 GB of memory, and under 0\.1 GB are free"
    ):
        correct_dataset(source, ["kernel_pca"], tmp_path / "out.plates", spare=0.5)
    token = need.FORCE.set(True)
    correct_dataset(source, ["kernel_pca"], tmp_path / "out.plates", spare=0.5)  # nothing keeps the refusal
    need.FORCE.reset(token)
    monkeypatch.setattr("impasto.machine.free_memory", lambda: 140_000)
    correct_dataset(source, ["kernel_pca"], tmp_path / "other.plates", spare=0.5)
    monkeypatch.setattr("impasto.machine.free_memory", lambda: 1000)
    chain = [{"method": "standardize", "by": "all"}, {"method": "compress", "components": 3}, {"method": "harmony", "by": "plate"}]
    correct_dataset(source, chain, tmp_path / "bounded.plates")


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(table(), tmp_path)
    correct_dataset(source, ["standardize", "sphering"], tmp_path / "whole.plates")

    class Stop(BaseException):
        pass

    calls = 0
    real = dataset.write_member

    def stopping(profiles: anndata.AnnData, path: Path) -> dataset.Facts:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stop
        return real(profiles, path)

    monkeypatch.setattr(dataset, "write_member", stopping)
    with pytest.raises(Stop):
        correct_dataset(source, ["standardize", "sphering"], tmp_path / "out.plates")
    work = by_plate.work_folder(tmp_path / "out.plates")
    assert len(list((work / "plates").iterdir())) == 2
    monkeypatch.setattr(dataset, "write_member", real)
    times = {p: p.stat().st_mtime_ns for p in (work / "receipts").iterdir()}
    correct_dataset(source, ["standardize", "sphering"], tmp_path / "out.plates")
    assert times
    one, other = bytes_of(tmp_path / "whole.plates"), bytes_of(tmp_path / "out.plates")
    assert one == other
    assert not work.exists()


def test_two_workers_leave_the_bytes_of_one_process(tmp_path: Path) -> None:
    source = written(table(), tmp_path)
    correct_dataset(source, ["standardize", "sphering"], tmp_path / "one.plates")
    correct_dataset(source, ["standardize", "sphering"], tmp_path / "two.plates", where=where.read("local:2"))
    one, other = bytes_of(tmp_path / "one.plates"), bytes_of(tmp_path / "two.plates")
    assert one == other


def test_the_plan_names_each_plate_once_and_its_chunks(tmp_path: Path) -> None:
    source = written(table(), tmp_path)
    builder = plate_plan.Builder(source, {"steps": [], "new": False}, ("x",), [k.name for k in source.keys])
    kind = CORRECTORS["sphering"]
    builder.add_step(0, kind, kind.settings_class())
    builder.add_plates()
    assert [(phase.unit, len(phase.shards)) for phase in builder.phases] == [
        *[("chunk", 1), ("shard", 1), ("step", 1), ("shard", 1), ("plate", 5), ("shard", 1), ("chunk", 1), ("shard", 1)]
    ]
    assert json.dumps([shard.arguments for phase in builder.phases for shard in phase.shards])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["slurm", "ray:2"])
def test_a_cluster_leaves_the_bytes_of_one_process(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "cluster"
    (home / "bin").mkdir(parents=True)
    stand_in = Path(__file__).resolve().parents[1] / "scale" / "sbatch.py"
    (home / "bin" / "sbatch").write_text(f'#!/bin/bash\nexec {sys.executable} {stand_in} "$@"\n')
    (home / "bin" / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(home))
    monkeypatch.setenv("FAKE_SLURM_KILL", "0")
    if engine.startswith("ray"):
        pytest.importorskip("ray")
    source = written(table(count=6), tmp_path)
    chain = ["select", "standardize", "sphering"]
    correct_dataset(source, chain, tmp_path / "one.plates")
    correct_dataset(source, chain, tmp_path / "two.plates", where=where.read(engine))
    assert bytes_of(tmp_path / "one.plates") == bytes_of(tmp_path / "two.plates")
