from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_tables
from tests.cells.test_gather import cells_of

from impasto.cells.cytotable_run import READER, CytoTableRun
from impasto.schema import InputError


def wide(images: list[dict[str, object]], objects: made_tables.Objects) -> pd.DataFrame:
    """What CytoTable makes: an inner join, so cells without cytoplasm are gone."""
    place = {i["ImageNumber"]: i for i in images}
    rows = []
    for (number, _), cytoplasm in objects["Cytoplasm"].items():
        cell = objects["Cells"][number, cytoplasm["Parent_Cells"]]
        nucleus = objects["Nuclei"][number, cell["Parent_Nuclei"]]
        named = {f"{kind}_{k}": v for kind, row in (("Cells", cell), ("Cytoplasm", cytoplasm), ("Nuclei", nucleus)) for k, v in row.items()}
        features = {k: v for k, v in named.items() if "AreaShape" in k}
        meta = {
            "Metadata_ImageNumber": number,
            "Image_Metadata_Plate": place[number]["Metadata_Plate"],
            "Image_Metadata_Well": place[number]["Metadata_Well"],
            "Image_Metadata_Site": place[number]["Metadata_Site"],
            "Metadata_Cytoplasm_Parent_Cells": cytoplasm["Parent_Cells"],
            "Metadata_Nuclei_Location_Center_X": nucleus["Location_Center_X"],
            "Metadata_Nuclei_Location_Center_Y": nucleus["Location_Center_Y"],
        }
        rows.append({**meta, **features})
    return pd.DataFrame(rows)


def test_rows_in_any_order_give_the_cells_of_the_oracle_that_have_all_partners(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3, foci=False, stray=False)
    wide(images, objects).sample(frac=1, random_state=0).to_parquet(tmp_path / "cyto.parquet", index=False)
    cells = cells_of(tmp_path / "cyto.parquet", tmp_path / "cells")
    expected = made_tables.oracle(images, objects)
    seen = 0
    for well in cells.iter_wells():
        for row, place in enumerate(well.obs[["well", "site", "object"]].itertuples(index=False)):
            values = expected[str(place.well), str(place.site), int(place.object)]
            assert np.isclose(well.obs["center_x"].iloc[row], values.pop("center_x"), rtol=1e-4)
            np.testing.assert_allclose(well[row, list(values)].X.ravel(), list(values.values()), rtol=6.2e-5)
            seen += 1
    assert seen == len(objects["Cytoplasm"])
    assert "how many cannot be known from this file" in capsys.readouterr().out


def test_what_is_no_table_of_cytotable(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    assert not READER.fits(tmp_path / "other.parquet")
    assert not READER.fits(tmp_path / "absent.csv")
    pd.DataFrame({"Metadata_ImageNumber": [1], "Cells_AreaShape_Area": [1.0]}).to_parquet(tmp_path / "numberless.parquet")
    assert READER.fits(tmp_path / "numberless.parquet")
    with pytest.raises(InputError, match="no column says the number of a cell"):
        CytoTableRun(tmp_path / "numberless.parquet")
