"""A plate as squares: each at its place, coloured by its number, controls outlined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from impasto.report.figures import plate, style


def test_squares_stand_at_their_wells_and_show_their_numbers() -> None:
    obs = pd.DataFrame(
        {
            "well": ["A01", "H12", "B03"],
            "count": [10.0, np.nan, 40.0],
            "control_type": ["negcon", "trt", "poscon"],
            "perturbation": ["DMSO", "a", "b"],
        }
    )
    axes = plate.draw(obs, Figure().subplots(), value="count", low=0.0, high=20.0)
    (squares,) = axes.collections
    corners = [path.vertices[0].tolist() for path in squares.get_paths()]
    assert corners == [[0, 0], [11, 7], [2, 1]]
    colours = squares.get_facecolor()
    np.testing.assert_allclose(colours[0], style.HEAT(0.5))
    np.testing.assert_allclose(colours[1], to_rgba(style.GRID))
    np.testing.assert_allclose(colours[2], style.HEAT(1.0))
    assert list(squares.get_linewidths()) == pytest.approx([1.4, 0.0, 1.4])
    assert axes.get_xlim() == (0, 12)
    assert axes.get_ylim() == (8, 0)
    assert plate._tips(obs, obs["count"].to_numpy()) == ["A01 DMSO: 10", "H12 a: no value", "B03 b: 40"]


@pytest.mark.parametrize(("well", "size"), [("P24", (24, 16)), ("AF48", (48, 32)), ("A13", (24, 16))])
def test_the_smallest_plate_that_holds_the_wells(well: str, size: tuple[int, int]) -> None:
    axes = plate.draw(pd.DataFrame({"well": [well], "x": [1.0]}), Figure().subplots(), value="x", low=0, high=1)
    assert (axes.get_xlim()[1], axes.get_ylim()[0]) == size
