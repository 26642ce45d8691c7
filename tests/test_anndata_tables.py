"""AnnData as a table: which values are read, what the names of rows say, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from impasto import anndata_tables
from impasto.profiles import describe_features, write
from impasto.schema import InputError


def small(names: list[str]) -> anndata.AnnData:
    data = anndata.AnnData(
        X=np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32),
        obs=pd.DataFrame({"dose": [0.5, 2.0]}, index=names),
        var=pd.DataFrame(index=["a", "b"]),
    )
    data.layers["scaled"] = sparse.csr_matrix(np.array([[10.0, 0.0], [0.0, 40.0]], dtype=np.float32))
    data.obsm["X_pca"] = np.array([[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]], dtype=np.float32)
    data.obsm["scores"] = pd.DataFrame({"first": [0.1, 0.2]}, index=names)
    return data


def test_values_come_from_x_a_layer_an_obsm_or_raw() -> None:
    data = small(["0", "1"])
    table, features, how = anndata_tables.to_frame(data, where="t")
    assert list(table) == ["dose", "a", "b"]
    assert table.to_numpy().tolist() == [[0.5, 1.0, 2.0], [2.0, 3.0, 4.0]]
    assert (features, how) == (["a", "b"], [])
    table, features, how = anndata_tables.to_frame(data, where="t", layer="scaled")
    assert table[features].to_numpy().tolist() == [[10.0, 0.0], [0.0, 40.0]]
    assert how == ["values from scaled"]
    table, features, _ = anndata_tables.to_frame(data, where="t", layer="X_pca")
    assert len(features) == 3
    assert table[features].to_numpy().tolist() == [[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]]
    table, features, _ = anndata_tables.to_frame(data, where="t", layer="scores")
    assert (features, table["first"].tolist()) == (["first"], [0.1, 0.2])
    data.raw = data.copy()
    narrow = data[:, ["a"]].copy()
    assert anndata_tables.to_frame(narrow, where="t", layer="raw")[1] == ["a", "b"]


def test_rows_named_by_plate_and_well_say_both_where_no_column_does() -> None:
    data = small(["BR_1_A01", "BR_1_H12"])
    table, _, how = anndata_tables.to_frame(data, where="t")
    assert table["Metadata_Plate"].tolist() == ["BR_1", "BR_1"]
    assert table["Metadata_Well"].tolist() == ["A01", "H12"]
    assert table["Metadata_obs_name"].tolist() == ["BR_1_A01", "BR_1_H12"]
    assert how == ["names of rows are kept as obs_name", "plate and well from the names of rows (PLATE_WELL)"]
    data.obs["Metadata_Well"] = ["B01", "B02"]
    assert "Metadata_Plate" not in anndata_tables.to_frame(data, where="t")[0]
    assert "Metadata_Plate" not in anndata_tables.to_frame(small(["BR_1_A01", "a cell"]), where="t")[0]


def test_features_that_share_a_name_and_empty_values_are_refused() -> None:
    data = small(["0", "1"])
    data.var_names = ["a", "a"]
    with pytest.raises(InputError, match="t: 1 features share their name \\(first: 'a'\\)"):
        anndata_tables.to_frame(data, where="t")
    empty = anndata.AnnData(obs=pd.DataFrame(index=["0", "1"]), obsm={"X_pca": np.zeros((2, 3), dtype=np.float32)})
    with pytest.raises(InputError, match=r"t holds no values in X; choose with --layer: obsm X_pca \(3\)"):
        anndata_tables.to_frame(empty, where="t")
    with pytest.raises(InputError, match=r"t has no layer 'X_pcb'.*X_pca"):
        anndata_tables.to_frame(empty, where="t", layer="X_pcb")


def test_files_of_another_kind_are_sentences(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["obs"] = [1]
    with pytest.raises(InputError, match=r"is HDF5 without var \(it holds obs\)"):
        anndata_tables.open_file(tmp_path / "other.h5")
    (tmp_path / "spatial.zarr" / "tables" / "cells").mkdir(parents=True)
    with pytest.raises(InputError, match=r"SpatialData store; its tables: cells; give one of them: .*tables/cells"):
        anndata_tables.open_file(tmp_path / "spatial.zarr")
    (tmp_path / "image.zarr").mkdir()
    with pytest.raises(InputError, match="is a Zarr store without a table"):
        anndata_tables.open_file(tmp_path / "image.zarr")
    (tmp_path / "image.zarr" / ".zattrs").write_text(json.dumps({"multiscales": []}))
    with pytest.raises(InputError, match="one OME-Zarr image, not a plate"):
        anndata_tables.open_file(tmp_path / "image.zarr")


@pytest.mark.parametrize("name", ["t.h5ad", "t.zarr"])
def test_what_was_written_is_opened(name: str, tmp_path: Path) -> None:
    data = anndata.AnnData(
        X=small(["0", "1"]).X, obs=pd.DataFrame({"dose": [0.5, 2.0]}, index=["0", "1"]), var=describe_features(["a", "b"])
    )
    write(data, tmp_path / name)
    again = anndata_tables.open_file(tmp_path / name)
    np.testing.assert_array_equal(again.X, data.X)
    assert again.obs["dose"].tolist() == [0.5, 2.0]
