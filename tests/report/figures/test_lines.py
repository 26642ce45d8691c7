"""Curves with bands: points in order of x, baselines grey and without a band, chance once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from impasto.report.figures import lines, style


def points(value: float) -> pd.DataFrame:
    return pd.DataFrame({"x": [2.0, 1.0], "value": [value, value / 2], "low": value / 4, "high": value + 0.05, "chance": [0.1, 0.2]})


def test_lines_bands_and_chance() -> None:
    axes = lines.draw(
        {"profiles": points(0.6), "shuffled labels": points(0.2)}, Figure().subplots(), x_label="dose (uM)", y_label="mAP", log=True
    )
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    assert drawn == [[[1, 0.3], [2, 0.6]], [[1, 0.1], [2, 0.2]], [[1, 0.2], [2, 0.1]]]
    assert axes.lines[1].get_color() == style.GREY
    assert len(axes.collections) == 1
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == (0, pytest.approx(0.7))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("dose (uM)", "mAP")
    assert lines.height({"a": points(1), "b": points(1)}) == 290 + 17 * 2


@pytest.mark.parametrize(("most", "end"), [(0.04, 0.1), (0.31, 0.4), (0.4, 0.4), (1.0, 1.0), (1.23, 1.3)])
def test_the_axis_ends_at_the_next_tenth(most: float, end: float) -> None:
    assert lines._end_of_axis(most) == pytest.approx(end)
    assert lines._short("x" * 31) == "x" * 29 + "…"
    assert np.isfinite(end)
