"""Tables as Arrow files: small codes, float32, no nulls; and back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

from impasto.atlas import arrow_files


def test_words_are_codes_numbers_float32_and_flags_words() -> None:
    table = arrow_files.encoded(
        pd.DataFrame(
            {
                "word": ["b", None, "a", "b"],
                "text": pd.array(["x", pd.NA, "", "y"], dtype="string"),
                "kind": pd.Categorical(["k", "k", "l", "k"]),
                "number": [1, 2, 3, 4],
                "gaps": [0.5, np.nan, None, 1e-3],
                "flag": [True, False, True, False],
                "partly": pd.Series([True, None, False, None], dtype=object),
                "nothing": [None, None, None, None],
                "empty": ["", "", "", ""],
                "unknown": [np.nan] * 4,
            }
        )
    )
    assert table.column_names == ["word", "text", "kind", "number", "gaps", "flag", "partly"]
    assert table["word"].to_pylist() == ["b", "", "a", "b"]
    assert table["text"].to_pylist() == ["x", "", "", "y"]
    assert table["flag"].to_pylist() == ["yes", "no", "yes", "no"]
    assert table["partly"].to_pylist() == ["yes", "", "no", ""]
    assert table.schema.field("number").type == table.schema.field("gaps").type == pa.float32()
    assert table["gaps"].null_count == 0
    np.testing.assert_allclose(table["gaps"].to_numpy(), [0.5, np.nan, np.nan, 1e-3])


@pytest.mark.parametrize(("count", "kind"), [(127, pa.int8()), (128, pa.int16()), (32_767, pa.int16()), (32_768, pa.int32())])
def test_codes_are_the_smallest_that_hold_the_names(count: int, kind: pa.DataType) -> None:
    table = arrow_files.encoded(pd.DataFrame({"word": [f"{n:05d}" for n in range(count)]}))
    assert table.schema.field("word").type.index_type == kind
    assert table["word"].to_pylist()[-1] == f"{count - 1:05d}"


def test_a_file_is_one_batch_and_reads_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"word": ["b", None], "number": [1.5, np.nan], "flag": [True, False]})
    arrow_files.write(arrow_files.encoded(frame), tmp_path / "t.arrow")
    assert ipc.open_file(io.BytesIO((tmp_path / "t.arrow").read_bytes())).num_record_batches == 1
    back = arrow_files.frame(arrow_files.read(tmp_path / "t.arrow"))
    assert back["word"].tolist() == ["b", None]
    assert back["flag"].tolist() == [True, False]
    np.testing.assert_array_equal(back["number"], np.array([1.5, np.nan], dtype=np.float32))


def test_no_rows_keep_no_columns() -> None:
    assert arrow_files.encoded(pd.DataFrame({"a": pd.Series(dtype=object), "b": pd.Series(dtype=float)})).num_rows == 0
