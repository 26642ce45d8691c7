"""Scores as dots: value, interval and chance at their places; baselines are hollow."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from impasto.report.figures import scores
from impasto.report.figures.style import PAPER


def test_every_row_has_its_dot_interval_and_chance() -> None:
    rows = pd.DataFrame(
        {
            "group": ["profiles", "shuffled labels"],
            "value": [0.7, 0.2],
            "low": [0.6, np.nan],
            "high": [0.8, np.nan],
            "chance": [0.1, np.nan],
        }
    )
    axes = scores.draw(rows, Figure().subplots(), top=0.9)
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    assert drawn == [[[0.1, -0.32], [0.1, 0.32]], [[0.6, 0], [0.8, 0]], [[0.7, 0]], [[0.2, 1]]]
    assert axes.lines[3].get_markerfacecolor() == PAPER
    assert axes.lines[2].get_markerfacecolor() != PAPER
    assert axes.get_xlim() == (0, 0.9)
    assert axes.get_ylim() == (1.6, -0.6)
    assert [text.get_text() for text in axes.texts] == ["0.700", "0.200"]
    assert scores.height(rows) == 102
    assert scores._short("x" * 39) == "x" * 37 + "…"
    assert scores._short("x" * 38) == "x" * 38
