"""A folder of plates as one file again: what `im.read` gives of it is what the folder holds."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.correction.plated import plates

import impasto as im
from impasto import identity
from impasto.profiles import streams
from impasto.schema import InputError


@pytest.mark.parametrize("suffix", [".parquet", ".h5ad", ".zarr"])
def test_one_file_holds_what_the_folder_holds(suffix: str, tmp_path: Path) -> None:
    data = plates(plates=3)
    data.X[3, 2] = np.nan
    data.obs["cell_count"] = np.arange(120)
    identity.record_step(data, {"method": "clip", "limit": 10.0})
    im.write(data, tmp_path / "a.plates")
    streams.write(im.open(tmp_path / "a.plates"), tmp_path / f"b{suffix}")
    one, other = im.read(tmp_path / "a.plates"), im.read(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(one.X, other.X)
    assert list(one.var_names) == list(other.var_names)
    assert identity.of(other) == identity.of(one)
    for column in ("plate", "well", "control_type", "perturbation", "cell_count"):
        assert other.obs[column].astype(str).tolist() == one.obs[column].astype(str).tolist()
    assert other.obs["gene"].isna().sum() == 60
    if suffix == ".parquet":
        assert pq.read_metadata(tmp_path / "b.parquet").num_row_groups == 3
    if suffix == ".h5ad":
        assert anndata.read_h5ad(tmp_path / "b.h5ad").X.shape == (120, 6)


def test_other_names_are_refused(tmp_path: Path) -> None:
    im.write(plates(plates=1), tmp_path / "a.plates")
    with pytest.raises(InputError, match=r"is written as \.parquet, \.h5ad, \.zarr"):
        streams.write(im.open(tmp_path / "a.plates"), tmp_path / "b.csv")


def test_tables_become_one_folder_of_plates(tmp_path: Path) -> None:
    data = plates(plates=4)
    (tmp_path / "tables").mkdir()
    for number, names in enumerate((["P0", "P3"], ["P1"], ["P2"])):
        own = data[data.obs["plate"].isin(names).to_numpy()].copy()
        im.write(own[:, ::-1].copy() if number == 1 else own, tmp_path / "tables" / f"{number}.parquet")
    files = streams.files_of(tmp_path / "tables")
    assert streams.gather(files, tmp_path / "a.plates") == 4
    im.write(data, tmp_path / "b.parquet")
    im.write(im.read(tmp_path / "b.parquet"), tmp_path / "b.plates")
    assert im.open(tmp_path / "a.plates").content == im.open(tmp_path / "b.plates").content
    (tmp_path / "tables" / "Plate=7").mkdir()
    files[0].rename(tmp_path / "tables" / "Plate=7" / "0.parquet")
    assert streams.files_of(tmp_path / "tables") == []


def test_a_plate_in_two_tables_and_tables_that_differ_are_refused(tmp_path: Path) -> None:
    data = plates(plates=2)
    im.write(data, tmp_path / "a.parquet")
    im.write(data[:40].copy(), tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"plate B0/P0 stands in .*a\.parquet and in .*b\.parquet"):
        streams.gather([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "out.plates")
    im.write(plates(plates=1, width=7), tmp_path / "c.parquet")
    with pytest.raises(InputError, match="has 7 features, and"):
        streams.gather([tmp_path / "a.parquet", tmp_path / "c.parquet"], tmp_path / "out.plates")
    identity.record_step(data, {"method": "clip"})
    im.write(data, tmp_path / "d.parquet")
    with pytest.raises(InputError, match="were not made by the same encoder"):
        streams.gather([tmp_path / "b.parquet", tmp_path / "d.parquet"], tmp_path / "out.plates")
    assert not (tmp_path / "out.plates").exists()
