"""Times by hand: the libraries, and a cost of each row and value, on a machine of another speed too."""

from __future__ import annotations

import pytest

from impasto import pace
from impasto.profiles.shape import Shape
from impasto.stages import times


@pytest.fixture(autouse=True)
def _half_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "slowness", lambda: 2.0)


def test_a_cost_counts_the_start_each_row_and_each_value() -> None:
    assert times.Cost(3, 0.5, 0.01).seconds(Shape(10, 4)) == pytest.approx(2 * (3 + 5 + 0.4))


def test_a_correction_of_light_steps_and_tasks_that_were_measured() -> None:
    table = Shape(1_000_000, 500)
    assert times.of_correction(["standardize", "clip"], table) == pytest.approx(2 * (2.1 + 400))
    assert times.of_correction(["standardize", "sphering"], table) is None
    assert times.of_correction([], table) is None
    assert times.of_task("hits", table) == pytest.approx(2 * (3.5 + 275))
    assert times.of_task("grit", table) is None
