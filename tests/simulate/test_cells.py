"""Cells of wells: every strength of the plan adds what it says, alone."""

from __future__ import annotations

import numpy as np

from impasto.simulate import cells, layout, lines
from impasto.simulate import plan as plans
from impasto.simulate.plan import Plan

QUIET = {
    "source_effect": 0.0,
    "batch_effect": 0.0,
    "plate_effect": 0.0,
    "position_effect": 0.0,
    "noise": 0.0,
    "count_effect": 0.0,
    "strength": 0.0,
}


def made(**changes: object):  # type: ignore[no-untyped-def]
    plan = Plan(**{"perturbations": 8, "mechanisms": 4, "controls": 4, **QUIET, **changes})
    known = plans.truth(plan, seed=0)
    where = layout.wells(plan, known, seed=0)
    return plan, known, where, cells.of_wells(plan, known, where, lines.lines(plan, seed=0), seed=0)


def test_a_treatment_moves_its_wells_by_its_effect() -> None:
    _, known, where, painted = made(strength=2.0)
    for i, (number, dose) in enumerate(zip(where["number"], where["concentration"], strict=True)):
        expected = 2.0 * known.effect(int(number), float(dose)) if number >= 0 else np.zeros(10)
        np.testing.assert_allclose(painted.properties[i], expected)


def test_batches_and_plates_shift_all_their_wells_alike() -> None:
    for word, strength in (("batch", "batch_effect"), ("plate", "plate_effect"), ("source", "source_effect")):
        _, _, where, one = made(**{strength: 1.0, "sources": 2})
        _, _, _, two = made(**{strength: 3.0, "sources": 2})
        np.testing.assert_allclose(two.properties, 3 * one.properties)
        for _, rows in where.groupby(word):
            np.testing.assert_allclose(one.properties[rows.index], one.properties[rows.index[:1]].repeat(len(rows), axis=0))
        assert len(np.unique(one.properties[:, 0].round(9))) == where[word].nunique()


def test_noise_is_half_and_counts_make_cells_small() -> None:
    _, _, where, noisy = made(noise=2.0)
    assert 0.9 < noisy.properties.std() < 1.1
    _, known, where, counted = made(count_effect=1.0)
    size = counted.properties[:, plans.PROPERTIES.index("cell size")]
    np.testing.assert_allclose(size, -2.0 * counted.log_count)
    treated = (where["number"] >= 0).to_numpy()
    mean = [
        0.2 * known.perturbations.iloc[n]["potency"] * known.count_shift[known.perturbations.iloc[n]["mechanism"]]
        for n in where["number"][treated]
    ]
    residual = counted.log_count[treated] - np.array(mean)
    assert 0.05 < residual.std() < 0.15


def test_positions_add_a_slope_down_and_across_and_a_step_on_all_four_sides() -> None:
    _, _, where, painted = made(position_effect=2.0, perturbations=90, controls=6)
    row = np.array([ord(well[0]) - 65 for well in where["well"]])
    column = np.array([int(well[1:]) - 1 for well in where["well"]])
    assert row.max() > 2
    assert column.max() > 2
    edge = (row == 0) | (row == row.max()) | (column == 0) | (column == column.max())
    assert 0 < edge.sum() < len(edge)
    design = np.stack([row / row.max() - 0.5, column / column.max() - 0.5, edge], axis=1)
    rng = np.random.default_rng([0, 20])
    down, across, step = (rng.normal(size=10) for _ in range(3))
    expected = design @ np.stack([2.0 * down, 2.0 * across, 0.5 * 2.0 * step])
    np.testing.assert_allclose(painted.properties, expected, atol=1e-9)
