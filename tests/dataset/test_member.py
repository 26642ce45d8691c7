"""One plate in one file: what goes in comes out, whatever it holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from impasto.dataset import member
from impasto.profiles import describe_features
from impasto.schema import InputError


def plate(width: int = 5) -> anndata.AnnData:
    obs = pd.DataFrame(
        {
            "plate": pd.array(["P"] * 4, dtype="string"),
            "well": pd.array(["A01", "A02", "A03", "A04"], dtype="string"),
            "gene": pd.array(["TP53", None, "", "ß"], dtype="string"),
            "cell_count": np.array([1, 2, 3, 4], dtype=np.int32),
            "dose": [0.5, np.nan, 1.0, 2.0],
            "spared": [True, False, False, True],
            "kind": pd.Categorical(["a", "b", "a", None]),
        },
        index=list("0123"),
    )
    values = np.arange(4 * width, dtype=np.float32).reshape(4, width)
    values[1, 2], values[2, 3] = np.nan, np.inf
    return anndata.AnnData(X=values, obs=obs, var=describe_features([f"f{i}" for i in range(width)]))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    data = plate()
    facts = member.write_member(data[[2, 0, 3, 1]].copy(), tmp_path / "p.parquet")
    back = member.read_member(tmp_path / "p.parquet", data.var)
    np.testing.assert_array_equal(back.X, data.X)
    assert back.X.dtype == np.float32
    assert back.X.flags.writeable
    for column in ("plate", "well", "gene", "cell_count", "dose", "spared"):
        pd.testing.assert_series_equal(back.obs[column], data.obs[column], check_index=False)
    assert back.obs["kind"].astype(object).where(back.obs["kind"].notna(), None).tolist() == ["a", "b", "a", None]
    assert list(back.var_names) == list(data.var_names)
    assert (facts.rows, facts.width, facts.missing, facts.key.name) == (4, 5, 2, "P")
    assert facts.content == member.content_of(data) == member.content_of(back)


def test_the_digest_of_the_values_by_hand(tmp_path: Path) -> None:
    obs = pd.DataFrame({"well": ["A01", "B01"], "plate": ["P", "P"]}, index=["0", "1"])
    data = anndata.AnnData(X=np.array([[1.0], [np.nan]], dtype=np.float32), obs=obs, var=pd.DataFrame(index=["f"]))
    said = b"Metadata_plate\0P\nP\nMetadata_well\0A01\nB01\n" + np.array([1.0, np.nan], dtype="<f4").tobytes()
    assert member.content_of(data) == hashlib.sha256(said).hexdigest()
    other = np.array([0xFFC00001], dtype=np.uint32).view(np.float32)
    data.X[1, 0] = other[0]
    assert member.content_of(data) == hashlib.sha256(said).hexdigest(), "one pattern for what is missing"


@pytest.mark.parametrize("change", ["value", "gene", "dose", "well"])
def test_any_change_changes_the_digest(change: str) -> None:
    data, before = plate(), member.content_of(plate())
    if change == "value":
        data.X[0, 0] += 1e-6
    else:
        data.obs[change] = data.obs[change].to_numpy(dtype=object)[::-1] if change != "dose" else [0.5, np.nan, 1.0, 2.5]
    assert member.content_of(data) != before


def test_values_are_lists_in_streams_of_bytes_without_a_dictionary(tmp_path: Path) -> None:
    member.write_member(plate(), tmp_path / "p.parquet")
    group = pq.read_metadata(tmp_path / "p.parquet").row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    values = columns["X.list.element"]
    assert "BYTE_STREAM_SPLIT" in values.encodings
    assert "RLE_DICTIONARY" not in values.encodings
    assert values.statistics is None
    assert values.compression == "ZSTD"
    assert "RLE_DICTIONARY" in columns["Metadata_well"].encodings


def test_a_member_that_is_cut_of_another_width_or_gone_is_a_sentence(tmp_path: Path) -> None:
    path, var = tmp_path / "p.parquet", plate().var
    with pytest.raises(InputError, match="cannot be read"):
        member.read_member(path, var)
    member.write_member(plate(), path)
    with pytest.raises(InputError, match="holds 5 features, and its dataset has 4"):
        member.read_member(path, var.iloc[:4])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"p\.parquet cannot be read .*; restore it from a copy"):
        member.read_member(path, var)


def test_a_plate_of_one_well(tmp_path: Path) -> None:
    member.write_member(plate()[:1].copy(), tmp_path / "p.parquet")
    assert member.read_member(tmp_path / "p.parquet", plate().var).shape == (1, 5)
