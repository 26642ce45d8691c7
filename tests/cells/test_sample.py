from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

from impasto.cells.folder import Cells
from impasto.cells.sample import of_folder, sample
from impasto.schema import InputError

WELLS = ["DMSO", "DMSO", "x", "few"]
COUNTS = {"DMSO": 60, "x": 25, "few": 10}


@pytest.fixture
def cells(tmp_path: Path) -> Cells:
    wells = made_cells.wells_of(["P1", "P2"], WELLS)
    rng = np.random.default_rng(0)
    tables = []
    for plate, well, name in wells[["plate", "well", "perturbation"]].itertuples(index=False):
        values = rng.normal(3 if plate == "P1" else 50, 2, size=(COUNTS[name], 2)) + (20 if name == "x" else 0)
        tables.append(pd.DataFrame(values, columns=["Nuclei_A_B", "Nuclei_C_D"]).assign(plate=plate, well=well, Nuclei_E_F=1.0))
    return made_cells.write(tmp_path, pd.concat(tables, ignore_index=True), wells)


def test_as_many_of_each_well_on_the_scale_of_its_plates_controls(cells: Cells, capsys: pytest.CaptureFixture[str]) -> None:
    made = sample(cells, per_well=40, seed=1)
    assert made.obs.groupby(["plate", "well"]).size().tolist() == [40] * 6  # the wells of `few` are left out
    assert list(made.var_names) == ["Nuclei_A_B", "Nuclei_C_D"]  # a feature that does not vary among controls is left out
    own = made[(made.obs["plate"] == "P2") & (made.obs["well"] == "A01")]
    assert own.obs["object"].is_unique
    stored = cells.well("P2", "A01")[:, list(made.var_names)].X
    controls = np.concatenate([cells.well("P2", w)[:, list(made.var_names)].X for w in ("A01", "A02")]).astype(np.float64)
    middle = np.median(controls, axis=0)
    expected = (stored - middle) / (1.4826 * np.median(np.abs(controls - middle), axis=0))
    np.testing.assert_allclose(own.X, expected[own.obs["object"].to_numpy() - 1], rtol=1e-3, atol=1e-4)
    drawn = made[made.obs["perturbation"] == "x"]
    assert drawn[drawn.obs["plate"] == "P1"].obs["object"].value_counts().max() > 1  # 25 cells, 40 drawn
    assert set(drawn[drawn.obs["plate"] == "P1"].obs["object"]) == set(range(1, 26))
    assert float(drawn.X.mean()) > 5
    said = capsys.readouterr().out
    assert "2 of 8 wells have fewer than 20 kept cells; left out" in said
    assert "2 of 8 wells have fewer than 40; some come twice" in said


def test_the_draw_is_seeded_and_wells_draw_apart(cells: Cells) -> None:
    one, same, other = (sample(cells, per_well=8, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.X, same.X)
    assert (one.obs["object"].to_numpy() != other.obs["object"].to_numpy()).any()
    by_well = one.obs[one.obs["perturbation"] == "DMSO"].groupby(["plate", "well"])["object"].apply(tuple)
    assert len(set(by_well)) > 1


def test_without_enough_cells_nothing_is_drawn(tmp_path: Path) -> None:
    table = pd.DataFrame({"plate": "P", "well": ["A01"] * 5, "Nuclei_A_B": [1.0, 2, 3, 4, 5]})
    with pytest.raises(InputError, match="no well has 20 cells"):
        sample(made_cells.write(tmp_path, table, made_cells.wells_of(["P"], ["DMSO"])))


@pytest.mark.parametrize(("asked", "drawn"), [(None, 64), (5, 5)])
def test_sixty_four_cells_of_a_well_are_drawn_where_nobody_says_otherwise(cells: Cells, asked: int | None, drawn: int) -> None:
    of_path = of_folder(cells.folder, per_well=asked)
    assert set(of_path.obs.groupby(["plate", "well"]).size()) == {drawn}
    direct = sample(cells) if asked is None else sample(cells, per_well=asked)
    np.testing.assert_array_equal(direct.X, of_path.X)
