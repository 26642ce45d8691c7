"""Trees of the Cell Painting Gallery, read from any of their folders: source and batch are never lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.plates.images import Choices
from impasto.plates.ingest import find

IMAGES = "cpg0016/source_4/images/2021_B1/images/P1__2021-05-02T16_02_51-Measurement1/Images"


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5, 6, 7])
def test_images_have_their_source_and_batch_from_any_folder_of_the_tree(tmp_path: Path, parts: int) -> None:
    (tmp_path / IMAGES).mkdir(parents=True)
    for channel in (1, 2):
        tifffile.imwrite(tmp_path / IMAGES / f"r01c02f03p01-ch{channel}sk1fk1fl1.tiff", np.full((4, 4), channel, dtype=np.uint16))
    source = tmp_path.joinpath(*Path(IMAGES).parts[:parts])
    found = find([source], choices=Choices({"ch1": "DNA", "ch2": "ER"}))
    places = found.planes[["source", "batch", "plate", "well", "site"]].astype(str).drop_duplicates()
    assert places.to_numpy().tolist() == [["source_4", "2021_B1", "P1", "A02", "3"]]
    assert "source source_4 batch 2021_B1: from the folders of the Cell Painting Gallery" in found.notes


def write_run(folder: Path, area: float, **metadata: str) -> None:
    folder.mkdir(parents=True)
    pd.DataFrame({"ImageNumber": [1], "Count_Cells": [2], **metadata}).to_csv(folder / "Image.csv", index=False)
    pd.DataFrame({"ImageNumber": [1, 1], "ObjectNumber": [1, 2], "AreaShape_Area": [area, 3 * area]}).to_csv(
        folder / "Cells.csv", index=False
    )


def test_a_flat_folder_of_analysis_says_plate_well_and_site(tmp_path: Path) -> None:
    for site, area in ((1, 10.0), (2, 20.0)):
        write_run(tmp_path / "analysis" / f"BR-1-B07-{site}", area)
    found = find([tmp_path / "analysis"])
    assert found.profiles is not None
    assert found.profiles.obs[["plate", "well", "site"]].to_numpy().tolist() == [["BR-1", "B07", "1"], ["BR-1", "B07", "2"]]
    assert found.profiles.to_df()["Cells_AreaShape_Area"].tolist() == [20.0, 40.0]


def test_what_a_table_says_of_its_place_wins_over_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "source_4/workspace/analysis/B1/P1/analysis"
    write_run(folder / "P1-A01-1", 10.0, Metadata_Plate="000P1", Metadata_Well="A01")
    found = find([tmp_path])
    assert found.profiles is not None
    places = found.profiles.obs[["source", "batch", "plate", "well", "site"]]
    assert places.to_numpy().tolist() == [["source_4", "B1", "000P1", "A01", "1"]]
