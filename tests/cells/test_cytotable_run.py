from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.cells import made_tables
from tests.cells.test_gather import cells_of

from impasto import progress
from impasto.cells import sources
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


def test_the_index_of_pandas_is_no_feature_and_what_holds_no_numbers_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3, foci=False, stray=False)
    table = wide(images, objects)
    more = {"Cells_Classify_Big": np.arange(len(table)) % 2 == 0, "Cells_Odd_Name": "round", "Metadata_Well": "H12"}
    table.assign(**more).sample(frac=1, random_state=0).to_parquet(tmp_path / "cyto.parquet")
    with progress.silent(False):
        cells = cells_of(tmp_path / "cyto.parquet", tmp_path / "cells")
    assert cells.features == [c for c in table if "AreaShape" in c] + ["Cells_Classify_Big"]
    flags = np.concatenate([well[:, "Cells_Classify_Big"].X.ravel() for well in cells.iter_wells()])
    assert sorted(set(flags.tolist())) == [0.0, 1.0]
    said = " ".join(capsys.readouterr().out.split())
    assert "left out, no numbers: Cells_Odd_Name" in said
    assert "two columns say Metadata_Well, and differ; the first of them is read" in said


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(Cells_AreaShape_M0=t["Cells_AreaShape_M0"].astype(pd.ArrowDtype(pa.float64()))),
        lambda t: t.assign(Metadata_ImageNumber=t["Metadata_ImageNumber"].astype(str)),
        lambda t: t.assign(Metadata_Cytoplasm_Parent_Cells=t["Metadata_Cytoplasm_Parent_Cells"].astype(float)),
        lambda t: t.assign(Image_Metadata_Well=t["Image_Metadata_Well"].astype("category")),
    ],
    ids=["nullable", "numbers as text", "numbers as doubles", "dictionary"],
)
def test_columns_of_another_type_give_the_same_values(change: Callable[[pd.DataFrame], pd.DataFrame], tmp_path: Path) -> None:
    images, objects = made_tables.made(3, foci=False, stray=False)
    table = wide(images, objects)
    change(table).to_parquet(tmp_path / "cyto.PARQUET")
    cells = cells_of(tmp_path / "cyto.PARQUET", tmp_path / "cells")
    expected = made_tables.oracle(images, objects)
    for well in cells.iter_wells():
        for row, place in enumerate(well.obs[["well", "site", "object"]].itertuples(index=False)):
            values = expected[str(place.well), str(place.site), int(place.object)]
            np.testing.assert_allclose(well[row, cells.features].X.ravel(), [values[f] for f in cells.features], rtol=6.2e-5)
    assert sum(well.n_obs for well in cells.iter_wells()) == len(table)


def test_a_file_without_rows_and_one_cut_short_are_one_sentence(tmp_path: Path) -> None:
    table = wide(*made_tables.made(3, foci=False, stray=False))
    table.iloc[:0].to_parquet(tmp_path / "none.parquet")
    with pytest.raises(InputError, match="holds no row"):
        sources.open_all([tmp_path / "none.parquet"])
    table.to_parquet(tmp_path / "cut.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "cut.parquet").read_bytes()[:3000])
    with pytest.raises(InputError, match=r"cut.parquet cannot be read: .*may be truncated"):
        sources.open_all([tmp_path / "cut.parquet"])
