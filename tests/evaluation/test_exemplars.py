from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.cells import array_run
from impasto.cells.array_run import ArrayRun
from impasto.cells.folder import Cells
from impasto.evaluation import exemplars
from impasto.schema import InputError
from impasto.simulate.populations import Population, Screen, screen

PLAN = Screen(plates=2, controls=8, cells=80, share=0.3, size=5.0, features=12)


@pytest.fixture(scope="module")
def population() -> Population:
    return screen(("part", "inert"), PLAN, seed=2)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory, population: Population) -> Cells:
    names = [f"Cells_AreaShape_F{i}" for i in range(12)]
    return array_run.write(ArrayRun(population.wells, population.values, names), tmp_path_factory.mktemp("cells") / "cells")


@pytest.mark.parametrize("by", ["nearest", "responders"])
def test_chosen_cells_respond_and_controls_are_of_the_same_plates(by: exemplars.By, cells: Cells, population: Population) -> None:
    table = exemplars.choose(cells, "p000", by=by, count=10)
    assert table["row"].value_counts().to_dict() == {"chosen": 10, "random": 10, "controls": 10, "random controls": 10}
    at = {(w.plate, w.well): number for number, w in enumerate(population.wells.itertuples())}
    planted = [population.responds[at[r.plate, r.well]][r.object - 1] for r in table[table["row"] == "chosen"].itertuples()]
    assert np.mean(planted) > 0.8
    assert table.loc[table["row"] == "chosen", "plate"].tolist()[:4] == ["P1", "P2", "P1", "P2"]  # wells in turn
    assert set(table.loc[table["row"].str.contains("controls"), "perturbation"]) == {"DMSO"}
    assert set(table.loc[table["row"].isin(["chosen", "random"]), "perturbation"]) == {"p000"}


def test_controls_are_those_nearest_to_their_centre(cells: Cells) -> None:
    from impasto.cells.whiten import whiten

    table = exemplars.choose(cells, "p000", count=16)
    whitened = whiten(cells)
    chosen = table[table["row"] == "controls"]
    for row in np.flatnonzero(cells.wells["perturbation"] == "DMSO"):
        well = cells.wells.iloc[row]
        own = chosen[(chosen["plate"] == well["plate"]) & (chosen["well"] == well["well"])]
        nearest = np.linalg.norm(whitened.cells[row].astype(float), axis=1).argmin() + 1
        assert own["object"].tolist() == [nearest]


def test_random_needs_no_test_and_the_seed_says_which(cells: Cells) -> None:
    first, second, other = (exemplars.choose(cells, "p001", by="random", seed=s) for s in (0, 0, 1))
    assert first.equals(second)
    assert not first.equals(other)
    assert first["row"].value_counts().to_dict() == {"chosen": 12, "random controls": 12}


def test_a_perturbation_that_is_not_there(cells: Cells) -> None:
    with pytest.raises(InputError, match=r"no well of 'p00' has a kept cell \(did you mean 'p00[01]'\?\); perturbations: DMSO, p000, p001"):
        exemplars.choose(cells, "p00")


def test_controls_must_stand_on_the_same_plates(population: Population, tmp_path: Path) -> None:
    wells = population.wells.assign(control_type=population.wells["control_type"].where(population.wells["plate"] == "P1", "trt"))
    wells.loc[(wells["plate"] == "P1") & (wells["perturbation"] == "p000"), "perturbation"] = "other"
    names = [f"Cells_AreaShape_F{i}" for i in range(12)]
    cells = array_run.write(ArrayRun(wells, population.values, names), tmp_path / "cells")
    with pytest.raises(InputError, match="the plates of p000 have no control well"):
        exemplars.choose(cells, "p000")
