"""The card of a compound: the same for all of its doses, verdict and doses from the hits, wells from the table."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.explorer.test_near import row

from impasto.explorer import cards
from impasto.explorer.contents import Contents


def test_a_dose_has_the_card_of_its_compound(contents: Contents) -> None:
    whole = cards.card(contents, row(contents, "id-0"))
    assert cards.card(contents, row(contents, "id-0", 10.0)) == whole
    assert whole["row"] == row(contents, "id-0")
    assert whole["perturbation"] == "id-0"
    wells = contents.well_rows
    assert whole["wells"] == np.flatnonzero(wells["perturbation"] == "id-0").tolist()
    assert [(dose["row"], dose["dose"]) for dose in whole["doses"]] == [
        (row(contents, "id-0", dose), pytest.approx(dose)) for dose in (0.1, 1.0, 10.0, 100.0)
    ]
    assert [(dose["wells"], dose["plates"], dose["hit"], dose["reason"]) for dose in whole["doses"]] == [
        (2, 2, False, "differs too little"),
        (2, 2, False, "differs too little"),
        (2, 2, True, ""),
        (2, 2, True, ""),
    ]
    assert [(dose["p"], dose["q"]) for dose in whole["doses"]] == [(0.4, 0.4), (0.4, 0.4), (0.001, 0.002), (0.001, 0.002)]
    assert whole["verdict"] == {
        "hit": True,
        "sentence": "Differs from its plates' controls at 10, 100 µM (corrected p 0.002, false discovery rate 0.05).",
    }


def test_what_is_no_hit_says_the_smallest_corrected_p(contents: Contents) -> None:
    got = cards.card(contents, row(contents, "id-3"))
    assert got["verdict"] == {
        "hit": False,
        "sentence": "Does not differ from its plates' controls at any of 4 doses (smallest corrected p 0.7).",
    }


def test_controls_have_no_verdict_and_no_doses(contents: Contents) -> None:
    got = cards.card(contents, row(contents, "DMSO"))
    assert (got["verdict"], got["doses"], got["response"]) == (None, [], None)
    assert len(got["wells"]) == 16


def test_a_run_that_is_not_calibrated_gives_no_verdict(contents: Contents) -> None:
    table = contents.tables["hits"].drop(columns="hit").assign(reason="NOT CALIBRATED")
    silent = dataclasses.replace(contents, tables={**contents.tables, "hits": table})
    got = cards.card(silent, row(contents, "id-0"))
    assert got["verdict"] == {"hit": False, "sentence": "No verdict: NOT CALIBRATED."}
    assert {dose["hit"] for dose in got["doses"]} == {None}
    without = dataclasses.replace(contents, tables={}, facts={**contents.facts, "hits": None})
    assert cards.card(without, row(contents, "id-0"))["verdict"] is None


def test_cells_are_a_share_of_the_controls_of_the_same_plates(contents: Contents) -> None:
    wells = contents.well_rows
    shares = []
    for plate in ("P1", "P2"):
        here = wells["plate"] == plate
        middle = np.median(wells["cell_count"][here & (wells["perturbation"] == "DMSO")])
        shares += (wells["cell_count"][here & (wells["perturbation"] == "id-2")] / middle).tolist()
    got = cards.card(contents, row(contents, "id-2"))["facts"]
    assert got["cells a well, as a share of the controls"] == f"{np.median(shares):.0%}"
