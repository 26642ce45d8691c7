"""Profiles: tables in any of their spellings become the same AnnData, and come back whole."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto import profiles, schema, wells
from impasto.schema import InputError


def table(rows: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "Metadata_Plate": ["P1"] * (rows // 2) + ["P2"] * (rows - rows // 2),
            "Metadata_Well": [f"A{i + 1:02d}" for i in range(rows)],
            "Metadata_broad_sample": ["BRD-1", "BRD-2", "DMSO"] * (rows // 3),
            "Metadata_control_type": [np.nan, "poscon_cp", "negcon"] * (rows // 3),
            "Cells_Texture_Contrast_Mito_3_00_256": rng.normal(size=rows).astype(np.float32),
            "Nuclei_AreaShape_Area": rng.normal(size=rows).astype(np.float32),
            "Cells_Correlation_Correlation_AGP_DNA": rng.normal(size=rows).astype(np.float32),
        }
    )


def test_features_are_described_by_their_names() -> None:
    found = profiles.from_frame(table(), where="t")
    assert found.var[schema.CHANNEL].tolist() == ["Mito", "", "AGP|DNA"]
    assert found.var[schema.COMPARTMENT].tolist() == ["Cells", "Nuclei", "Cells"]
    assert found.uns["columns"][schema.PERTURBATION] == "Metadata_broad_sample"


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz", ".tsv", ".h5ad", ".zarr"])
def test_every_kind_of_file_comes_back_whole(tmp_path: Path, ending: str) -> None:
    before = profiles.from_frame(table(), where="t")
    path = tmp_path / f"p{ending}"
    profiles.write(before, path)
    after = profiles.read(path)
    np.testing.assert_allclose(profiles.dense(after), profiles.dense(before), rtol=1e-6)
    assert after.X.dtype == np.float32
    pd.testing.assert_frame_equal(after.var.astype(str), before.var.astype(str), check_names=False, check_index_type=False)
    for word in (schema.PLATE, schema.WELL, schema.PERTURBATION, schema.CONTROL_TYPE):
        assert after.obs[word].astype(str).tolist() == before.obs[word].astype(str).tolist()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_numeric_metadata_in_x_moves_back_to_obs(tmp_path: Path) -> None:
    """pycytominer and CytoTable leave numeric Metadata_ columns in X of an AnnData."""
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = anndata.AnnData(
        X=values,
        obs=pd.DataFrame({"Metadata_Plate": ["P", "P"]}, index=["0", "1"]),
        var=pd.DataFrame(index=["Metadata_Site_Count", "Cells_AreaShape_Area", "Nuclei_AreaShape_Area"]),
    )
    data.write_h5ad(tmp_path / "x.h5ad")
    found = profiles.read(tmp_path / "x.h5ad")
    assert found.obs["Site_Count"].tolist() == [0.0, 3.0]
    assert list(found.var_names) == ["Cells_AreaShape_Area", "Nuclei_AreaShape_Area"]


def test_truncated_files_and_unknown_kinds_are_sentences(tmp_path: Path) -> None:
    profiles.write(profiles.from_frame(table(), where="t"), tmp_path / "p.parquet")
    whole = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.parquet cannot be read"):
        profiles.read(tmp_path / "half.parquet")
    with pytest.raises(InputError, match="cannot tell the kind"):
        profiles.write(profiles.from_frame(table(), where="t"), tmp_path / "p.xlsx")
    with pytest.raises(InputError, match="does not exist"):
        profiles.read(tmp_path / "none.parquet")


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(6)), st.sampled_from(["mean", "median"]))
def test_aggregation_does_not_depend_on_the_order_of_rows(order: list[int], statistic: str) -> None:
    whole = profiles.from_frame(table(), where="t")
    one = profiles.aggregate(whole, by=["perturbation"], statistic=statistic)
    other = profiles.aggregate(whole[order].copy(), by=["perturbation"], statistic=statistic)
    np.testing.assert_allclose(profiles.dense(one), profiles.dense(other), atol=1e-6)
    assert one.obs[schema.PERTURBATION].tolist() == other.obs[schema.PERTURBATION].tolist() == ["BRD-1", "BRD-2", "DMSO"]
    assert one.obs["n_rows"].tolist() == [2, 2, 2]
    assert schema.WELL not in one.obs  # the wells of a group differ, so the group has none


def test_aggregation_equals_a_plain_loop() -> None:
    whole = profiles.from_frame(table(), where="t")
    found = profiles.aggregate(whole, by=["perturbation"], statistic="median")
    for row, name in enumerate(found.obs[schema.PERTURBATION]):
        mine = profiles.dense(whole)[(whole.obs[schema.PERTURBATION] == name).to_numpy()]
        np.testing.assert_allclose(profiles.dense(found)[row], np.median(mine, axis=0), atol=1e-6)


def test_stacking_keeps_common_features_and_counts_the_rest() -> None:
    one = profiles.from_frame(table(), where="t")
    other = profiles.from_frame(table().drop(columns="Nuclei_AreaShape_Area"), where="u")
    stacked = profiles.join_common([one, other])
    assert stacked.shape == (12, 2)
    assert stacked.uns["features_dropped"] == 1


def test_every_real_table_reads_and_comes_back(shared_data: Path, tmp_path: Path) -> None:
    for path in sorted((shared_data / "profiles").rglob("*.parquet"))[:4]:
        before = profiles.read(path)
        profiles.write(before, tmp_path / "p.parquet")
        after = profiles.read(tmp_path / "p.parquet")
        np.testing.assert_array_equal(profiles.dense(after), profiles.dense(before))
        assert list(after.obs.columns) == list(before.obs.columns)


def test_blocks_are_the_features_of_each_channel_and_say_where_there_are_any() -> None:
    whole = profiles.from_frame(table(), where="t")
    mito, area, correlation = profiles.dense(whole).T
    values, mask, names = profiles.blocks(whole)
    assert names == ["AGP", "DNA", "Mito", "shape"]
    np.testing.assert_array_equal(values[:, :, 0].T, [correlation, correlation, mito, area])
    assert mask.tolist() == [[True]] * 4
    values, mask, names = profiles.blocks(whole, by="compartment", among=["Nuclei", "Cells"])
    np.testing.assert_array_equal(values[:, 1].T, [mito, correlation])
    assert not values[:, 0, 1].any()
    assert mask.tolist() == [[True, False], [True, True]]
    with pytest.raises(InputError, match="no feature of channel 'ER'; they have AGP, DNA, Mito, shape"):
        profiles.blocks(whole, among=["ER"])
    with pytest.raises(InputError, match="unknown kind of block 'plate'"):
        profiles.blocks(whole, by="plate")


def test_features_of_a_run_are_taken_by_name_in_its_order() -> None:
    whole = profiles.from_frame(table(), where="t")
    wanted = [whole.var_names[2], whole.var_names[0]]
    found = profiles.with_features(whole, wanted)
    assert list(found.var_names) == wanted
    np.testing.assert_array_equal(profiles.dense(found), profiles.dense(whole)[:, [2, 0]])
    with pytest.raises(InputError, match=r"1 of the 2 features this run was trained on are not in the profiles \(first: 'x'\)"):
        profiles.with_features(whole, ["x", wanted[0]])


def test_columns_that_a_task_needs_are_asked_for_by_name() -> None:
    whole = profiles.from_frame(table(), where="t")
    profiles.require(whole, "plate", "well", task="this")
    with pytest.raises(InputError, match=r"this needs the column 'batch'.*--set columns\.batch=NAME"):
        profiles.require(whole, "plate", "batch", task="this")


def test_cells_are_summed_over_the_sites_of_a_well_and_averaged_over_wells() -> None:
    obs = pd.DataFrame({"well": ["A01", "A01", "B01"], "perturbation": "x", "cell_count": [10, 20, 50]}, index=list("012"))
    sites = anndata.AnnData(X=np.zeros((3, 1), dtype=np.float32), obs=obs)
    assert profiles.aggregate(sites, by=["well"]).obs["cell_count"].tolist() == [30.0, 50.0]
    assert profiles.aggregate(sites, by=["perturbation"]).obs["cell_count"].tolist() == [pytest.approx(80 / 3)]
    with pytest.raises(InputError, match=r"unknown statistic 'meen' \(did you mean 'mean'"):
        profiles.aggregate(sites, by=["well"], statistic="meen")


def test_tables_without_a_common_feature_cannot_be_stacked() -> None:
    one = profiles.from_frame(table(), where="t")
    with pytest.raises(InputError, match="no feature in common"):
        profiles.join_common([one[:, :1].copy(), one[:, 1:].copy()])


def test_the_real_tables_give_the_controls_they_gave(shared_data: Path) -> None:
    """Negative controls of each table, and the wells that nobody named: 51 that were once one perturbation."""
    counts = {
        "bbbc021_wells": (222, 0),
        "cpjump1_phenotypes": (0, 0),
        "cpjump1_u2os_compound": (320, 0),
        "2023_05_15_Batch1": (48, 0),
        "2023_05_17_Batch2": (24, 0),
        "2023_08_15_Batch6": (48, 0),
        "yokogawa_japan_20x": (24, 0),
        "yokogawa_us_10x": (24, 0),
        "yokogawa_us_20x_5ch": (24, 0),
        "yokogawa_us_20x_6ch_plate1": (24, 0),
        "yokogawa_us_40x": (24, 0),
        "jump_multisource": (10, 0),
        "pediatric_cell_atlas": (0, 0),
        "pediatric_cell_atlas_full_features": (0, 0),
        "2023-12-15_B4A4R1_scrambled": (0, 0),
        "2023-12-21_B6A3R2_scrambled": (768, 0),
        "2024_12_09_Batch_12": (32, 8),
        "2025_01_28_Batch_14_P1": (64, 39),
        "2026_01_05_Batch_20": (64, 4),
    }
    paths = {path.stem: path for path in (shared_data / "profiles").rglob("*.parquet")}
    assert set(paths) == set(counts)
    assert sum(unknown for _, unknown in counts.values()) == 51
    for name, (negative, unknown) in counts.items():
        written = pd.read_parquet(paths[name], columns=[c for c in ("Metadata_is_negcon",) if c in pq.read_schema(paths[name]).names])
        found = profiles.read(paths[name])
        assert int(wells.negative(found.obs).sum()) == negative, name
        assert int(wells.unknown(found.obs).sum()) == unknown, name
        if "Metadata_is_negcon" in written:
            np.testing.assert_array_equal(wells.negative(found.obs), written["Metadata_is_negcon"].to_numpy(dtype=bool))
        assert len(found.uns["columns_left_out"]) <= 22 + 117, name


def test_what_was_inferred_is_told() -> None:
    found = profiles.from_frame(table().assign(Cells_AreaShape_Center_X=1.0), where="t")
    assert found.uns["columns_left_out"] == ["Cells_AreaShape_Center_X"]
    assert found.uns["features_from"] == "CellProfiler's names"
    strange = profiles.from_frame(table().assign(Metadata_control_type="ctl_x"), where="t")
    assert strange.uns["unknown_words"] == {"control_type": {"ctl_x": 6}}
    assert wells.unknown(strange.obs).all()
    assert not wells.treated(strange.obs).any()


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_table_of_no_rows_is_refused(name: str, tmp_path: Path) -> None:
    columns = {"Metadata_plate": ["P"], "Metadata_well": ["A01"], "Cells_Shape_Area": [1.0]}
    whole = pd.DataFrame(columns)
    writers = {"a.parquet": whole[:0].to_parquet, "a.csv": lambda path: whole[:0].to_csv(path, index=False)}
    writers[name](tmp_path / name)
    with pytest.raises(InputError, match=rf"{name} holds no rows; make it again"):
        profiles.read(tmp_path / name)
