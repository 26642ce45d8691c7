"""The volcano: where each feature stands, which are named, and what the title says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from tests.evaluation.screens import screen

import impasto as im
from impasto.report.figures import volcano
from impasto.schema import InputError


def test_features_stand_at_effect_and_p_and_the_surest_are_named() -> None:
    rows = pd.DataFrame(
        {"feature": list("abcd"), "effect": [1.0, -2.0, 0.1, 3.0], "p": [1e-3, 1e-4, 0.5, 1e-5], "called": [True, True, False, True]}
    )
    axes = volcano.draw(rows, Figure().add_subplot(), names=2)
    others, called = axes.lines[:2]
    np.testing.assert_allclose(others.get_xydata(), [[0.1, -np.log10(0.5)]])
    np.testing.assert_allclose(called.get_xydata(), [[1, 3], [-2, 4], [3, 5]])
    assert [text.get_text() for text in axes.texts] == ["d", "b"]
    assert not volcano.draw(rows.drop(columns="called"), Figure().add_subplot(), names=2).texts


def test_pl_draws_one_perturbation_and_says_when_nothing_may_be_called() -> None:
    result = im.tl.differential_features(screen(active=3, controls=20, spared=20))
    called = int(result.tables["features"].query("perturbation == 'p01'")["called"].sum())
    axes = im.pl.volcano(result, "p01", ax=Figure().add_subplot())
    assert axes.get_title(loc="left") == f"p01: {called} of 8 features called"
    moved = im.tl.differential_features(screen(controls=20, spared=20, position=3.0))
    assert "NOT CALIBRATED" in im.pl.volcano(moved, "p01", ax=Figure().add_subplot()).get_title(loc="left")
    with pytest.raises(InputError, match="there are no features of 'q01'"):
        im.pl.volcano(result, "q01")
