"""The design as a whole, equal to what the test of hits says of the same wells."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.assay.layouts import assay

from impasto import tl
from impasto.assay.check import Check, check
from impasto.correction.spared import spare_controls


def test_counts_and_words() -> None:
    made = check(assay(compounds=18, doses=(0.3, 1.0, 3.0, 10.0)), dose_unit="uM")
    assert (made.compounds, made.tested, made.doses, made.dose_unit) == (18, 72, 4, "uM")
    assert [(p.plate, p.wells, p.treated, p.controls, p.judges) for p in made.plates] == [(f"P{n}", 96, 72, 24, 12) for n in (1, 2)]
    assert made.sentences[0] == (
        "2 plates, 96 wells each; 18 perturbations at 4 doses (72 tests); negative controls spared to judge by: 12 a plate"
    )


@pytest.mark.parametrize("layout", [{"plates": 2}, {"plates": 1, "compounds": 60}, {"plates": 2, "compounds": 10}])
def test_the_plan_is_that_of_the_test_of_hits(layout: dict[str, int]) -> None:
    obs = assay(**layout)
    obs.index = obs.index.astype(str)
    profiles = anndata.AnnData(X=np.random.default_rng(0).normal(size=(len(obs), 4)).astype(np.float32), obs=obs)
    theirs = tl.hits(spare_controls(profiles, share=0.5, seed=0), plan=True).tables["plan"].iloc[0]
    ours = check(obs).plan
    assert (ours.floor, ours.hits_needed, ours.positions) == (theirs["floor"], theirs["hits_needed"], theirs["positions"])


def test_single_wells_are_not_replicated() -> None:
    assert check(assay(plates=1, compounds=60)).replicated == 0
    assert check(assay(plates=2, compounds=60)).replicated == 60


def test_written_and_read(tmp_path: Path) -> None:
    made = check(assay(), noted=["a note"])
    made.write(tmp_path / "design.json")
    assert Check.read(tmp_path / "design.json") == made
    assert made.warnings[0] == "a note"


def test_the_wells_are_not_changed() -> None:
    obs = assay()
    before = obs.copy()
    check(obs)
    assert obs.equals(before)
