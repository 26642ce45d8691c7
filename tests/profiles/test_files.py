"""Profiles come back whole from each format; what cannot be read is one sentence."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.profiles.tables import table

from impasto import profiles, schema, wells
from impasto.schema import InputError


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


@pytest.mark.parametrize("ending", [".parquet", ".h5ad", ".zarr"])
@pytest.mark.parametrize("kept", [[], [schema.GROUP]])
def test_what_a_file_does_not_say_of_its_features_their_names_do(tmp_path: Path, ending: str, kept: list[str]) -> None:
    before = profiles.from_frame(table(), where="t")
    said = before.copy()
    said.var = said.var[kept].replace("Texture", "own group")
    profiles.write(said, tmp_path / f"p{ending}")
    after = profiles.read(tmp_path / f"p{ending}")
    assert after.var[schema.CHANNEL].tolist() == ["Mito", "", "AGP|DNA"]
    assert after.var[schema.COMPARTMENT].tolist() == ["Cells", "Nuclei", "Cells"]
    if kept and ending == ".parquet":
        assert after.var[schema.GROUP].tolist() == ["own group", "AreaShape", "Correlation"], "what the file says stays"
    assert profiles.blocks(after)[2] == ["AGP", "DNA", "Mito", "shape"]


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


def test_every_real_table_reads_and_comes_back(shared_data: Path, tmp_path: Path) -> None:
    for path in sorted((shared_data / "profiles").rglob("*.parquet"))[:4]:
        before = profiles.read(path)
        profiles.write(before, tmp_path / "p.parquet")
        after = profiles.read(tmp_path / "p.parquet")
        np.testing.assert_array_equal(profiles.dense(after), profiles.dense(before))
        assert list(after.obs.columns) == list(before.obs.columns)


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


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_table_of_no_rows_is_refused(name: str, tmp_path: Path) -> None:
    columns = {"Metadata_plate": ["P"], "Metadata_well": ["A01"], "Cells_Shape_Area": [1.0]}
    whole = pd.DataFrame(columns)
    writers = {"a.parquet": whole[:0].to_parquet, "a.csv": lambda path: whole[:0].to_csv(path, index=False)}
    writers[name](tmp_path / name)
    with pytest.raises(InputError, match=rf"{name} holds no rows; make it again"):
        profiles.read(tmp_path / name)
