"""The shortcut baselines: what they hold, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.small import plates

from impasto.evaluation import baselines
from impasto.ranking import unit


def test_position_by_cosine_is_one_half_or_nothing() -> None:
    obs = plates().obs.iloc[:3].assign(well=["A01", "A02", "B03"])
    vectors = unit(baselines.position_only(obs))
    np.testing.assert_allclose(vectors @ vectors.T, [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], atol=1e-6)
    assert baselines.position_only(obs.drop(columns="well")) is None


def test_counts_are_points_on_a_quarter_circle_by_their_rank() -> None:
    data = plates()[:4].copy()
    data.obs["cell_count"] = [10.0, 400.0, 20.0, np.nan]
    found = baselines.count_only(data)
    assert found is not None
    points, name = found
    assert name == "cell count"
    angle = np.array([1 / 3, 1.0, 2 / 3, 0.5]) * np.pi / 2
    np.testing.assert_allclose(points, np.stack([np.cos(angle), np.sin(angle)], axis=1), rtol=1e-6, atol=1e-7)


def test_crowding_stands_in_for_a_count_in_a_fixed_order() -> None:
    data = plates()
    data.var_names = ["a", "Cells_Neighbors_PercentTouching_5", "Cells_Neighbors_NumberOfNeighbors_5", "d", "e", "f"]
    assert [name for name, _ in baselines.stand_ins(data)] == [
        "position only",
        "stand-in for cell count (Cells_Neighbors_NumberOfNeighbors_5) only",
    ]
    assert [name for name, _ in baselines.stand_ins(plates())] == ["position only"]


@pytest.mark.parametrize(
    ("group", "is_one"),
    [("position only", True), ("raw: position only", True), ("shuffled labels", True), ("profiles", False), ("without row", False)],
)
def test_a_baseline_is_known_by_its_name(group: str, is_one: bool) -> None:
    assert baselines.is_baseline(group) == is_one
