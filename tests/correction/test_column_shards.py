"""What is learned of all rows, or of a batch, from files of columns is what is learned of the table, bit for bit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata
import numpy as np
import pytest
from tests.correction.plated import plates
from tests.correction.test_by_plate import bytes_of, written

import impasto as im
from impasto import mapped, safe_arrays, wells
from impasto.correction import by_plate, column_shards, kept, matrix_shards, plate_shards
from impasto.correction.steps import correct, correct_dataset
from impasto.scale import columns, sums, where
from impasto.schema import InputError


def ragged(*, width: int = 73, seed: int = 0) -> anndata.AnnData:
    """Plates of 40, 17, 40, 1, 33 and 40 wells in three batches, with ties, and a feature that no control shows to vary."""
    data = plates(plates=6, wells=40, controls=15, width=width, seed=seed)
    keep = {"P0": 40, "P1": 17, "P2": 40, "P3": 1, "P4": 33, "P5": 40}
    number = np.arange(data.n_obs) % 40
    data = data[number < data.obs["plate"].map(keep).to_numpy()].copy()
    data.obs["batch"] = data.obs["plate"].map({"P0": "B0", "P1": "B0", "P2": "B1", "P3": "B1", "P4": "B2", "P5": "B0"})
    data.obs["source"] = "S"
    data.X[:, 3] = np.round(data.X[:, 3])
    data.X[(data.obs["control_type"] == "negcon").to_numpy(), 5] = 2.0
    data.X[:, 70] = -1.0
    return data


CHAINS: list[dict[str, Any]] = [
    {"method": "standardize", "by": None},
    {"method": "standardize", "by": None, "on": "all", "statistic": "mean"},
    {"method": "standardize", "by": None, "statistic": "mean"},
    {"method": "standardize", "by": "batch"},
    {"method": "standardize", "by": "batch", "on": "all", "statistic": "mean", "confounded": True},
    {"method": "inverse_normal", "by": None},
    {"method": "inverse_normal", "by": "batch", "confounded": True},
    {"method": "inverse_normal", "by": "source"},
]


@pytest.mark.parametrize("chunk", [2, 64])
@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_a_folder_gives_the_bits_of_the_table(chain: dict[str, Any], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "CHUNK", chunk)
    monkeypatch.setattr("impasto.correction.receipt_sums.CHUNK", chunk)
    monkeypatch.setattr(safe_arrays, "LARGE", 4000)
    source = written(ragged(), tmp_path)
    table = source.to_anndata()
    shuffled = table[np.random.default_rng(1).permutation(table.n_obs)].copy()
    after, (fitted,), _ = correct(shuffled, [chain], spare=0.5, seed=3)
    (folder_fitted,), _ = correct_dataset(source, [chain], tmp_path / "out.plates", spare=0.5, seed=3)
    back = im.read(tmp_path / "out.plates")
    place = {key: number for number, key in enumerate(zip(after.obs["plate"], after.obs["well"], strict=True))}
    rows = [place[key] for key in zip(back.obs["plate"], back.obs["well"], strict=True)]
    np.testing.assert_array_equal(back.X, after.X[rows])
    assert np.isfinite(back.X).all()
    for name, own in fitted.learned.items():  # float64, where the order of additions shows
        for field, value in vars(own).items():
            np.testing.assert_array_equal(getattr(folder_fitted.learned[name], field), value)
    assert folder_fitted.feature_names == fitted.feature_names
    assert folder_fitted.seen_in_fit() == fitted.seen_in_fit()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_new_batch_with_its_features_in_another_order_is_learned_by_their_names(tmp_path: Path) -> None:
    data = ragged()
    first = (data.obs["batch"] != "B2").to_numpy()
    chain = [{"method": "standardize", "by": "batch"}]
    fitted, _ = correct_dataset(written(data[first].copy(), tmp_path), chain, tmp_path / "out.plates")
    kept.save(tmp_path / "fitted", fitted)
    late = data[~first][:, ::-1].copy()
    im.write(late, tmp_path / "late.plates")
    correct_dataset(im.open(tmp_path / "late.plates"), [], tmp_path / "new.plates", fitted=tmp_path / "fitted")
    whole, _, _ = correct(late, fitted=tmp_path / "fitted")
    new = im.read(tmp_path / "new.plates")
    np.testing.assert_array_equal(new[:, whole.var_names].X, whole.X)


def test_the_values_of_a_plate_are_scanned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[int] = []

    def finite(plate: anndata.AnnData, /, *, task: str) -> Any:
        scanned.append(plate.n_obs)
        return wells.finite(plate, task=task)

    watched = SimpleNamespace(**{**vars(wells), "finite": finite})
    for module in (column_shards, matrix_shards):
        monkeypatch.setattr(module, "wells", watched)
    source = written(ragged(), tmp_path)
    for chain in ({"method": "standardize", "by": None}, {"method": "harmony", "by": "batch", "clusters": 2, "rounds": 1}):
        scanned.clear()
        correct_dataset(source, [chain], tmp_path / f"{chain['method']}.plates")
        assert scanned == [40, 17, 40, 40, 1, 33]  # batch by batch


def test_the_median_of_all_rows_is_written_out(tmp_path: Path) -> None:
    data = ragged()
    source = written(data, tmp_path)
    (fitted,), _ = correct_dataset(source, [{"method": "standardize", "by": None}], tmp_path / "out.plates")
    controls = data.X[(data.obs["control_type"] == "negcon").to_numpy()].astype(np.float64)
    centre = np.median(controls, axis=0)
    spread = 1.4826 * np.median(np.abs(controls - centre), axis=0)
    x = data.X[:, 5].astype(np.float64)
    spread[5] = 1.4826 * np.median(np.abs(x - np.median(x)))
    spread[70] = np.inf
    np.testing.assert_allclose(fitted.learned[""].centre, centre, rtol=1e-12)
    np.testing.assert_allclose(fitted.learned[""].spread, spread, rtol=1e-12)


def test_ranks_of_all_rows_are_those_of_scipy(tmp_path: Path) -> None:
    from scipy.stats import norm, rankdata

    source = written(ragged(), tmp_path)
    correct_dataset(source, [{"method": "inverse_normal", "by": None}], tmp_path / "out.plates")
    x = source.to_anndata().X
    expected = norm.ppf((rankdata(x, axis=0) - 0.375) / (len(x) + 0.25))
    np.testing.assert_allclose(im.read(tmp_path / "out.plates").X, expected, atol=1e-6)


def test_held_out_wells_teach_nothing_and_a_batch_that_is_held_out_is_learned_of_all_its_plates(tmp_path: Path) -> None:
    data = ragged()
    # One batch as a whole, and a plate of another.
    held_out = (data.obs["batch"] == "B1") | (data.obs["plate"] == "P1") | (np.arange(data.n_obs) % 5 == 0)
    data.obs["split"] = np.where(held_out, "test", "train")
    source = written(data, tmp_path)
    chains = [*CHAINS[3:7], {"method": "kernel_pca", "by": "batch"}, {"method": "harmony", "by": "batch", "clusters": 3, "rounds": 2}]
    for number, chain in enumerate([{"method": "standardize", "by": None}, *chains]):
        steps = [chain] if chain["method"] in ("standardize", "inverse_normal") else [{"method": "standardize", "by": None}, chain]
        after, _, _ = correct(source.to_anndata(), steps)
        correct_dataset(source, steps, tmp_path / f"{number}.plates")
        np.testing.assert_array_equal(im.read(tmp_path / f"{number}.plates").X, after.X, err_msg=str(chain))


@pytest.mark.parametrize("chain", [CHAINS[0], CHAINS[4], CHAINS[5], CHAINS[6]], ids=str)
def test_fitted_steps_are_applied_to_plates_of_old_and_new_batches(
    chain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_arrays, "LARGE", 1000)
    data = ragged()
    (tmp_path / "old").mkdir()
    fitted, _ = correct_dataset(written(data[data.obs["batch"] == "B0"].copy(), tmp_path / "old"), [chain], tmp_path / "old.plates")
    kept.save(tmp_path / "fitted", fitted)
    turned = data[:, ::-1].copy()  # the same features in another order
    turned.obs["split"] = "test"  # what is new teaches its own part, held out or not
    source = written(turned, tmp_path)
    after, _, _ = correct(source.to_anndata(), fitted=tmp_path / "fitted")
    correct_dataset(source, [], tmp_path / "new.plates", fitted=tmp_path / "fitted")
    back = im.read(tmp_path / "new.plates")
    np.testing.assert_array_equal(back.X, after.X)
    assert list(back.var_names) == list(data.var_names)


def test_a_plate_with_a_missing_value_is_left_out_and_the_rest_is_as_without_it(tmp_path: Path) -> None:
    data = ragged()
    data.X[np.flatnonzero(data.obs["plate"] == "P4")[3], 11] = np.nan
    source = written(data, tmp_path)
    table = source.to_anndata()
    rest = table[(table.obs["plate"] != "P4").to_numpy()].copy()
    for number, chain in enumerate((CHAINS[0], CHAINS[2], CHAINS[5], {"method": "harmony", "by": "plate", "clusters": 3, "rounds": 2})):
        out = tmp_path / f"{number}.plates"
        if number < 3:
            correct_dataset(source, [chain], out)
        else:  # harmony needs two wells of a plate
            with pytest.raises(InputError, match=r"the 1 rows of S/B1/P3 are too few"):
                correct_dataset(source, [chain], out)
            continue
        (bad,) = im.open(out).quarantined
        assert bad["plate"] == "S/B2/P4"
        assert "hold missing or infinite values" in bad["reason"]
        np.testing.assert_array_equal(im.read(out).X, correct(rest, [chain])[0].X)


def test_too_few_controls_are_the_sentence_of_the_table(tmp_path: Path) -> None:
    data = ragged()
    data.obs["control_type"] = "trt"
    source = written(data, tmp_path)
    with pytest.raises(InputError, match=r"standardize: the 171 rows hold 0 negative controls, at least 2 are needed"):
        correct_dataset(source, [CHAINS[0]], tmp_path / "out.plates")
    with pytest.raises(InputError, match=r"of S/B\d hold 0 negative controls, at least 2 are needed"):
        correct_dataset(source, [CHAINS[3]], tmp_path / "out.plates")


@pytest.mark.parametrize("chain", [CHAINS[5], CHAINS[4]], ids=str)
def test_killed_in_any_shard_it_ends_in_the_same_bytes(chain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "CHUNK", 2)
    source = written(ragged(), tmp_path)
    correct_dataset(source, [chain], tmp_path / "whole.plates")

    class Stop(BaseException):
        pass

    reads = 0
    real: dict[str, Any] = {"plate_of": plate_shards.plate_of, "save": kept.save}

    def stopping(name: str, at: int) -> Any:
        def call(*arguments: Any) -> Any:
            nonlocal reads
            reads += 1
            if reads == at:
                raise Stop
            return real[name](*arguments)

        return call

    for name, owner, at in (("plate_of", plate_shards, 2), ("plate_of", plate_shards, 5), ("save", kept, 1), ("save", kept, 2)):
        reads = 0
        monkeypatch.setattr(owner, name, stopping(name, at))
        with pytest.raises(Stop):
            correct_dataset(source, [chain], tmp_path / "out.plates")
        monkeypatch.setattr(owner, name, real[name])
    work = by_plate.work_folder(tmp_path / "out.plates")
    assert len(list(work.glob("columns-*"))) >= 3
    correct_dataset(source, [chain], tmp_path / "out.plates")
    assert bytes_of(tmp_path / "whole.plates") == bytes_of(tmp_path / "out.plates")
    assert not work.exists()


def test_two_workers_leave_the_bytes_of_one_process(tmp_path: Path) -> None:
    source = written(ragged(width=9 + 64), tmp_path)
    steps = [{"method": "standardize", "by": "batch"}, {"method": "inverse_normal", "by": None}]
    correct_dataset(source, steps, tmp_path / "one.plates")
    correct_dataset(source, steps, tmp_path / "two.plates", where=where.read("local:2"))
    assert bytes_of(tmp_path / "one.plates") == bytes_of(tmp_path / "two.plates")


def test_sorted_values_of_all_rows_are_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_arrays, "LARGE", 1000)
    (fitted,), _ = correct_dataset(written(ragged(), tmp_path), [CHAINS[5]], tmp_path / "out.plates")
    assert mapped.is_mapped(fitted.learned[""].lines)
    assert fitted.learned[""].lines.shape == (73, 171)
    kept.save(tmp_path / "fitted", [fitted])
    np.testing.assert_array_equal(kept.load(tmp_path / "fitted")[0].learned[""].lines, fitted.learned[""].lines)
    assert columns.FEW < columns.BLOCK
