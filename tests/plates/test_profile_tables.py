"""Tables of profiles for an ingest: cells become sites, rows of one place are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto import profiles
from impasto.plates import profile_tables
from impasto.plates.profile_tables import Opening
from impasto.schema import InputError
from impasto.spelling import Choices


def cells(path: Path, *, site: bool = True, numbers: tuple[int, ...] = (1, 2, 3, 1)) -> Path:
    frame = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": ["A01", "A01", "A01", "B01"],
            "Metadata_Site": ["1", "1", "2", "1"],
            "Metadata_ObjectNumber": numbers,
            "Metadata_compound": ["x", "x", "x", "y"],
            "Cells_AreaShape_Area": [1.0, 3.0, 9.0, 4.0],
        }
    )
    (frame if site else frame.drop(columns="Metadata_Site")).to_csv(path, index=False)
    return path


def test_a_row_a_cell_is_refused_until_the_user_says_the_level(tmp_path: Path) -> None:
    path = cells(tmp_path / "c.csv")
    with pytest.raises(
        InputError, match=r"holds a row a cell \(4 rows, 3 sites\); --level site for medians and counts, --level cell to keep"
    ):
        profile_tables.read([path], opening=Opening())
    (sites,), notes = profile_tables.read([path], opening=Opening(level="site"))
    assert sites.obs[["well", "site"]].to_numpy().tolist() == [["A01", "1"], ["A01", "2"], ["B01", "1"]]
    np.testing.assert_array_equal(sites.X[:, 0], [2.0, 9.0, 4.0])
    assert sites.obs["cell_count"].tolist() == [2, 1, 1]
    assert sites.obs["perturbation"].tolist() == ["x", "x", "y"]
    assert "4 cells became medians of 3 sites" in "".join(notes)
    (kept,), _ = profile_tables.read([path], opening=Opening(level="cell"))
    assert kept.obs["object"].tolist() == ["1", "2", "3", "1"]
    np.testing.assert_array_equal(kept.X[:, 0], [1.0, 3.0, 9.0, 4.0])


def test_cells_without_sites_become_wells_and_doubled_numbers_are_counted_anew(tmp_path: Path) -> None:
    path = cells(tmp_path / "c.csv", site=False, numbers=(1, 1, 1, 1))
    (sites,), _ = profile_tables.read([path], opening=Opening(level="site"))
    assert sites.obs["cell_count"].tolist() == [3, 1]
    np.testing.assert_array_equal(sites.X[:, 0], [3.0, 4.0])
    (kept,), _ = profile_tables.read([path], opening=Opening(level="cell"))
    assert kept.obs["object"].tolist() == ["1", "2", "3", "1"]


def test_a_table_of_wells_is_not_taken_for_cells(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    pd.DataFrame({"Metadata_Well": ["A01", "A02"], "Metadata_ObjectNumber": [1, 2], "Cells_AreaShape_Area": [1.0, 2.0]}).to_csv(path)
    (table,), _ = profile_tables.read([path], opening=Opening())
    assert table.n_obs == 2
    assert "object" not in table.obs


def test_doses_of_two_tables_are_in_one_unit(tmp_path: Path) -> None:
    for name, unit, dose in (("a", "nM", 500), ("b", "µM", 2)):
        pd.DataFrame({"Metadata_Plate": [name], "Metadata_Well": ["A01"], f"Metadata_Dose [{unit}]": [dose], "emb_0000": [1.0]}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    parts, _ = profile_tables.read([tmp_path / "a.csv", tmp_path / "b.csv"], opening=Opening())
    assert profile_tables.stacked(parts)[0].obs["concentration"].tolist() == [0.5, 2.0]


def test_rows_of_one_place_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    frame = pd.DataFrame({"Metadata_Plate": "P", "Metadata_Well": ["A01", "a1"], "Metadata_run": ["r1", "r2"], "emb_0000": [1.0, 2.0]})
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"2 rows share their plate and well \(first: plate P, well A01\).*--set columns\.batch=NAME"):
        profile_tables.read([path], opening=Opening())
    (table,), _ = profile_tables.read([path], opening=Opening(Choices({"batch": "run"})))
    assert table.obs["batch"].tolist() == ["r1", "r2"]


def test_what_later_stages_stumble_over_is_counted() -> None:
    table = profiles.from_frame(
        pd.DataFrame({"Metadata_Well": ["A01", "A02"], "emb_0000": [np.nan, 2e3], "emb_0001": [1.0, 2.0]}), where="t"
    )
    assert profile_tables.warnings(table) == [
        "1 features hold missing or infinite values (25.00% of all; most in emb_0000): correct --method select",
        "the largest value is 2e+03: clip before comparing (correct --method clip)",
    ]
