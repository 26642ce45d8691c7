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
