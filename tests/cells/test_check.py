from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

import impasto as im
from impasto import recipe
from impasto.cells import check, pool
from impasto.cells.folder import Cells
from impasto.stages.check import CheckSettings, inside

AREA, DNA = "Nuclei_AreaShape_Area", "Nuclei_Intensity_IntegratedIntensity_DNA"


def made(folder: Path, *, debris: dict[str, int], controls_lose: int = 0) -> Cells:
    """30 cells a well; some wells with debris in front."""
    rng = np.random.default_rng(0)
    wells = made_cells.wells_of(["P1"], ["DMSO", "DMSO", "x", "y", "z"])
    parts = []
    for row in wells.itertuples():
        count = 5 if row.perturbation == "z" else 30
        own = pd.DataFrame({AREA: rng.normal(100, 5, count), DNA: rng.normal(3, 0.1, count)})
        own.loc[: debris.get(row.perturbation, 0) - 1, [AREA, DNA]] = 1.0, 0.1
        if row.perturbation == "DMSO":
            own.loc[: controls_lose - 1, [AREA, DNA]] = 1.0, 0.1
        parts.append(own.assign(plate=row.plate, well=row.well))
    return made_cells.write(folder, pd.concat(parts, ignore_index=True), wells)


def test_bits_wells_and_receipt(tmp_path: Path) -> None:
    cells = made(tmp_path, debris={"x": 12})
    before = {p: p.read_bytes() for p in cells.folder.rglob("*") if p.is_file()}
    recipe.execute("check", CheckSettings.read({"images": str(cells.folder)}, where="test"), out=inside(cells.folder))
    assert all(p.read_bytes() == raw for p, raw in before.items())
    checked = im.read_cells(cells.folder)
    assert checked.wells["cell_count"].tolist() == [30, 30, 18, 30, 5]
    assert checked.wells["cell_count_all"].tolist() == [30, 30, 30, 30, 5]
    assert [w.n_obs for w in checked.iter_wells()] == [30, 30, 18, 30, 5]
    assert checked.well("P1", "A03").obs["qc"].tolist() == [1] * 12 + [0] * 18
    receipt = json.loads((inside(cells.folder) / "cells_qc.json").read_text())
    (plate,) = receipt["plates"]
    assert plate["wells_out"] == ["A03", "A05"]
    assert [b["well"] for b in plate["beyond_controls"]] == ["A03"]
    assert plate["shares"]["debris"] == {"all": 12 / 125, "controls": 0.0}
    said = check.sentences(receipt)
    assert "113 of 125 cells are kept" in said
    assert any("A03 (x) loses 40% of its cells, controls 0%" in line for line in said)


def test_pooling_leaves_out_what_the_check_has_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = made(tmp_path, debris={"y": 8})
    recipe.execute("check", CheckSettings.read({"images": str(cells.folder)}, where="test"), out=tmp_path / "elsewhere")
    assert im.read_cells(cells.folder).quality is None
    pooled = pool.pool(Cells(cells.folder, quality=tmp_path / "elsewhere"))
    assert pooled.obs["well"].tolist() == ["A01", "A02", "A03", "A04"]
    assert pooled.obs["cell_count"].tolist() == [30, 30, 30, 22]
    assert pooled.X[3, 0] > 90
    assert "1 of 5 wells have no profile: 0 hold no kept cell, 1 are out by the check" in capsys.readouterr().out


def test_a_check_is_skipped_where_it_is_done_and_made_again_for_other_cells(tmp_path: Path) -> None:
    cells = made(tmp_path, debris={})
    settings = CheckSettings.read({"images": str(cells.folder)}, where="test")
    assert recipe.execute("check", settings, out=inside(cells.folder))
    assert not recipe.execute("check", settings, out=inside(cells.folder))
    cells_json = cells.folder / "cells.json"
    cells_json.write_text(cells_json.read_text() + " ")
    assert recipe.execute("check", settings, out=inside(cells.folder))


def test_without_controls_medians_are_of_all_and_a_greedy_rule_is_off(tmp_path: Path) -> None:
    cells = made(tmp_path / "a", debris={}, controls_lose=5)
    receipt = check.check(cells, tmp_path / "a" / "out")
    assert receipt["plates"][0]["switched_off"] == {"debris": pytest.approx(10 / 60)}
    assert any("takes 16.7% of the control cells, so it is switched off" in line for line in check.sentences(receipt))


def test_in_python_nothing_is_written(tmp_path: Path) -> None:
    cells = made(tmp_path, debris={"x": 12})
    judged = im.pp.cell_quality(cells)
    assert judged.wells["cell_count"].tolist() == [30, 30, 18, 30, 5]
    assert im.pp.pool(judged).obs["cell_count"].tolist() == [30, 30, 18, 30, 5]
    assert im.pp.pool(str(cells.folder)).obs["cell_count"].tolist() == [30, 30, 30, 30, 5]
    assert not inside(cells.folder).exists()
