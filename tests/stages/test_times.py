"""Times by hand: the libraries, and a cost of each row, value and pair, on a machine of another speed too."""

from __future__ import annotations

import pytest

from impasto import pace
from impasto.correction import CORRECTORS
from impasto.correction.receipt import ROWS_FOR_SIGNAL
from impasto.evaluation import TASKS
from impasto.profiles.shape import Shape
from impasto.profiling import ENCODERS
from impasto.stages import times
from impasto.stages.held import CellRows, Images

IMAGES = Images(sites=100, wells=10, channels=5, height=1000, width=2000, itemsize=2)


@pytest.fixture(autouse=True)
def _half_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "slowness", lambda: 2.0)


def test_a_cost_counts_the_start_each_row_and_each_value() -> None:
    assert times.Cost(3, 0.5, 0.01).seconds(Shape(10, 4)) == pytest.approx(2 * (3 + 5 + 0.4))


def test_a_cost_counts_pairs_as_far_as_rows_are_drawn() -> None:
    assert times.Cost(0, 0, 0, 0.01, 0.1).seconds(Shape(10, 4)) == pytest.approx(2 * 100 * (0.01 + 0.4))
    assert times.Cost(0, 1, 0, 0.01, 0.1, most=5).seconds(Shape(10, 4)) == pytest.approx(2 * (10 + 25 * 0.41))


def test_a_correction_is_its_receipt_and_each_step() -> None:
    table = Shape(1_000, 500)
    pairs = 1e6 * (1e-8 + 500 * 0.5e-10)
    assert times.of_correction(["standardize", "clip"], table) == pytest.approx(2 * (2.1 + 0.5e6 * 0.7e-6 + pairs))
    assert times.of_correction(["position"], table) == pytest.approx(2 * (2.1 + 0.5e6 * 1.3e-6 + pairs))
    assert times.of_correction(["standardize", "harmony"], table) is None
    assert times.of_correction([], table) is None
    assert times._CORRECTION.most == ROWS_FOR_SIGNAL


def test_tasks_that_were_measured() -> None:
    table = Shape(1_000, 500)
    assert times.of_task("hits", table) == pytest.approx(2 * (3.7 + 0.15 + 0.35))
    assert times.of_task("replicates", table) == pytest.approx(2 * (3.7 + 3 + 0.15 + 0.025))
    assert times.of_task("relations", table) is None


def test_only_what_exists_has_a_law() -> None:
    assert times._STEPS.keys() <= set(CORRECTORS)
    assert times._TASKS.keys() <= set(TASKS)
    assert times._PLANES.keys() <= set(ENCODERS)


def test_images_by_their_pixels_files_and_crops() -> None:
    assert times.of_check(IMAGES) == pytest.approx(2 * (2.5 + 1e9 * times._CHECKED))
    assert times.of_image_files(10_000) == pytest.approx(2 * (2.5 + 10_000 * times._IMAGE_FILE))
    assert times.of_encoder("intensity", IMAGES, crops=2) == pytest.approx(2 * (times._NET_START + 1e9 * times._INTENSITY))
    net = 2 * (times._NET_START + 1e9 * times._READ + 100 * 5 * 2 * times._PLANES["dinov2_s14"])
    assert times.of_encoder("dinov2_s14", IMAGES, crops=2) == pytest.approx(net)
    assert times.of_encoder("cp_measure", IMAGES, crops=2) is None


def test_cells_by_their_values() -> None:
    cells = CellRows(rows=1000, width=300, wells=10, largest=0)
    assert times.of_cells(cells, checked=False) == pytest.approx(2 * (2.5 + 3e5 * times._CELLS_POOLED))
    assert times.of_cells(cells, checked=True) == pytest.approx(2 * (2.5 + 3e5 * times._CELLS_CHECKED))
    assert times.of_tables_of_cells(4e6) == pytest.approx(2 * (2.5 + 4e6 * times._CELLS_READ))
