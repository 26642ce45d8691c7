"""Profiles that stay in their file: the rows of the file, in any precision, and a sentence where they cannot be mapped."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import profiles, schema, stored
from impasto.schema import InputError


def table(dtype: type[np.floating] = np.float32) -> anndata.AnnData:
    values = np.random.default_rng(0).normal(size=(12, 4)).astype(dtype)
    obs = pd.DataFrame(
        {"plate": "P1", "well": [f"A{i + 1:02d}" for i in range(12)], "perturbation": "c1"}, index=[str(i) for i in range(12)]
    )
    return anndata.AnnData(
        X=values, obs=obs, var=profiles.describe_features(["emb_DNA_0000", "emb_DNA_0001", "emb_ER_0000", "emb_ER_0001"])
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rows_are_those_of_the_file_in_its_precision(tmp_path: Path, dtype: type[np.floating]) -> None:
    given = table(dtype)
    given.write_h5ad(tmp_path / "p.h5ad")
    found = stored.read(tmp_path / "p.h5ad")
    assert isinstance(found.X, np.memmap)
    assert found.X.dtype == dtype
    np.testing.assert_array_equal(found.X, given.X)
    assert found.obs[schema.WELL].tolist() == given.obs["well"].tolist()
    assert found.var[schema.CHANNEL].tolist() == ["DNA", "DNA", "ER", "ER"]


def test_what_is_annotated_is_what_reading_it_whole_gives(tmp_path: Path) -> None:
    profiles.write(table(), tmp_path / "p.h5ad")
    mapped, whole = stored.read(tmp_path / "p.h5ad"), profiles.read(tmp_path / "p.h5ad")
    np.testing.assert_array_equal(np.asarray(mapped.X), profiles.dense(whole))
    assert mapped.obs.astype(str).equals(whole.obs[mapped.obs.columns].astype(str))
    assert list(mapped.var_names) == list(whole.var_names)


def test_what_cannot_be_mapped_is_said(tmp_path: Path) -> None:
    table().write_h5ad(tmp_path / "packed.h5ad", compression="gzip")
    with pytest.raises(InputError, match="compressed, in chunks or sparse"):
        stored.read(tmp_path / "packed.h5ad")
    profiles.write(table(), tmp_path / "p.parquet")
    with pytest.raises(InputError, match=r"only in \.h5ad"):
        stored.read(tmp_path / "p.parquet")
    with pytest.raises(InputError, match="does not exist"):
        stored.read(tmp_path / "nowhere.h5ad")
