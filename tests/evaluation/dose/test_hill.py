"""The Hill curve on a grid: its formula, and the closed forms against least squares with a column for each plate."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.evaluation.dose import hill
from impasto.evaluation.dose.hill import Design, Fit, Shapes

DOSES = np.array([0.1, 1.0, 3.0, 10.0])
AT = np.array([-1, -1, 0, 1, 2, 3, -1, 0, 0, 2, 3, 3])
PLATE = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])


def test_a_shape_is_its_formula() -> None:
    got = hill.curve(np.log([2.0, 5.0]), np.array([1.5, 0.7]), np.array([0.5, 2.0, 8.0]))
    for row, (middle, slope) in zip(got, ((2.0, 1.5), (5.0, 0.7)), strict=True):
        np.testing.assert_allclose(row, [d**slope / (middle**slope + d**slope) for d in (0.5, 2.0, 8.0)])


def test_the_grid_reaches_a_decade_beyond_the_doses() -> None:
    shapes = Shapes.of(DOSES)
    assert shapes.at_doses.shape == (61 * 12, 4)
    assert np.exp(shapes.log_ec50[[0, -1]]) == pytest.approx([0.01, 100.0])
    middle, slope = shapes.parameters(12 * 30 + 5)
    assert middle == pytest.approx(1.0)  # halfway between .01 and 100
    np.testing.assert_allclose(shapes.at_doses[12 * 30 + 5], DOSES**slope / (1 + DOSES**slope))
    assert (shapes.parameters(0)[1], shapes.parameters(11)[1]) == pytest.approx((0.4, 6.0))


def _loop(responses: np.ndarray, shape: np.ndarray) -> tuple[float, float]:
    """Span and sum of squares of one shape by least squares: a column a plate, and the curve with controls at 0."""
    curve = np.array([0.0 if a < 0 else shape[a] for a in AT])
    columns = np.stack([PLATE == 0, PLATE == 1, curve], axis=1).astype(float)
    solved = np.linalg.lstsq(columns, responses, rcond=None)[0]
    return float(solved[2]), float(((responses - columns @ solved) ** 2).sum())


def test_span_and_squares_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=len(AT)) + np.where(AT >= 0, 0.8 * AT, 0)
    responses = raw - np.array([raw[p == PLATE].mean() for p in (0, 1)])[PLATE]
    design = Design.of(Shapes.of(DOSES), AT, PLATE)
    fit = Fit.of(design, responses)
    for number in (12 * 20 + 3, 12 * 30, 12 * 40 + 11):
        span, rss = _loop(responses, design.shapes.at_doses[number])
        assert (fit.spans[number], fit.rss[number]) == pytest.approx((span, rss))
    assert fit.best == int(np.argmin([_loop(responses, shape)[1] for shape in design.shapes.at_doses]))
    assert design.df == len(AT) - 2 - 3
    assert fit.residual_sd == pytest.approx(np.sqrt(fit.rss.min() / 7))
    assert fit.profile[30] == fit.rss[12 * 30 : 12 * 31].min()
    assert fit.span == fit.spans[fit.best]


def test_moved_doses_are_moved_in_the_sums() -> None:
    rng = np.random.default_rng(1)
    design = Design.of(Shapes.of(DOSES), AT, PLATE)
    responses = rng.normal(size=(3, len(AT)))
    moved = np.stack([AT, AT, AT])
    moved[1, :6], moved[2, 6:] = AT[:6][::-1], AT[6:][::-1]
    products, gains = design.gains(responses, moved)
    for draw in range(3):
        for number in (5, 400):
            expected = sum(y * design.shapes.at_doses[number][a] for y, a in zip(responses[draw], moved[draw], strict=True) if a >= 0)
            assert products[draw, number] == pytest.approx(expected)
            assert gains[draw, number] == pytest.approx(expected**2 / design.weight[number])


def test_a_curve_without_noise_is_found() -> None:
    shapes = Shapes.of(np.geomspace(0.03, 30, 8))
    at = np.tile(np.r_[-1, -1, np.arange(8)], 2)
    plate = np.repeat([0, 1], 10)
    design = Design.of(shapes, at, plate)
    chosen = 12 * 33 + 4
    curve = np.where(at >= 0, 5 * shapes.at_doses[chosen][at], 0.0)
    fit = Fit.of(design, curve - np.array([curve[plate == p].mean() for p in (0, 1)])[plate])
    assert fit.best == chosen
    assert fit.span == pytest.approx(5)
