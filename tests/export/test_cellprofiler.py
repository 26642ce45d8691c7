"""CellProfiler's spreadsheets: a table a compartment, an image a row, and all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import profiles
from impasto.export import cellprofiler
from impasto.schema import InputError

NAMES = ["Cells_AreaShape_Area", "Nuclei_Texture_Contrast_DNA", "Image_Intensity_Mean_ER"]


def table() -> anndata.AnnData:
    obs = pd.DataFrame({"plate": ["P1", "P1"], "well": ["A01", "A02"]}, index=["0", "1"])
    return anndata.AnnData(X=np.arange(6, dtype=np.float32).reshape(2, 3), obs=obs, var=profiles.describe_features(NAMES))


def test_a_table_a_compartment(tmp_path: Path) -> None:
    assert sorted(cellprofiler.write(table(), tmp_path / "cp")) == ["Cells.csv", "Image.csv", "Nuclei.csv"]
    cells, image, nuclei = (pd.read_csv(tmp_path / "cp" / f"{name}.csv") for name in ("Cells", "Image", "Nuclei"))
    assert cells["AreaShape_Area"].tolist() == [0, 3]
    assert nuclei["Texture_Contrast_DNA"].tolist() == [1, 4]
    assert image["Intensity_Mean_ER"].tolist() == [2, 5]
    assert image["ImageNumber"].tolist() == cells["ImageNumber"].tolist() == [1, 2]
    assert image["Metadata_Well"].tolist() == ["A01", "A02"]


def test_a_name_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"and cp\.csv is named as a file"):
        cellprofiler.EXPORTER.write(table(), tmp_path / "cp.csv", {})
    assert cellprofiler.EXPORTER.write(table(), tmp_path / "cp", {}) == "Cells.csv, Image.csv, Nuclei.csv"
