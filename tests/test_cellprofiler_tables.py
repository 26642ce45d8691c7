"""CellProfiler's spreadsheets: objects become the median of their image, and what goes out comes back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto import cellprofiler_tables, profiles, schema
from impasto.plates import folders
from impasto.schema import InputError


def spreadsheets(folder: Path) -> Path:
    """What ExportToSpreadsheet leaves of three images with 3, 2 and no cells."""
    folder.mkdir(exist_ok=True)
    image = {
        "ImageNumber": [3, 1, 2],
        "Metadata_Plate": ["0012", "0012", "0012"],
        "Metadata_Well": ["A03", "A01", "A02"],
        "Count_Cells": [0, 3, 2],
        "FileName_DNA": ["c.tif", "a.tif", "b.tif"],
        "ExecutionTime_01Images": [0.1, 0.2, 0.3],
        "Intensity_MeanIntensity_DNA": [0.5, 0.25, 0.75],
    }
    cells = {"ImageNumber": [1, 1, 1, 2, 2], "ObjectNumber": [1, 2, 3, 1, 2], "AreaShape_Area": [5.0, 1.0, 9.0, 2.0, 4.0]}
    pd.DataFrame(image).to_csv(folder / "Image.csv", index=False)
    pd.DataFrame(cells).assign(Metadata_Plate="0012").to_csv(folder / "Cells.csv", index=False)
    return folder


def test_objects_become_the_median_of_their_image(tmp_path: Path) -> None:
    found = profiles.read(spreadsheets(tmp_path))
    assert found.obs[schema.WELL].tolist() == ["A03", "A01", "A02"]
    assert found.obs[schema.PLATE].tolist() == ["0012"] * 3, "a plate's name keeps its zeros"
    assert found.obs[schema.CELL_COUNT].tolist() == [0, 3, 2]
    assert found.var_names.tolist() == ["Image_Intensity_MeanIntensity_DNA", "Cells_AreaShape_Area"]
    assert found[1:].X[:, 1].tolist() == [5.0, 3.0]
    assert pd.isna(found.X[0, 1]), "an image without cells has no area, and is there"
    assert {"FileName_DNA", "ExecutionTime_01Images"} <= set(found.obs)


def test_the_folder_is_a_table_for_ingest(tmp_path: Path) -> None:
    assert folders.is_profiles(spreadsheets(tmp_path))


def test_an_image_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    folder = spreadsheets(tmp_path)
    image = pd.read_csv(folder / "Image.csv")
    pd.concat([image, image]).to_csv(folder / "Image.csv", index=False)
    with pytest.raises(InputError, match="ImageNumber 3 twice"):
        profiles.read(folder)
    image.drop(columns="ImageNumber").to_csv(folder / "Image.csv", index=False)
    with pytest.raises(InputError, match=r"Image\.csv has no column ImageNumber"):
        profiles.read(folder)


def test_split_and_join_are_inverse() -> None:
    table = pd.DataFrame(
        {
            "Metadata_Well": ["A01", "A02"],
            "Metadata_Count_Cells": [7, 8],
            "Nuclei_AreaShape_Area": [1.0, 2.0],
            "Image_Intensity_MeanIntensity_DNA": [3.0, 4.0],
            "emb_DNA_0000": [5.0, 6.0],
            "Image_Unheard_Of": [7.0, 8.0],
        }
    )
    tables = cellprofiler_tables.split(table)
    assert list(tables) == ["Image", "Nuclei"]
    assert "Count_Cells" in tables["Image"]
    assert tables["Nuclei"].columns.tolist() == ["ImageNumber", "ObjectNumber", "AreaShape_Area"]
    back = cellprofiler_tables.join(tables, where="t")
    pd.testing.assert_frame_equal(back[table.columns], table)
