"""The truth of a plan: laws by hand, directions of one length, seeds of repeats."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from impasto.schema import InputError
from impasto.simulate import plan as plans
from impasto.simulate.plan import Plan


@pytest.mark.parametrize(
    ("law", "dose", "effect"),
    [
        ("linear", 0.5, 0.5),
        ("saturating", 0.5, 0.75),
        ("saturating", 1.0, 1.0),
        ("threshold", 0.7, 1.2),
        ("threshold", 0.69, 0.0),
        ("hump", 1.0, 2.7 / np.e),
    ],
)
def test_laws_at_a_dose(law: str, dose: float, effect: float) -> None:
    assert plans.LAWS[law](dose) == pytest.approx(effect)


def test_an_effect_is_potency_times_law_times_direction() -> None:
    known = plans.truth(Plan(own=0.5), seed=3)
    np.testing.assert_allclose(np.linalg.norm(known.directions, axis=1), 3.0)
    np.testing.assert_allclose(np.linalg.norm(known.private, axis=1), 1.5)
    row = known.perturbations.iloc[9]
    assert row["mechanism"] == 9 % 8
    expected = row["potency"] * plans.LAWS[row["law"]](0.4) * (known.directions[1] + known.private[9])
    np.testing.assert_allclose(known.effect(9, 0.4), expected)
    assert 0.6 <= row["potency"] <= 1.4
    assert known.perturbations.groupby("mechanism")["law"].nunique().max() == 1


def test_annotation_follows_the_mechanism_unless_it_is_shuffled() -> None:
    true = plans.truth(Plan(), seed=0).perturbations
    assert (true["moa"] == [f"simulated mechanism {m}" for m in true["mechanism"]]).all()
    shuffled = plans.truth(Plan(links="shuffled"), seed=0).perturbations
    assert (shuffled["moa"] != [f"simulated mechanism {m}" for m in shuffled["mechanism"]]).any()
    assert sorted(shuffled["moa"]) == sorted(true["moa"])
    assert true["smiles"].is_unique
    assert true["gene"].is_unique
    assert "smiles" not in plans.truth(Plan(kind="crispr"), seed=0).perturbations


def test_more_mechanisms_than_scaffolds_or_perturbations_are_refused() -> None:
    for changes, most in (
        ({"mechanisms": 13}, 12),
        ({"mechanisms": 0}, 12),
        ({"mechanisms": 5, "perturbations": 4}, 4),
        ({"kind": "crispr", "mechanisms": 33}, 32),
    ):
        with pytest.raises(InputError, match=f"allowed: 1 to {most} for"):
            plans.truth(Plan(**changes), seed=0)
    assert plans.drawn_from(Plan(), seed=5) == 5
    assert plans.drawn_from(Plan(repeat=2), seed=5) == 2_000_011


def test_side_chains_are_of_their_own() -> None:
    assert plans._tail(0) == "C"
    assert plans._tail(20) == "CC"
    assert plans._tail(21) == "CCC"
    assert plans._tail(40) == "CCC"


def test_the_last_perturbations_may_do_nothing() -> None:
    known = plans.truth(Plan(perturbations=10, mechanisms=4, inert=3), seed=2)
    assert known.perturbations["potency"].gt(0).tolist() == [True] * 7 + [False] * 3
    assert not known.effect(9, 1.0).any()
    assert (
        known.perturbations["potency"].iloc[:7].tolist()
        == plans.truth(Plan(perturbations=10, mechanisms=4), seed=2).perturbations["potency"].iloc[:7].tolist()
    )
    with pytest.raises(InputError, match="inert is 11; allowed: 0 to 10"):
        plans.truth(Plan(perturbations=10, mechanisms=4, inert=11), seed=2)


def test_what_a_plan_leaves_out_is_as_documented() -> None:
    """Every number that was measured on simulated plates stands on these."""
    assert Plan().model_dump() == {
        "sources": 1,
        "batches": 2,
        "plates": 2,
        "mechanisms": 8,
        "perturbations": 32,
        "doses": [1.0],
        "inert": 0,
        "controls": 16,
        "platemap": "csv",
        "batches_each": None,
        "layout": "scrambled",
        "kind": "compound",
        "links": "true",
        "cell_line": "simulated line 1",
        "cell_lines": 1,
        "line_effect": 2.0,
        "line_answer": 0.5,
        "own": 0.0,
        "strength": 1.0,
        "count_effect": 0.5,
        "source_effect": 1.0,
        "batch_effect": 1.0,
        "plate_effect": 0.5,
        "batch_optics": 0.0,
        "plate_optics": 0.0,
        "well_optics": 0.0,
        "repeat": 0,
        "position_effect": 0.5,
        "noise": 1.0,
        "sites": 1,
        "pixels": 256,
        "cells": 24,
        "magnification": 1.0,
        "missing": 0,
        "corrupt": 0,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"plates": 0},
        {"plates": -1},
        {"sources": 0},
        {"batches": 0},
        {"controls": -1},
        {"doses": []},
        {"pixels": 0},
        {"cells": -1},
        {"missing": -1},
    ],
)
def test_a_plan_of_nothing_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        Plan(**values)  # type: ignore[arg-type]
