"""A map of profiles, and one score against another: where each point stands, its colour, and how high a figure must be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from impasto.report.figures import scatter, style


def axes() -> Axes:
    return Figure().subplots()


def test_points_stand_between_their_quantiles_and_the_commonest_have_colours() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 2))
    names = np.array([f"class {min(n // 20, 12):02d}" for n in range(400)])  # 12 of 20 rows, and one of 160
    drawn = scatter.draw(points, pd.Series(names), [f"row {n}" for n in range(400)], axes())
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    np.testing.assert_allclose(drawn.collections[0].get_offsets(), np.clip((points - low) / (high - low), 0, 1))
    shown = [colors.to_hex(c) for c in drawn.collections[0].get_facecolors()]
    assert {shown[n] for n in range(240, 400)} == {style.PALETTE[0]}, "the commonest has the first colour"
    assert len({colour for colour in shown if colour != style.GREY}) == len(style.PALETTE)
    assert shown.count(style.GREY) == 3 * 20
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == list(pd.Series(names).value_counts().index[:10])
    assert drawn.collections[0].get_urls()[7] == style.tips(["row 7"])[0]


def test_many_points_are_thinned_at_random_and_keep_their_colour_and_tip() -> None:
    count = scatter.MOST_POINTS + 500
    points, names = np.stack([np.arange(count), np.arange(count)], axis=1), pd.Series(["a"] * 2000 + ["b"] * (count - 2000))
    first, again, other = (scatter.draw(points, names, [str(n) for n in range(count)], axes(), seed=s).collections[0] for s in (0, 0, 1))
    places = np.asarray(first.get_offsets())[:, 0]
    assert len(places) == scatter.MOST_POINTS
    assert (np.diff(places) >= 0).all()
    np.testing.assert_array_equal(places, np.asarray(again.get_offsets())[:, 0])
    assert not np.array_equal(places, np.asarray(other.get_offsets())[:, 0])
    kept = np.sort(np.random.default_rng(0).choice(count, scatter.MOST_POINTS, replace=False))
    assert first.get_urls()[-1] == style.tips([str(kept[-1])])[0]
    assert colors.to_hex(first.get_facecolors()[0]) == style.PALETTE[0]
    assert colors.to_hex(first.get_facecolors()[-1]) == style.PALETTE[1]


@pytest.mark.parametrize(("classes", "lines"), [(1, 1), (2, 1), (3, 2), (10, 5), (40, 5)])
def test_a_figure_is_a_square_and_a_legend_in_two_columns(classes: int, lines: int) -> None:
    assert scatter.height(pd.Series([str(n) for n in range(classes)]), width=200) == 200 + 12 + 19 * lines


def test_one_score_against_another_stands_on_a_square_with_its_diagonal() -> None:
    drawn = scatter.against(pd.Series([0.2, 0.9]), pd.Series([0.4, 0.1]), ["one", "two"], axes(), labels=("before", "after"))
    assert np.asarray(drawn.collections[0].get_offsets()).tolist() == [[0.2, 0.4], [0.9, 0.1]]
    assert drawn.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("before", "after")
    assert (drawn.get_xlim(), drawn.get_ylim()) == ((0, 1), (0, 1))
    assert drawn.collections[0].get_urls() == style.tips(["one", "two"])
