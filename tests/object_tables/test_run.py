from __future__ import annotations

import pandas as pd

from impasto.object_tables import run


def test_only_annotation_and_files_of_an_image_table_are_taken() -> None:
    table = pd.DataFrame({"Image_Metadata_Plate": ["P"], "Image_Count_Cells": [3], "Position": ["b2"], "Image_FileName_DNA": ["a.tif"]})
    ours = run.in_our_words(table, {"well": "Position"}, where="here", placed={"plate": "Q", "batch": "B"})
    assert ours.iloc[0].to_dict() == {"plate": "P", "well": "B02", "batch": "B", "FileName_DNA": "a.tif"}
