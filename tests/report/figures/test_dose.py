"""A dose curve's axis is labelled by the doses that were tried."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from impasto.report.figures import dose

COMPOUND = pd.Series({"perturbation": "C", "benchmark_concentration": np.nan, "curve": False, "why": "flat", "ec50_words": ""})


def labels(doses: list[float]) -> list[str]:
    points = pd.DataFrame({"plate": "P1", "concentration": doses, "response": 0.0})
    axes = dose.draw(COMPOUND, pd.DataFrame(), points, Figure().subplots())
    axes.figure.draw_without_rendering()
    return sorted((label.get_text() for label in axes.get_xticklabels(which="both")), key=float)


def test_doses_are_written_as_they_were_tried() -> None:
    assert labels([0.3, 1, 3, 10, 10]) == ["0.3", "1", "3", "10"]
    assert labels([0.037, 0.111, 0.333]) == ["0.037", "0.111", "0.333"]
    assert labels([5.0]) == ["5"]


def test_of_doses_that_are_close_the_highest_is_written() -> None:
    assert labels([1, 1.05, 10, 100]) == ["1.05", "10", "100"]


def test_a_dose_of_zero_has_no_place_on_the_axis() -> None:
    assert labels([0.0, 1, 10]) == ["1", "10"]
