"""Control positions asked like compounds: counted by hand, and only where compounds keep their position."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import building, by_position, index

pytestmark = pytest.mark.usefixtures("plain_maps")


def plates(*, effect: float, moved: bool = False) -> anndata.AnnData:
    """Three plates of 24 controls and 12 compounds; column 1 is bright by its position."""
    rng = np.random.default_rng(0)
    direction, rows, values = rng.normal(size=30), [], []
    for plate in range(3):
        shift = plate if moved else 0
        for well in range(36):
            is_control = well < 24
            name = "DMSO" if is_control else f"c{(well - 24 + shift) % 12}"
            place = f"{'ABC'[well % 3]}{well // 3 + 1:02d}"
            rows.append({"plate": f"P{plate}", "well": place, "perturbation": name, "control_type": "negcon" if is_control else "trt"})
            by_place = effect * direction if well in (0, 1, 2) or well >= 24 else 0.0
            values.append(by_place + rng.normal(size=30))
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str))


def built(folder: Path, made: anndata.AnnData) -> tuple[index.Index, list[str]]:
    building.build(made, folder)
    return index.open_index(folder), json.loads((folder / "index.json").read_text())["warnings"]


def test_positions_that_are_like_compounds_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened, warnings = built(tmp_path / "index", plates(effect=3.0))
    asked = by_position.positions(opened)
    assert len(asked) == 24
    assert [len(own) for own in asked] == [3] * 24
    bright = [own for own in asked if by_position.has_neighbour(opened, own)]
    assert {str(well) for own in bright for well in opened.rows["well"].iloc[own]} == {"A01", "B01", "C01"}
    said = "a likeness may be of the position: of 24 control positions asked like compounds, 3 have a neighbour at q < 0.05."
    assert warnings == [f"Compounds keep one position on all plates, so {said}"]
    assert warnings[0] in " ".join(capsys.readouterr().out.split())


def test_compounds_that_change_their_position_need_no_check(tmp_path: Path) -> None:
    _, warnings = built(tmp_path / "index", plates(effect=3.0, moved=True))
    assert warnings == []


def test_a_plate_alone_and_a_table_without_wells_say_nothing(tmp_path: Path) -> None:
    made = plates(effect=0.0)
    _, warnings = built(tmp_path / "one", made[(made.obs["plate"] == "P0").to_numpy()].copy())
    assert warnings == []
    made.obs = made.obs.drop(columns="well")
    _, warnings = built(tmp_path / "two", made)
    assert warnings == []
