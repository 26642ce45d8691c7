"""Rows and features from headers: of every kind of table that is written here, and none where no header says it."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from impasto import profiles, schema
from impasto.profiles.shape import Shape, shape


def made(rows: int = 40, width: int = 6) -> anndata.AnnData:
    names = [f"Cells_AreaShape_F{i}" for i in range(width)]
    obs = pd.DataFrame({"plate": ["P1"] * 30 + ["P2"] * (rows - 30), "well": [f"A{i + 1}" for i in range(rows)]})
    obs["perturbation"] = "x"
    values = np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)
    return anndata.AnnData(X=values, obs=obs.rename(index=str), var=pd.DataFrame(index=names))


@pytest.mark.parametrize("suffix", [s for s in schema.PROFILES_FILES if s not in (".plates", ".csv.gz", ".tsv.gz", ".csv", ".tsv")])
def test_binary_tables_say_it_exactly(suffix: str, tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / f"t{suffix}")
    assert shape(tmp_path / f"t{suffix}") == Shape(40, 6)
    assert Shape(40, 6).bytes == 960


def test_a_folder_of_plates_says_how_large_its_largest_plate_is(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "t.plates")
    assert shape(tmp_path / "t.plates") == Shape(40, 6, 30)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_lines_of_a_text_are_estimated(suffix: str, tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / f"short{suffix}")
    seen = shape(tmp_path / f"short{suffix}")
    assert seen is not None
    assert (seen.rows, seen.width) == (41, 9)  # with the header, and three columns of annotation
    profiles.write(made(8000), tmp_path / f"long{suffix}")
    estimated = shape(tmp_path / f"long{suffix}")
    assert estimated is not None
    assert 0.6 < estimated.rows / 8000 < 1.5


def test_a_sparse_table_and_parts_of_parquet(tmp_path: Path) -> None:
    table = made()
    table.X = sparse.csr_matrix(table.X)
    table.write_h5ad(tmp_path / "s.h5ad")
    assert shape(tmp_path / "s.h5ad") == Shape(40, 6)
    (tmp_path / "parts").mkdir()
    for name in "ab":
        profiles.write(made(), tmp_path / "parts" / f"{name}.parquet")
    assert shape(tmp_path / "parts") == Shape(80, 6)


def test_what_cannot_be_told_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1xx")
    (tmp_path / "folder").mkdir()
    (tmp_path / "no_x.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    (tmp_path / "zipped.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 999)[:12] + b"\xff" * 40)
    for name in ("empty.csv", "cut.parquet", "folder", "no_x.h5ad", "missing.parquet", "zipped.csv.gz"):
        assert shape(tmp_path / name) is None, name
