"""Every file and folder that holds profiles: the values that come out are those that were written."""

from __future__ import annotations

import io
import pickle
import sqlite3
import zipfile
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from impasto import anndata_tables, deepprofiler, profile_sources, profiles
from impasto.schema import InputError


# ---------------------------------------------------------------- CellProfiler
def run_of_cellprofiler(folder: Path, *, prefix: str = "", objects: tuple[str, ...] = ("Cells", "Nuclei"), well: str = "A01") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image = f"ImageNumber,Metadata_Plate,Metadata_Well,Metadata_Site,Count_{objects[0]},Intensity_MeanIntensity_DNA\n"
    (folder / f"{prefix}Image.csv").write_text(image + f"1,007,{well},1,3,0.5\n2,007,{well},2,0,0.25\n")
    for number, name in enumerate(objects):
        rows = "".join(f"1,{i},{10 * number + i},{i},9\n" for i in (1, 2, 6))
        (folder / f"{prefix}{name}.csv").write_text(f"ImageNumber,ObjectNumber,AreaShape_Area,AreaShape_Center_X,Parent_Nuclei\n{rows}")


@pytest.mark.parametrize(
    ("prefix", "objects"), [("", ("Cells", "Nuclei")), ("MyExpt_", ("FilteredNuclei", "Cell")), ("run7", ("My_Spots",))]
)
def test_any_prefix_and_any_objects(tmp_path: Path, prefix: str, objects: tuple[str, ...]) -> None:
    run_of_cellprofiler(tmp_path, prefix=prefix, objects=objects)
    (tmp_path / f"{prefix}Experiment.csv").write_text("Key,Value\nRun,1\n")
    assert profile_sources.kind(tmp_path) == profile_sources.CELLPROFILER
    table = profiles.read(tmp_path)
    assert set(table.var_names) == {"Image_Intensity_MeanIntensity_DNA", *(f"{name}_AreaShape_Area" for name in objects)}
    assert table.obs["plate"].tolist() == ["007", "007"]
    first = table.to_df().iloc[0]
    assert [first[f"{name}_AreaShape_Area"] for name in objects] == [10 * number + 2 for number in range(len(objects))]
    assert first["Image_Intensity_MeanIntensity_DNA"] == 0.5
    assert np.isnan(table.X[1, 1:]).all(), "an image without cells is there, without values"
    assert set(table.var["compartment"]) == {"Image", *objects}
    assert f"{objects[0]}_AreaShape_Center_X" in table.uns["columns_left_out"]


def test_runs_at_any_depth_are_one_table(tmp_path: Path) -> None:
    run_of_cellprofiler(tmp_path / "a" / "out", well="A01")
    run_of_cellprofiler(tmp_path / "b" / "deep" / "out", well="B01", prefix="X_")
    (tmp_path / "b" / "deep" / "out" / "X_Per.csv").write_text("a,b\n1,2\n")
    source = profile_sources.read(tmp_path)
    assert source.frame["Metadata_Well"].tolist() == ["A01", "A01", "B01", "B01"]
    assert source.how == [
        "4 images; medians over their objects Cells, Nuclei",
        "left out: X_Per.csv (no column ImageNumber)",
    ]


def test_tables_in_upper_case_are_cellprofilers_too(tmp_path: Path) -> None:
    run_of_cellprofiler(tmp_path)
    for path in list(tmp_path.glob("*.csv")):
        path.rename(path.with_suffix(".CSV"))
    assert profile_sources.kind(tmp_path) == profile_sources.CELLPROFILER
    assert profiles.read(tmp_path).to_df()["Cells_AreaShape_Area"].tolist()[0] == 2


def test_a_folder_of_images_with_an_analysis_inside_is_images(tmp_path: Path) -> None:
    run_of_cellprofiler(tmp_path / "analysis")
    (tmp_path / "Images").mkdir()
    (tmp_path / "Images" / "r01c01f01p01-ch1sk1fk1fl1.tiff").write_bytes(b"II*\0")
    assert profile_sources.kind(tmp_path) is None
    assert profile_sources.kind(tmp_path / "analysis") == profile_sources.CELLPROFILER


def test_sqlite_with_several_tables_of_objects(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    base = sqlite3.connect(path)
    pd.DataFrame({"TableNumber": [1, 2], "ImageNumber": [1, 1], "Image_Metadata_Plate": "P", "Image_Metadata_Well": ["A01", "A02"],
                  "Image_Count_Cells": [2, 1]}).to_sql("Image", base, index=False)  # fmt: skip
    pd.DataFrame({"TableNumber": [1, 1, 2], "ImageNumber": 1, "ObjectNumber": [1, 2, 1], "Cells_AreaShape_Area": [1.0, 3.0, 7.0]}).to_sql(
        "Cells", base, index=False
    )
    pd.DataFrame({"TableNumber": [2], "ImageNumber": 1, "ObjectNumber": [1], "AreaShape_Area": [5.0]}).to_sql("Spots", base, index=False)
    base.close()
    table = profiles.read(path)
    assert list(table.var_names) == ["Cells_AreaShape_Area", "Spots_AreaShape_Area"]
    np.testing.assert_array_equal(table.X, [[2.0, np.nan], [7.0, 5.0]])
    assert table.obs["cell_count"].tolist() == [2, 1]
    sqlite3.connect(tmp_path / "empty.db").execute("create table t (a)")
    with pytest.raises(InputError, match=r"holds no table of images \(Per_Image or Image\); it has t"):
        profile_sources.read(tmp_path / "empty.db")


# ---------------------------------------------------------------- AnnData
def odd(path: Path) -> anndata.AnnData:
    data = anndata.AnnData(
        obs=pd.DataFrame({"Metadata_compound": ["x", "DMSO"]}, index=["007_A01", "007_B02"]),
        var=pd.DataFrame(index=["speed", "size"]),
        layers={"normalized": np.array([[1.0, 2.0], [3.0, 4.0]])},
        obsm={"X_dinov2": np.array([[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]])},
    )
    data.write_h5ad(path)
    return data


def test_values_in_a_layer_or_an_obsm_are_asked_for(tmp_path: Path) -> None:
    odd(tmp_path / "o.h5ad")
    with pytest.raises(InputError, match=r"holds no values in X; choose with --layer: layers normalized, obsm X_dinov2 \(3\)"):
        profiles.read(tmp_path / "o.h5ad")
    table = profiles.read(tmp_path / "o.h5ad", layer="normalized")
    assert table.to_df().to_dict("list") == {"speed": [1.0, 3.0], "size": [2.0, 4.0]}
    assert table.obs[["plate", "well", "obs_name"]].to_numpy().tolist() == [["007", "A01", "007_A01"], ["007", "B02", "007_B02"]]
    np.testing.assert_array_equal(profiles.read(tmp_path / "o.h5ad", layer="X_dinov2").X, [[5, 6, 7], [8, 9, 10]])
    with pytest.raises(InputError, match=r"has no layer 'normalised' \(did you mean 'normalized'\?\); choose with --layer"):
        profiles.read(tmp_path / "o.h5ad", layer="normalised")
    pd.DataFrame({"Metadata_Plate": ["P"], "emb_0000": [1.0]}).to_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="has no layers: --layer is for"):
        profiles.read(tmp_path / "t.csv", layer="raw")


def test_raw_and_doubled_names(tmp_path: Path) -> None:
    data = anndata.AnnData(X=np.zeros((1, 2), dtype=np.float32), var=pd.DataFrame(index=["a", "b"]))
    data.raw = anndata.AnnData(X=np.array([[1.0, 2.0]]), var=pd.DataFrame(index=["a", "b"]))
    frame, names, how = anndata_tables.to_frame(data, where="t", layer="raw")
    assert (frame[names].to_numpy().tolist(), how) == ([[1.0, 2.0]], ["values from raw"])
    data.var_names = ["a", "a"]
    with pytest.raises(InputError, match=r"1 features share their name \(first: 'a'\)"):
        anndata_tables.to_frame(data, where="t")


def test_other_zarr_stores_are_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "s.zarr" / "tables" / "cells").mkdir(parents=True)
    (tmp_path / "s.zarr" / ".zgroup").write_text("{}")
    with pytest.raises(InputError, match=r"is a SpatialData store; its tables: cells; give one of them"):
        profile_sources.read(tmp_path / "s.zarr")
    (tmp_path / "i.zarr").mkdir()
    (tmp_path / "i.zarr" / ".zattrs").write_text('{"multiscales": []}')
    with pytest.raises(InputError, match="is one OME-Zarr image, not a plate"):
        profile_sources.read(tmp_path / "i.zarr")


# ---------------------------------------------------------------- DeepProfiler
class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('unpickled')",)


def site(path: Path, features: np.ndarray, metadata: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = np.lib.format.magic(1, 0) + b"\x76\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        buffer = io.BytesIO()
        np.save(buffer, features)
        archive.writestr("features.npy", buffer.getvalue())
        archive.writestr("metadata.npy", header + pickle.dumps(metadata))


def test_deepprofilers_sites_are_medians_and_nothing_is_unpickled(tmp_path: Path) -> None:
    cells = np.array([[1.0, 9.0], [2.0, 8.0], [6.0, 1.0]], dtype=np.float32)
    site(tmp_path / "features" / "007" / "A01" / "1.npz", cells, {"Metadata_Batch": "B7", "bomb": Bomb()})
    site(tmp_path / "features" / "007" / "A02" / "1.npz", cells[:0], {"Metadata_Batch": "B7"})
    site(tmp_path / "features" / "008" / "B02_3.npz", cells[:1], {})
    assert profile_sources.kind(tmp_path) == profile_sources.DEEPPROFILER
    table = profiles.read(tmp_path)
    assert table.obs[["plate", "well", "site"]].to_numpy().tolist() == [["007", "A01", "1"], ["007", "A02", "1"], ["008", "B02", "3"]]
    assert table.obs["cell_count"].tolist() == [3, 0, 1]
    assert table.obs["batch"].fillna("").tolist() == ["B7", "B7", ""]
    np.testing.assert_array_equal(table.X, [[2.0, 8.0], [np.nan, np.nan], [1.0, 9.0]])


def test_constants_of_a_pickle_are_read_without_running_it() -> None:
    header = b"\x93NUMPY\x01\x00" + b"header\n"
    value = {"Metadata_Plate": "P1", "Metadata_Well": "A01", "Metadata_Site": 3, "again": "P1", "bomb": Bomb()}
    for protocol in range(2, 6):
        found = deepprofiler.constants_of_pickle(header + pickle.dumps(value, protocol=protocol))
        assert {k: found[k] for k in ("Metadata_Plate", "Metadata_Well")} == {"Metadata_Plate": "P1", "Metadata_Well": "A01"}
    assert deepprofiler.constants_of_pickle(b"no pickle") == {}
    assert deepprofiler.constants_of_pickle(header + b"\x80\x04broken") == {}


def test_hdf5_of_another_kind_says_what_it_holds(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5ad", "w") as file:
        file["foo"] = [1, 2]
    with pytest.raises(InputError, match=r"x\.h5ad is HDF5 without obs and var \(it holds foo\), so no AnnData"):
        profile_sources.read(tmp_path / "x.h5ad")


def test_a_table_that_we_wrote_keeps_its_features_and_one_of_another_program_has_none(tmp_path: Path) -> None:
    from impasto import profiles

    names = ["Cells_Texture_Contrast_DNA", "Nuclei_AreaShape_Area"]
    data = anndata.AnnData(X=np.ones((2, 2), dtype=np.float32), var=profiles.describe_features(names))
    data.obs["Metadata_odd"] = [1.5, 2.5]
    profiles.write(data, tmp_path / "ours.parquet")
    ours = profile_sources.read(tmp_path / "ours.parquet")
    assert ours.ours
    assert list(ours.known) == names
    pd.DataFrame({"Metadata_Plate": ["P1"], "x": [1.0]}).to_parquet(tmp_path / "other.parquet")
    assert not profile_sources.read(tmp_path / "other.parquet").ours


@pytest.mark.parametrize("name", ["Per_Image", "MyExpt_Per_Image", "Image", "per_image"])
def test_the_table_of_images_by_its_usual_names(name: str, tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "out.sqlite")
    base.execute(f'create table "{name}" (ImageNumber, Image_Metadata_Well, Image_Metadata_Plate)')
    base.execute(f"insert into \"{name}\" values (1, 'A01', 'P1')")
    base.commit()
    base.close()
    source = profile_sources.read(tmp_path / "out.sqlite")
    assert len(source.frame) == 1
