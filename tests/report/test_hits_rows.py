"""Rows of hits: doses apart, names and identifiers, neighbours, and what a table without a column leaves empty."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.assay.layouts import assay

from impasto import profiles as tables
from impasto.correction.spared import spare_controls
from impasto.evaluation import hits
from impasto.report import hits_rows
from impasto.report.collect import Ran


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("hits")
    obs = assay(plates=2, compounds=10, doses=(0.5, 5.0), controls=32)
    obs["perturbation_name"] = obs["perturbation"].replace({"C00": "one name"})
    obs["perturbation"] = obs["perturbation"].replace({"C09": "C09@7"})  # as some laboratories write a dose
    obs.index = obs.index.astype(str)
    values = np.random.default_rng(1).normal(size=(len(obs), 6)).astype(np.float32)
    profiles = spare_controls(anndata.AnnData(X=values, obs=obs, var=pd.DataFrame(index=[f"f{i}" for i in range(6)])), share=0.5, seed=0)
    tables.write(profiles, folder / "p.parquet")
    result = hits.evaluate(profiles, draws=200)
    result.scores.to_csv(folder / "results.csv", index=False)
    for name, table in result.details().items():
        table.to_parquet(folder / f"{name}.parquet")
    return Ran(
        "hits", "evaluate", {"settings": {"task": "hits", "profiles": [str(folder / "p.parquet")], "seed": 0}}, folder, folder / "run.json"
    )


def test_a_row_a_dose(stage: Ran) -> None:
    rows = hits_rows.of_stage(stage, dose_unit="uM").rows
    assert len(rows) == 20
    assert sorted(rows.loc[rows["id"] == "C00", "dose"]) == [0.5, 5.0]
    assert set(rows.loc[rows["id"] == "C00", "name"]) == {"one name"}
    assert set(rows["address"]) == {f"#sel=p:C{i:02d}@{dose:g}" for i in range(10) for dose in (0.5, 5.0)}
    assert (rows["unit"] == "uM").all()
    assert rows["cell_count_share"].isna().all()
    assert rows["mechanism"].eq("").all()
    assert rows["toxic"].isna().all()


def test_a_compound_is_addressed_as_the_explorer_calls_it_and_has_its_benchmark_dose(stage: Ran) -> None:
    path = stage.result / "dose_response.parquet"
    before = path.read_bytes()
    fitted = pd.read_parquet(path)
    assert "C09" in set(fitted["perturbation"])
    fitted.assign(benchmark_concentration=np.where(fitted["perturbation"] == "C09", 2.5, np.nan)).to_parquet(path)
    try:
        rows = hits_rows.of_stage(stage, dose_unit="uM").rows
    finally:
        path.write_bytes(before)
    own = rows[rows["id"] == "C09@7"]
    assert sorted(own["address"]) == ["#sel=p:C09@0.5", "#sel=p:C09@5"]
    assert own["benchmark_dose"].tolist() == [2.5, 2.5]
    assert rows.loc[rows["id"] != "C09@7", "benchmark_dose"].isna().all()
    assert not {"compound", "curve_of"} & set(rows.columns)


def test_neighbours_are_the_first_three(stage: Ran) -> None:
    near = pd.DataFrame({"perturbation": "C01@0.5", "neighbour": list("abcd"), "q": [0.01, 0.02, 0.3, 0.4]})
    rows = hits_rows.of_stage(stage, dose_unit="", near=near).rows
    own = rows[(rows["id"] == "C01") & (rows["dose"] == 0.5)].iloc[0]
    assert [own[f"neighbour_{n}"] for n in (1, 2, 3)] == ["a", "b", "c"]
    assert [own[f"neighbour_{n}_q"] for n in (1, 2, 3)] == [0.01, 0.02, 0.3]
    assert rows.loc[rows["id"] != "C01", "neighbour_1"].eq("").all()


def test_every_well_is_there_with_its_p(stage: Ran) -> None:
    made = hits_rows.of_stage(stage, dose_unit="")
    assert len(made.wells) == 2 * (20 + 32)
    judged = made.wells["p_of_well"].notna()
    assert judged.sum() == 2 * (20 + 16)
    assert not judged[(made.wells["control_type"] == "negcon") & (made.wells["spared"].astype(str) != "True")].any()
