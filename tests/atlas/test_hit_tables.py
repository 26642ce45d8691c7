"""Tables of hits beside the rows of an index: joined by hand, and refused where they are of other perturbations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.atlas import hit_tables
from impasto.schema import InputError

ROWS = pd.DataFrame(
    {
        "perturbation": ["DMSO", "a", "a", "a", "b"],
        "treatment": ["DMSO", "a", "a@1", "a@10", "b"],
        "concentration": [np.nan, np.nan, 1.0, 10.0, np.nan],
    }
)
WELLS = pd.DataFrame({"perturbation": ["DMSO", "a", "b", "c"], "inchikey": [None, "K", "L", "L"]})


def called(folder: Path, **more: object) -> Path:
    folder.mkdir()
    table = pd.DataFrame(
        {"perturbation": ["a@1", "a@10", "b"], "p": [0.5, 0.01, np.nan], "q": [0.5, 0.02, np.nan], "hit": [False, True, False]}
    )
    table.assign(profiles="x", **more).to_parquet(folder / "per_group.parquet")
    return folder


def test_each_row_has_what_was_tested_of_it(tmp_path: Path) -> None:
    got, said = hit_tables.write(tmp_path, called(tmp_path / "hits"), ROWS, WELLS)
    assert got["hit"].astype(object).where(got["hit"].notna(), None).tolist() == [None, True, False, True, False]
    np.testing.assert_array_equal(got["p"], [np.nan, np.nan, 0.5, 0.01, np.nan])
    np.testing.assert_array_equal(got["q"], [np.nan, np.nan, 0.5, 0.02, np.nan])
    assert said == {"hits": 1, "tested": 2, "rate": 0.05, "benchmark": 1.349}
    assert pd.read_parquet(tmp_path / "hits.parquet")["row"].tolist() == [2, 3, 4]


def test_a_compound_over_its_doses_has_the_test_of_its_curve(tmp_path: Path) -> None:
    hits = called(tmp_path / "hits")
    pd.DataFrame({"perturbation": ["a", "b"], "p_value": [0.03, 0.3], "corrected_p_value": [0.04, 0.4]}).to_parquet(
        hits / "dose_response.parquet"
    )
    pd.DataFrame({"perturbation": ["b"], "concentration": [1.0], "response": [0.1]}).to_parquet(hits / "dose_wells.parquet")
    pd.DataFrame().to_parquet(hits / "dose_curves.parquet")
    got, _ = hit_tables.write(tmp_path, hits, ROWS, WELLS)
    assert (got["p"][1], got["q"][1]) == (0.03, 0.04)
    # Curves name a compound by the first of the names that share a structure.
    assert pd.read_parquet(tmp_path / "responses.parquet")["row"].tolist() == [1, 4]
    assert pd.read_parquet(tmp_path / "points.parquet")["row"].tolist() == [4]
    assert not (tmp_path / "curves.parquet").exists()


def test_the_settings_of_the_task_are_kept(tmp_path: Path) -> None:
    hits = called(tmp_path / "hits")
    (hits / "run.json").write_text(json.dumps({"settings": {"options": {"rate": 0.1, "benchmark": 2.0}}}))
    _, said = hit_tables.write(tmp_path, hits, ROWS, WELLS)
    assert (said["rate"], said["benchmark"]) == (0.1, 2.0)


def test_of_several_tables_the_last_counts(tmp_path: Path) -> None:
    hits = called(tmp_path / "hits")
    table = pd.read_parquet(hits / "per_group.parquet")
    pd.concat([table.assign(profiles="before", p=0.9), table.assign(profiles="after")]).to_parquet(hits / "per_group.parquet")
    got, _ = hit_tables.write(tmp_path, hits, ROWS, WELLS)
    assert got["p"][2] == 0.5


def test_a_run_that_is_not_calibrated_has_no_hits(tmp_path: Path) -> None:
    hits = called(tmp_path / "hits")
    pd.read_parquet(hits / "per_group.parquet").drop(columns="hit").to_parquet(hits / "per_group.parquet")
    got, said = hit_tables.write(tmp_path, hits, ROWS, WELLS)
    assert got["hit"].isna().all()
    assert said["hits"] is None


def test_hits_of_other_perturbations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no hits \(no per_group.parquet\); call them first: impasto evaluate hits"):
        hit_tables.write(tmp_path, tmp_path, ROWS, WELLS)
    with pytest.raises(InputError, match=r"none of the 3 perturbations of .* is in the index"):
        hit_tables.write(tmp_path, called(tmp_path / "hits"), ROWS.assign(treatment="z"), WELLS)
