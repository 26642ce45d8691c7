"""An assay of single cells: the report says whether all cells of a compound respond or a part of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells
from typer.testing import CliRunner

from impasto.cli import app
from impasto.report import collect, responding, verdicts

COMPOUNDS = ["DMSO"] * 24 + ["whole", "whole", "part", "part", "inert", "inert"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plates: all cells of `whole` move, a fifth of those of `part`, none of `inert`."""
    base = tmp_path_factory.mktemp("assay")
    wells = made_cells.wells_of(["P1", "P2"], COMPOUNDS)
    rng = np.random.default_rng(3)
    tables = []
    for plate, well, name in wells[["plate", "well", "perturbation"]].itertuples(index=False):
        values = rng.normal(size=(80, 6)) + 0.1 * rng.normal(size=6)
        moved = {"whole": np.ones(80, dtype=bool), "part": rng.random(80) < 0.2}.get(name, np.zeros(80, dtype=bool))
        values[moved] += np.array([0, 5.0, 0, 0, -5.0, 0]) if name == "part" else np.array([3.0, 0, 0, 3.0, 0, 0])
        columns = [f"Nuclei_Texture_F{i}_DNA" for i in range(6)]
        tables.append(pd.DataFrame(values, columns=columns).assign(plate=plate, well=well))
    made_cells.write(base, pd.concat(tables, ignore_index=True), wells)
    words = ["assay", base / "run", "--platemap", base / "map.csv", "--unit", "Nuclei", "--out", base / "out"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "of 3 tests all cells respond alike in " in " ".join(result.output.split())
    again = CliRunner().invoke(app, [str(word) for word in words])
    assert again.output.count("already there") == again.output.count("/9 ")
    return base / "out"


def test_each_compound_has_its_verdict_in_the_files_and_on_the_page(out: Path) -> None:
    rows = pd.read_csv(out / "hits.csv", keep_default_na=False).set_index("id")
    assert rows["cells_respond"].to_dict()["inert"] == "no"
    assert rows["cells_respond"].to_dict()["whole"] in ("all alike", "unequally")
    assert rows["cells_respond"].to_dict()["part"] in ("a part", "unequally")
    assert rows.loc["inert", "responding_share"] == ""
    assert 0.03 < float(rows.loc["part", "responding_share"]) <= 0.25
    assert (out / "stages" / "cells" / "quality" / "cells_qc.json").is_file()
    assert rows["cell_count_share"].astype(float).between(0.9, 1.1).all()
    page = (out / "report.html").read_text()
    assert "cells that respond" in page
    assert "perturbations and doses move cells unequally" in page
    # Tables of cells do not say which images these are.
    assert "ingest them and give that folder: --images DIR." in page


def test_the_table_is_that_of_the_stage(out: Path) -> None:
    stages = collect.stages(out)
    table = responding.table(stages)
    per = pd.read_parquet(out / "stages" / "subpopulations" / "per_group.parquet").set_index("perturbation")
    assert table is not None
    assert table["p_part"].to_dict() == per["p_tail"].to_dict()
    assert verdicts.of(stages).cells == per["verdict"].value_counts().to_dict()
    assert responding.table([]) is None
    assert responding.montages([], ["whole"]) == ([], "")
