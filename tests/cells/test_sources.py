from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.cells import sources
from impasto.schema import InputError


def test_what_no_reader_knows_lists_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no table")
    with pytest.raises(InputError, match=r"holds no table of cells that is known; allowed: .*CSV.*SQLite"):
        sources.open_all([tmp_path / "notes.txt"])
    with pytest.raises(InputError, match="does not exist"):
        sources.open_all([tmp_path / "absent"])


def test_only_annotation_and_files_of_an_image_table_are_taken() -> None:
    table = pd.DataFrame({"Image_Metadata_Plate": ["P"], "Image_Count_Cells": [3], "Position": ["b2"], "Image_FileName_DNA": ["a.tif"]})
    ours = sources.in_our_words(table, {"well": "Position"}, where="here", placed={"plate": "Q", "batch": "B"})
    assert ours.iloc[0].to_dict() == {"plate": "P", "well": "B02", "batch": "B", "FileName_DNA": "a.tif"}
