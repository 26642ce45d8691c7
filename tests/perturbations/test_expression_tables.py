"""Both forms of a table of expression, and tables that are refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tests.perturbations.transcribed import counts

from impasto.perturbations.expression_tables import read_table
from impasto.schema import InputError


def test_both_forms_of_table_are_read(tmp_path: Path) -> None:
    table = counts(3, 4)
    table.rename_axis("Metadata_cell_line").reset_index().to_csv(tmp_path / "lines.csv", index=False)
    table.T.rename_axis("Gene").reset_index().to_csv(tmp_path / "genes.csv.gz", index=False)
    one, two = read_table(tmp_path / "lines.csv"), read_table(tmp_path / "genes.csv.gz")
    pd.testing.assert_frame_equal(one, two, check_names=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "neither a column cell_line"),
        ("cell_line,G1\nX,1\nx,2\n", "stands there twice"),
        ("cell_line,G1,G2\nX,1,\nY,2,1\n", "1 values are missing"),
        ("cell_line,G1\nX,high\nY,2\n", "'G1' is not numeric"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_table(tmp_path / "t.csv")
